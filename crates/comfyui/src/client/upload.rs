use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use origin_client::is_obeyed;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method};
use serde::Deserialize;

use super::ComfyUi;
use super::exchange::{Call, SMALL_ANSWER};
use crate::error::one_line;
use crate::{ClientError, Folder};

/// For a whole upload.
const UPLOAD_DEADLINE: Duration = Duration::from_secs(600);
/// The longest file name that is sent, in bytes: most file systems end at 255, and the server may add " (1)".
const MAX_NAME_BYTES: usize = 200;

/// A file for the server's `input` folder. Images, audio and video all take this way.
pub struct UploadInput<S> {
    /// The name it should get. Directories and control characters are taken off.
    pub file_name: String,
    /// Its media type, such as `image/png`; the server does not check it.
    pub media_type: String,
    /// A directory below the `input` folder; empty for none.
    pub subfolder: String,
    /// Its length in bytes, if it is known: without it, the body is sent in chunks, which some gateways refuse.
    pub length: Option<u64>,
    /// Its bytes. Exactly `length` of them.
    pub body: S,
}

impl<S> fmt::Debug for UploadInput<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadInput")
            .field("file_name", &self.file_name)
            .field("media_type", &self.media_type)
            .field("subfolder", &self.subfolder)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// Where the server put an upload. The name can differ from the one sent: another file of that name may exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedFile {
    /// The file's name.
    pub name: String,
    /// The directory below the folder; empty for none.
    pub subfolder: String,
    /// The folder.
    pub folder: Folder,
}

impl UploadedFile {
    /// The file as the value of an input such as `LoadImage`'s `image`: `name`, `subfolder/name`, and with ` [temp]` or
    /// ` [output]` behind it when it is not in the `input` folder (`folder_paths.py`, `annotated_filepath`).
    #[must_use]
    pub fn as_input_value(&self) -> String {
        let path = match self.subfolder.trim_matches('/') {
            "" => self.name.clone(),
            subfolder => format!("{subfolder}/{}", self.name),
        };
        match &self.folder {
            // A name that ends like an annotation would be taken for one.
            Folder::Input if !path.ends_with(']') => path,
            folder => format!("{path} [{}]", folder.as_str()),
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    name: String,
    #[serde(default)]
    subfolder: String,
    #[serde(default, rename = "type")]
    folder: Option<String>,
}

impl ComfyUi {
    /// Uploads a file: `POST /upload/image`, streamed. A file of the same name is not overwritten: with the same bytes
    /// it is used again, else the server picks another name.
    ///
    /// # Errors
    /// [`ClientError::UploadSource`] when `body` gives an error, [`ClientError`] otherwise.
    pub async fn upload<S, E>(&self, input: UploadInput<S>) -> Result<UploadedFile, ClientError>
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: fmt::Display,
    {
        let call = Call { name: "POST /upload/image", deadline: UPLOAD_DEADLINE, longest: SMALL_ANSWER };
        let file_name = plain_name(&input.file_name);
        let fault: Arc<Mutex<Option<String>>> = Arc::default();
        let noted = Arc::clone(&fault);
        let body = Body::wrap_stream(input.body.map(move |chunk| {
            chunk.map_err(|error| {
                let reason = one_line(&error.to_string(), 200);
                *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
                SourceFailed
            })
        }));
        let part = match input.length {
            Some(length) => Part::stream_with_length(body, length),
            None => Part::stream(body),
        };
        let part = part.file_name(file_name.clone());
        // A media type that cannot be sent is no reason to fail: the server goes by the name.
        let part = match input.media_type.parse::<reqwest::header::HeaderValue>() {
            Ok(media_type) => {
                let headers = [(reqwest::header::CONTENT_TYPE, media_type)].into_iter().collect();
                part.headers(headers)
            }
            Err(_) => part,
        };
        let mut form = Form::new().text("type", Folder::Input.as_str().to_owned());
        if !input.subfolder.is_empty() {
            form = form.text("subfolder", input.subfolder);
        }
        // Last, as a server that reads the parts in order then knows where to put it.
        let form = form.part("image", part);
        let request = self.request(Method::POST, &["upload", "image"])?.multipart(form);
        let result: Result<Answer, ClientError> = self.json(call, request).await;
        if let Some(reason) = fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(ClientError::UploadSource { file: file_name, reason });
        }
        let answer = result?;
        let folder = Folder::from(answer.folder.as_deref().unwrap_or("input"));
        Ok(UploadedFile { name: answer.name, subfolder: answer.subfolder, folder })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the source of the upload failed")]
struct SourceFailed;

/// Names that Windows gives to devices, whatever their ending.
const DEVICES: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "lpt1", "lpt2",
    "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// The last part of a path as any file system takes it, that of a ComfyUI on Windows too: without characters that are
/// obeyed and those that Windows forbids, short enough, its ending kept.
pub(crate) fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let forbidden = |c: char| is_obeyed(c) || matches!(c, '"' | '<' | '>' | ':' | '|' | '?' | '*');
    let plain: String = last.chars().map(|c| if forbidden(c) { '_' } else { c }).collect();
    // Windows takes neither at the end, and Unix hides what begins with a dot.
    let is_edge = |c: char| c.is_whitespace() || c == '.';
    let plain = plain.trim_matches(is_edge);
    let device = plain.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let is_taken = plain.is_empty() || DEVICES.contains(&device.as_str());
    let plain = if is_taken { format!("upload{plain}") } else { plain.to_owned() };
    if plain.len() <= MAX_NAME_BYTES {
        return plain;
    }
    let ending =
        plain.rfind('.').and_then(|at| plain.get(at..)).filter(|ending| ending.len() <= 20).unwrap_or_default();
    let mut stem = String::new();
    for c in plain.chars() {
        if stem.len() + c.len_utf8() + ending.len() > MAX_NAME_BYTES {
            break;
        }
        stem.push(c);
    }
    stem.truncate(stem.trim_end_matches(is_edge).len());
    stem + ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_a_server_would_refuse() {
        assert_eq!(plain_name("cat.png"), "cat.png");
        assert_eq!(plain_name("../../evil.png"), "evil.png");
        assert_eq!(plain_name(r"C:\pictures\cat.png"), "cat.png");
        assert_eq!(plain_name("a\r\n\"b\".png"), "a___b_.png");
        assert_eq!(plain_name(".."), "upload");
        assert_eq!(plain_name("a:b?.png."), "a_b_.png");
        assert_eq!(plain_name("x\u{202e}gnp.exe"), "x_gnp.exe");
        assert_eq!((plain_name("CON.png"), plain_name("nul")), ("uploadCON.png".to_owned(), "uploadnul".to_owned()));
        assert_eq!(plain_name("dir/"), "upload");
        assert_eq!(plain_name("größe 1.png"), "größe 1.png");
        let long = plain_name(&format!("{}.png", "ü".repeat(500)));
        assert!(long.len() <= MAX_NAME_BYTES && long.ends_with(".png"), "{long}");
    }

    #[test]
    fn the_input_value_names_folder_and_subfolder() {
        let value = |name: &str, subfolder: &str, folder: &str| {
            let folder = Folder::from(folder);
            UploadedFile { name: name.to_owned(), subfolder: subfolder.to_owned(), folder }.as_input_value()
        };
        assert_eq!(value("a (1).png", "", "input"), "a (1).png");
        assert_eq!(value("a.png", "sub", "input"), "sub/a.png");
        assert_eq!(value("a.png", "sub", "temp"), "sub/a.png [temp]");
        assert_eq!(value("a [output]", "", "input"), "a [output] [input]");
    }
}
