use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use super::SettingsError;

/// Bytes of a `.env` file that are read.
const MAX_FILE: u64 = 256 * 1024;

/// The variables of the process, and those of the `.env` file of its working directory. The process's win; a variable
/// that is set to nothing there hides the file's too.
pub(crate) struct Variables {
    environment: bool,
    file: BTreeMap<String, String>,
}

/// The names alone: the values may be anybody's secrets.
impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variables").field("file", &self.file.keys()).finish_non_exhaustive()
    }
}

impl Variables {
    pub(super) fn of_process() -> Result<Self, SettingsError> {
        let text = read_file().map_err(|error| SettingsError::File(error.to_string()))?;
        Ok(Self { environment: true, ..Self::of_file(&text)? })
    }

    /// Those of the text of a `.env` file alone.
    pub(super) fn of_file(text: &str) -> Result<Self, SettingsError> {
        let text = text.trim_start_matches('\u{feff}');
        let mut file = BTreeMap::new();
        let mut after = "the beginning".to_owned();
        for variable in dotenvy::from_read_iter(text.as_bytes()) {
            // What dotenvy says of a line shows its value.
            let (name, value) = variable.map_err(|_| SettingsError::Line { after: after.clone() })?;
            after.clone_from(&name);
            file.insert(name, value);
        }
        Ok(Self { environment: false, file })
    }

    /// The value without the white space around it, or `None` when it is not set or empty.
    pub(crate) fn get(&self, name: &'static str) -> Result<Option<String>, SettingsError> {
        let set = if self.environment { env::var(name) } else { Err(VarError::NotPresent) };
        let value = match set {
            Ok(value) => Some(value),
            Err(VarError::NotPresent) => self.file.get(name).cloned(),
            Err(VarError::NotUnicode(_)) => return Err(SettingsError::NotText(name)),
        };
        Ok(value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()))
    }
}

/// The text of `.env`, empty where there is no such file.
fn read_file() -> io::Result<String> {
    let mut text = String::new();
    match File::open(".env") {
        Ok(file) if file.metadata()?.is_file() => {
            file.take(MAX_FILE + 1).read_to_string(&mut text)?;
        }
        // A folder or a device of that name is not meant.
        Ok(_) => {}
        // Not to be read by this user is as good as absent: the variables may all be in the environment.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {}
        Err(error) => return Err(error),
    }
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("longer than {MAX_FILE} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_usual_forms() {
        let text =
            "\u{feff}# comment\n\nexport A=1\nB = two\r\nC=\"three words\"\nD='4' # four\nE=\nB=three\nF=  spaced  \n";
        let variables = Variables::of_file(text).unwrap();
        let get = |name| variables.get(name).unwrap();
        assert_eq!(get("A").as_deref(), Some("1"));
        assert_eq!(get("B").as_deref(), Some("three"), "the last one counts");
        assert_eq!(get("C").as_deref(), Some("three words"));
        assert_eq!(get("D").as_deref(), Some("4"));
        assert_eq!(get("E"), None);
        assert_eq!(get("F").as_deref(), Some("spaced"));
        assert_eq!(get("G"), None);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_pointed_at_without_its_value() {
        for (text, after) in [
            ("secret\n", "the beginning"),
            ("A=1\nREMOTE_INSTALL_KEY=secret of many words\n", "A"),
            ("A=1\nB=2\nC='secret\nD=1\n", "B"),
        ] {
            assert_eq!(
                Variables::of_file(text).unwrap_err().to_string(),
                format!(
                    ".env: a line after {after} cannot be read; it must be NAME=value, with a value of several words \
                     in double quotes"
                )
            );
        }
    }

    #[test]
    fn what_is_debugged_has_no_values() {
        let variables = Variables::of_file("KEY=secret").unwrap();
        assert_eq!(format!("{variables:?}"), "Variables { file: [\"KEY\"], .. }");
    }
}
