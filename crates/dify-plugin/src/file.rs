use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use dify_plugin_protocol::{FileParameter, FileType};
use futures_util::stream::{Stream, StreamExt};
use origin_client::{Connections, Origin, TransportError};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use url::Url;

use crate::Error;

/// Attempts to fetch a file before its first byte has come.
const ATTEMPTS: u32 = 3;

/// Pause before the second attempt; doubled for the third.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// A Dify file given to a tool, as the type of a parameter. Its bytes are fetched by
/// [`Dify::open`](crate::Dify::open), within 300 s, while its URL lives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct File(FileParameter);

impl File {
    /// The name, or one made of the kind and extension where Dify knows none.
    #[must_use]
    pub fn name(&self) -> String {
        match self.0.filename.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => format!("file{}", self.0.extension.as_deref().unwrap_or_default()),
        }
    }

    /// The media type, if Dify knows it.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.0.mime_type.as_deref().filter(|media_type| !media_type.is_empty())
    }

    /// Bytes, if Dify knows: a hint.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.0.size
    }

    /// What Dify takes the file for.
    #[must_use]
    pub const fn kind(&self) -> FileType {
        self.0.r#type
    }

    /// All that Dify says about the file.
    #[must_use]
    pub const fn parameter(&self) -> &FileParameter {
        &self.0
    }

    pub(crate) async fn open(&self, connections: &Connections) -> Result<FileBody, Error> {
        let name = self.name();
        let url = self.url()?;
        let client =
            connections.to(&url).map_err(|error| Error::failed(format!("{name} cannot be fetched: {error}")))?;
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let request = client.get(url.clone()).map_err(|error| Error::failed(error.to_string()))?;
            let (failure, is_temporary) = match request.send().await {
                Ok(response) if response.status().is_success() => {
                    return Ok(FileBody::new(name, client.origin().clone(), response));
                }
                Ok(response) => refusal(response.status(), client.origin()),
                Err(error) => {
                    let error = TransportError::new(client.origin(), &error);
                    (error.to_string(), error.is_temporary())
                }
            };
            if !is_temporary || attempt == ATTEMPTS {
                return Err(Error::failed(format!(
                    "{name} could not be fetched from Dify ({failure}): FILES_URL or INTERNAL_FILES_URL in Dify's \
                     settings must be an address that the plugin daemon can reach"
                )));
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }

    fn url(&self) -> Result<Url, Error> {
        Url::parse(&self.0.url).map_err(|_| {
            let path = self.0.url.split('?').next().unwrap_or_default();
            Error::failed(format!(
                "{} cannot be fetched: Dify gave {path:?} as its address, which has no host. Set FILES_URL (or \
                 INTERNAL_FILES_URL) in Dify's settings to an address that the plugin daemon can reach",
                self.name()
            ))
        })
    }
}

fn refusal(status: StatusCode, origin: &Origin) -> (String, bool) {
    let why = match status {
        StatusCode::FORBIDDEN => ": the address had expired, which it does after 300 seconds",
        StatusCode::NOT_FOUND => ": the file is gone",
        _ => "",
    };
    (format!("{origin} answered {}{why}", status.as_u16()), status.is_server_error())
}

/// The bytes of a [`File`] as they arrive.
pub struct FileBody {
    length: Option<u64>,
    media_type: Option<String>,
    bytes: Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send + Sync>>,
}

impl FileBody {
    fn new(name: String, origin: Origin, response: Response) -> Self {
        let length = response.content_length();
        let media_type =
            response.headers().get("content-type").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bytes = response.bytes_stream().map(move |bytes| {
            bytes.map_err(|error| {
                Error::failed(format!(
                    "{name} broke off on its way from Dify ({})",
                    TransportError::new(&origin, &error)
                ))
            })
        });
        Self { length, media_type, bytes: Box::pin(bytes) }
    }

    /// Bytes to come, where Dify said so.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The `Content-Type` with which the file comes.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }
}

impl Stream for FileBody {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.bytes.as_mut().poll_next(context)
    }
}

impl std::fmt::Debug for FileBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileBody")
            .field("length", &self.length)
            .field("media_type", &self.media_type)
            .finish_non_exhaustive()
    }
}
