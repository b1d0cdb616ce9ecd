use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt};
use origin_client::is_obeyed;

use crate::{Error, media_type};

/// The longest name that is given to Dify, in bytes; its database column holds 255 characters.
const MAX_NAME: usize = 200;

type Content = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// A file on its way to Dify: a name, a media type, and bytes that may still be arriving.
pub struct OutgoingFile {
    pub(crate) name: Option<String>,
    pub(crate) media_type: Option<String>,
    pub(crate) length: Option<u64>,
    pub(crate) content: Content,
}

impl OutgoingFile {
    /// A file that is at hand.
    pub fn bytes(content: impl Into<Bytes>) -> Self {
        let content = content.into();
        let length = content.len() as u64;
        Self::stream(stream::iter([Ok(content)])).length(length)
    }

    /// A file that arrives in pieces. It is never whole in memory when its [`length`](Self::length) is known.
    pub fn stream(content: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        // Fused: it may be asked again after its end.
        Self { name: None, media_type: None, length: None, content: Box::pin(content.fuse()) }
    }

    /// The file's name; folders before it are cut off, and characters that no file name has are replaced.
    #[must_use]
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.name = Some(clean_name(name.as_ref()));
        self
    }

    /// The media type that the source of the file states. Where it is missing or generic, the name decides.
    #[must_use]
    pub fn media_type(mut self, media_type: impl Into<String>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// The length in bytes. More or fewer bytes than that end the call with an error.
    #[must_use]
    pub const fn length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// How the file is called in messages.
    pub(crate) fn label(&self) -> &str {
        self.name.as_deref().unwrap_or("the file")
    }

    /// The media type from which Dify makes the right extension.
    pub(crate) fn dify_media_type(&self) -> String {
        media_type::for_dify(self.media_type.as_deref(), self.name.as_deref().unwrap_or_default())
    }

    /// Puts bytes that were read already back in front.
    pub(crate) fn unread(mut self, read: Bytes) -> Self {
        self.content = Box::pin(stream::iter([Ok(read)]).chain(self.content));
        self
    }
}

impl fmt::Debug for OutgoingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingFile")
            .field("name", &self.name)
            .field("media_type", &self.media_type)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

fn clean_name(name: &str) -> String {
    let base = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    let cleaned: String = base.chars().map(|c| if is_obeyed(c) { '_' } else { c }).collect();
    let cleaned = trim(&cleaned);
    // Windows gives some names to devices, whatever their extension.
    let stem = cleaned.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let is_numbered = |kind| stem.strip_prefix(kind).is_some_and(|n| matches!(n.as_bytes(), [b'1'..=b'9']));
    let is_device = matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || is_numbered("com") || is_numbered("lpt");
    match cleaned {
        "" => "file".to_owned(),
        _ if is_device => shorten(&format!("_{cleaned}")),
        _ => shorten(cleaned),
    }
}

/// Without white space around it, and without dots at its end: not all file systems keep them.
fn trim(name: &str) -> &str {
    name.trim_start().trim_end_matches(|c: char| c.is_whitespace() || c == '.')
}

/// Cuts in the middle, so that the extension stays.
fn shorten(name: &str) -> String {
    if name.len() <= MAX_NAME {
        return name.to_owned();
    }
    let extension =
        name.rfind('.').map(|dot| &name[dot..]).filter(|extension| extension.len() <= 20).unwrap_or_default();
    let stem_end = (0..=MAX_NAME - extension.len()).rev().find(|end| name.is_char_boundary(*end)).unwrap_or_default();
    format!("{}{extension}", trim(&name[..stem_end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_base_names_that_any_file_system_takes() {
        assert_eq!(clean_name("a/b/c.png"), "c.png");
        assert_eq!(clean_name("C:\\x\\y.png"), "y.png");
        assert_eq!(clean_name("folder/"), "folder");
        assert_eq!(clean_name("a\r\nb\0.txt"), "a__b_.txt");
        assert_eq!(clean_name("../.."), "file");
        assert_eq!(clean_name(" . "), "file");
        assert_eq!(clean_name("a. ."), "a");
        assert_eq!(clean_name("x\u{202e}gpj.exe"), "x_gpj.exe");
        assert_eq!((clean_name("NUL"), clean_name("com1.tar.gz")), ("_NUL".to_owned(), "_com1.tar.gz".to_owned()));
        assert_eq!(clean_name("console.txt"), "console.txt");
        assert_eq!(clean_name(""), "file");
        assert_eq!(clean_name("报告 😀.pdf"), "报告 😀.pdf");
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = clean_name(&format!("{}.tar.gz", "长".repeat(300)));
        assert!(name.len() <= MAX_NAME && name.len() > MAX_NAME - 4);
        assert!(name.ends_with(".gz"));
    }

    #[test]
    fn bytes_know_their_length() {
        assert_eq!(OutgoingFile::bytes("four").length, Some(4));
    }
}
