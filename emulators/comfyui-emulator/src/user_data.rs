//! Users and their files, as ComfyUI's `app/user_manager.py` keeps them. In memory only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::SystemTime;

use bytes::Bytes;
use indexmap::IndexMap;

use crate::lock::lock;

/// Of all files together, in bytes.
const MAX_BYTES: usize = 256 << 20;
/// Whose files they are on a server that keeps nobody apart.
pub(crate) const DEFAULT_USER: &str = "default";
/// Users of the server's own, whom no request may name.
const SYSTEM_PREFIX: &str = "__";
/// What is put between the files of two users in their order.
type Key = (String, String);

/// One file of a user.
#[derive(Debug, Clone)]
pub(crate) struct UserFile {
    pub(crate) bytes: Bytes,
    pub(crate) created: SystemTime,
    pub(crate) modified: SystemTime,
}

/// Why a name is none for a user, in the words of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadName {
    Duplicate,
    Empty,
    System,
}

impl BadName {
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Duplicate => "Duplicate username.",
            Self::Empty => "username not provided",
            Self::System => "System User prefix not allowed",
        }
    }
}

/// The files of all users.
#[derive(Debug)]
pub(crate) struct UserData {
    is_multi_user: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Names by id, with `--multi-user`.
    users: IndexMap<String, String>,
    files: BTreeMap<Key, UserFile>,
    /// They are made by merely looking for a file in them.
    directories: BTreeSet<Key>,
}

impl UserData {
    pub(crate) fn new(is_multi_user: bool) -> Self {
        Self { is_multi_user, state: Mutex::default() }
    }

    pub(crate) fn is_multi_user(&self) -> bool {
        self.is_multi_user
    }

    /// The user whom a request means by its header; nobody if it means one who is not there.
    pub(crate) fn user(&self, header: Option<&str>) -> Option<String> {
        if !self.is_multi_user {
            return Some(DEFAULT_USER.to_owned());
        }
        let id = header.unwrap_or(DEFAULT_USER);
        (!id.starts_with(SYSTEM_PREFIX) && lock(&self.state).users.contains_key(id)).then(|| id.to_owned())
    }

    /// Names by id, in the order of their coming.
    pub(crate) fn users(&self) -> IndexMap<String, String> {
        lock(&self.state).users.clone()
    }

    /// The id of a new user.
    pub(crate) fn add_user(&self, name: &str) -> Result<String, BadName> {
        let mut state = lock(&self.state);
        if state.users.values().any(|known| known == name) {
            return Err(BadName::Duplicate);
        }
        let name = name.trim();
        if name.is_empty() {
            return Err(BadName::Empty);
        }
        if name.starts_with(SYSTEM_PREFIX) {
            return Err(BadName::System);
        }
        let mut id = String::new();
        for character in name.chars() {
            // Of several others in a row one hyphen is left.
            let kept = character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
            if kept {
                id.push(character);
            } else if !id.ends_with('\u{0}') {
                id.push('\u{0}');
            }
        }
        let id = format!("{}_{}", id.replace('\u{0}', "-"), uuid::Uuid::new_v4());
        state.users.insert(id.clone(), name.to_owned());
        Ok(id)
    }

    /// Whether the user has ever had a file or folder.
    pub(crate) fn has_any(&self, user: &str) -> bool {
        let state = lock(&self.state);
        let is_theirs = |(owner, _): &Key| owner == user;
        state.files.keys().any(is_theirs) || state.directories.iter().any(is_theirs)
    }

    /// Makes the folders that a path is in.
    pub(crate) fn make_parents(&self, user: &str, path: &str) {
        let mut state = lock(&self.state);
        for (end, _) in path.match_indices('/') {
            let parent = path.get(..end).unwrap_or_default();
            state.directories.insert((user.to_owned(), parent.to_owned()));
        }
        // The user's own folder.
        state.directories.insert((user.to_owned(), String::new()));
    }

    pub(crate) fn has_directory(&self, user: &str, path: &str) -> bool {
        lock(&self.state).directories.contains(&(user.to_owned(), path.to_owned()))
    }

    pub(crate) fn read(&self, user: &str, path: &str) -> Option<UserFile> {
        lock(&self.state).files.get(&(user.to_owned(), path.to_owned())).cloned()
    }

    /// Writes a file; whether there was room.
    pub(crate) fn write(&self, user: &str, path: &str, bytes: Bytes) -> bool {
        self.make_parents(user, path);
        let mut state = lock(&self.state);
        let used: usize = state.files.values().map(|file| file.bytes.len()).sum();
        if used.saturating_add(bytes.len()) > MAX_BYTES {
            return false;
        }
        // A file that is replaced is a new one.
        let now = SystemTime::now();
        state.files.insert((user.to_owned(), path.to_owned()), UserFile { bytes, created: now, modified: now });
        true
    }

    pub(crate) fn remove(&self, user: &str, path: &str) -> Option<UserFile> {
        lock(&self.state).files.remove(&(user.to_owned(), path.to_owned()))
    }

    pub(crate) fn rename(&self, user: &str, path: &str, to: &str) {
        self.make_parents(user, to);
        let mut state = lock(&self.state);
        if let Some(file) = state.files.remove(&(user.to_owned(), path.to_owned())) {
            state.files.insert((user.to_owned(), to.to_owned()), file);
        }
    }

    /// The files below a folder, by their paths in it.
    pub(crate) fn files_below(&self, user: &str, directory: &str) -> Vec<(String, UserFile)> {
        let state = lock(&self.state);
        let below = state.files.iter().filter(|((owner, _), _)| owner == user);
        below.filter_map(|((_, path), file)| Some((inside(directory, path)?.to_owned(), file.clone()))).collect()
    }

    /// The folders below a folder, by their paths in it.
    pub(crate) fn directories_below(&self, user: &str, directory: &str) -> Vec<String> {
        let state = lock(&self.state);
        let below = state.directories.iter().filter(|(owner, _)| owner == user);
        below
            .filter_map(|(_, path)| inside(directory, path).filter(|path| !path.is_empty()))
            .map(str::to_owned)
            .collect()
    }
}

fn inside<'a>(directory: &str, path: &'a str) -> Option<&'a str> {
    if directory.is_empty() { Some(path) } else { path.strip_prefix(directory)?.strip_prefix('/') }
}

/// The plain path that a name of a request stands for among a user's files; `None` if it leaves them. A `%` in it is
/// decoded once more, as on the real server.
pub(crate) fn path_of(name: &str) -> Option<String> {
    let name = if name.contains('%') { unquoted(name) } else { name.to_owned() };
    if name.contains('\0') || name.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// What Python's `urllib.parse.unquote` makes of it.
pub(crate) fn unquoted(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 3;
            }
            _ => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{UserData, path_of};

    #[test]
    fn names_are_decoded_once_more_and_stay_among_the_files() {
        assert_eq!(path_of("workflows/a b.json").as_deref(), Some("workflows/a b.json"));
        assert_eq!(path_of("workflows/100%25.json").as_deref(), Some("workflows/100%.json"));
        assert_eq!(path_of("50%.json").as_deref(), Some("50%.json"));
        assert_eq!(path_of("a/../b.json").as_deref(), Some("b.json"));
        assert_eq!(path_of("../../x"), None);
        assert_eq!(path_of("%2Fetc/passwd"), None);
    }

    #[test]
    fn users_get_ids_that_are_safe_in_paths() {
        let data = UserData::new(true);
        let id = data.add_user(" Ann O'Nym ").unwrap();
        assert!(id.starts_with("Ann-O-Nym_"), "{id}");
        assert_eq!(data.user(Some(&id)).as_deref(), Some(id.as_str()));
        assert_eq!(data.user(None), None);
        assert!(data.add_user("Ann O'Nym").is_err() && data.add_user(" ").is_err() && data.add_user("__x").is_err());
    }
}
