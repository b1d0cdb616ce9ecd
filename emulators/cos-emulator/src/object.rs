//! What the emulator knows of an object besides its bytes.

use std::{collections::BTreeMap, time::SystemTime};

use http::{HeaderName, HeaderValue};

use crate::error::Error;

/// Properties of an object that a client sees as headers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectOptions {
    /// `Content-Type`; guessed from the key when `None`.
    pub content_type: Option<String>,
    /// `Content-Encoding`. The bytes are sent as they are: encode them first.
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `STANDARD` when `None`; `ARCHIVE` and `DEEP_ARCHIVE` objects are not
    /// handed out.
    pub storage_class: Option<String>,
    /// The time of putting the object, or the file's, when `None`.
    pub last_modified: Option<SystemTime>,
    /// Sent as `x-cos-meta-<name>: <value>`.
    pub metadata: BTreeMap<String, String>,
    /// Leaves `x-cos-hash-crc64ecma` out, as for objects older than that header.
    pub without_crc64: bool,
}

impl ObjectOptions {
    pub(crate) fn storage_class(&self) -> &str {
        self.storage_class.as_deref().unwrap_or("STANDARD")
    }

    /// Has to be restored before it can be read (COS page "GET Object").
    pub(crate) fn is_archived(&self) -> bool {
        matches!(self.storage_class(), "ARCHIVE" | "DEEP_ARCHIVE")
    }

    /// All of it goes into headers: refuse early what cannot.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (name, value) in [
            ("content_type", &self.content_type),
            ("content_encoding", &self.content_encoding),
            ("content_disposition", &self.content_disposition),
            ("cache_control", &self.cache_control),
            ("storage_class", &self.storage_class),
        ] {
            if let Some(value) = value
                && HeaderValue::from_str(value).is_err()
            {
                return Err(Error::HeaderValue(name));
            }
        }
        for (name, value) in &self.metadata {
            if metadata_header(name).is_none() || HeaderValue::from_str(value).is_err() {
                return Err(Error::HeaderValue("metadata"));
            }
        }
        Ok(())
    }
}

pub(crate) fn metadata_header(name: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(format!("x-cos-meta-{name}").as_bytes()).ok()
}

/// The type COS's own tools store an object under: by its name.
pub(crate) fn guess_content_type(key: &str) -> String {
    mime_guess::from_path(key).first_or_octet_stream().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_guessed_by_name() {
        assert_eq!(guess_content_type("a/b.pdf"), "application/pdf");
        assert_eq!(guess_content_type("a/b"), "application/octet-stream");
        assert_eq!(guess_content_type("b.unheard-of"), "application/octet-stream");
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let options = |content_type: &str, name: &str| ObjectOptions {
            content_type: Some(content_type.into()),
            metadata: BTreeMap::from([(name.to_owned(), "v".to_owned())]),
            ..ObjectOptions::default()
        };
        assert!(options("text/plain", "author").check().is_ok());
        assert!(options("text/plain\r\nX: y", "author").check().is_err());
        assert!(options("text/plain", "no name").check().is_err());
    }
}
