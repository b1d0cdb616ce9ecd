use std::fmt;

use serde_json::Value;

use super::{Description, InputDescription};
use crate::error::one_line;

/// The most lines of each part. All of it is in the object.
const MAX_LINES: usize = 60;
/// The most characters of a value or a list of choices on a line.
const MAX_CHARS: usize = 120;

/// Plain text that a model can read.
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The workflow has {} nodes.", self.nodes)?;
        part(f, "Values that can be set (key: type, present value)", &self.inputs, ToString::to_string)?;
        part(f, "Files that can be given", &self.files, |file| {
            let value = file.value.as_deref().map(|value| format!(", now {value:?}")).unwrap_or_default();
            format!("{}: {}{}{value}", file.key, file.takes, titled(file.title.as_deref()))
        })?;
        part(f, "It puts out", &self.outputs, |output| {
            let preview = if output.is_preview { ", only shown" } else { "" };
            let title = titled(output.title.as_deref());
            format!("node {} ({}): {}{title}{preview}", output.node_id, one_line(&output.class_type, 100), output.kind)
        })?;
        part(f, "Models that it names", &self.models, |model| {
            let there = match model.is_on_server {
                Some(true) => ": on the server",
                Some(false) => ": MISSING on the server",
                None => "",
            };
            let folder = model.folder.as_deref().map(|folder| format!(" in {folder}")).unwrap_or_default();
            let url = model.url.as_deref().filter(|_| model.is_on_server == Some(false));
            let url = url.map(|url| format!(", to be had at {}", one_line(url, 300))).unwrap_or_default();
            format!("{} = {}{folder}{there}{url}", model.key, model.name)
        })?;
        part(f, "Node classes that the server does not have", &self.missing_classes, |class| {
            let pack = class.pack.as_ref().map(|pack| {
                let version = pack.version.as_deref().unwrap_or_default();
                format!(" (comes with {} {})", one_line(&pack.id, 100), one_line(version, 60))
            });
            format!("{}{}", one_line(&class.class_type, 100), pack.unwrap_or_default())
        })?;
        part(f, "Problems", &self.problems, Clone::clone)?;
        f.write_str(if self.is_runnable { "The server can run it." } else { "The server cannot run it as it stands." })
    }
}

impl fmt::Display for InputDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.r#type)?;
        if let Some(range) = &self.range {
            write!(f, " {range}")?;
        }
        if !self.choices.is_empty() {
            let shown = |choice: &Value| choice.as_str().map_or_else(|| choice.to_string(), str::to_owned);
            let choices: Vec<String> = self.choices.iter().map(shown).collect();
            write!(f, " of {}", one_line(&choices.join(", "), MAX_CHARS))?;
            if self.more_choices > 0 {
                write!(f, " and {} more", self.more_choices)?;
            }
        }
        write!(f, ", now {}{}", one_line(&self.value.to_string(), MAX_CHARS), titled(self.title.as_deref()))
    }
}

fn titled(title: Option<&str>) -> String {
    title.map(|title| format!(" [{}]", one_line(title, 80))).unwrap_or_default()
}

fn part<T>(f: &mut fmt::Formatter<'_>, title: &str, items: &[T], line: impl Fn(&T) -> String) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(f, "{title}:")?;
    for item in items.iter().take(MAX_LINES) {
        writeln!(f, "- {}", line(item))?;
    }
    match items.len().checked_sub(MAX_LINES) {
        Some(more) if more > 0 => writeln!(f, "- and {more} more"),
        _ => Ok(()),
    }
}
