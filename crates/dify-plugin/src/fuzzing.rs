//! What reads Dify's words, names files and cuts them into lines, and is private, for the fuzz targets and the benchmarks.
//! Behind the feature `fuzzing`.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{Error, OutgoingFile, media_type, parameters};

/// Parameters of a tool.
///
/// # Errors
/// As a user reads them.
pub fn parameters<T: DeserializeOwned>(parameters: Map<String, Value>) -> Result<T, Error> {
    parameters::decode_parameters(parameters)
}

/// Credentials.
///
/// # Errors
/// As a user reads them.
pub fn credentials<T: DeserializeOwned>(credentials: Map<String, Value>) -> Result<T, Error> {
    parameters::decode_credentials(credentials)
}

/// The name and the media type under which Dify gets a file, and the extension that it makes of the type.
#[must_use]
pub fn file_for_dify(name: &str, declared: &str) -> (String, String, Option<&'static str>) {
    let file = OutgoingFile::bytes("").name(name).media_type(declared);
    let media_type = file.dify_media_type();
    let extension = media_type::guess_extension(&media_type);
    (file.label().to_owned(), media_type, extension)
}

/// The message of an error as Dify gets it.
#[must_use]
pub fn error_message(error: Error) -> String {
    error.into_call_error(crate::error::Surface::Tool).message
}

/// Appends the lines of a whole file to `lines`. Says whether they are the whole file.
pub fn blob_chunks(file: &[u8], lines: &mut Vec<u8>) -> bool {
    let mut chunks = crate::reply::BlobChunks::new("session", "file", file.len() as u64, None);
    chunks.push(file, lines).and_then(|()| chunks.finish(lines)).is_ok()
}
