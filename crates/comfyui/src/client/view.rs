use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderValue, IF_RANGE, RANGE};
use reqwest::{Method, StatusCode};
use tokio::time::{sleep, timeout};
use url::Url;

use super::ComfyUi;
use super::exchange::{Call, within};
use crate::{ClientError, OutputFile};

/// How long the first byte may take.
const FIRST_BYTE: Duration = Duration::from_secs(60);
/// How often the rest of a file is asked for after it broke off.
const RESUMPTIONS: u32 = 3;
/// Before the first of these times; twice and three times as long before the others.
const BEFORE_RESUMING: Duration = Duration::from_millis(300);

/// A file on its way from the server.
pub struct OutputStream {
    length: Option<u64>,
    content_type: Option<String>,
    body: BoxStream<'static, Result<Bytes, ClientError>>,
}

impl OutputStream {
    /// Its length in bytes, as far as the server said so.
    #[must_use]
    pub const fn length(&self) -> Option<u64> {
        self.length
    }

    /// Its media type in the server's words, parameters and all. ComfyUI says `application/octet-stream` of whatever a
    /// browser could run; [`OutputFile::media_type`] goes by the name.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }
}

impl Stream for OutputStream {
    type Item = Result<Bytes, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.body.poll_next_unpin(context)
    }
}

impl fmt::Debug for OutputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputStream")
            .field("length", &self.length)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

impl ComfyUi {
    /// Fetches a file that a run made: `GET /view`. The first byte must come within a minute, and each next one as well;
    /// how long the whole may take is up to the caller. A file that breaks off is fetched on from there, if the server
    /// shows by its tag that it is still the same.
    ///
    /// # Errors
    /// [`ClientError::NoSuchFile`] when it is gone, [`ClientError`] otherwise, also in the middle of the stream.
    pub async fn view(&self, file: &OutputFile) -> Result<OutputStream, ClientError> {
        let call = Call { name: "GET /view", deadline: FIRST_BYTE, longest: 0 };
        let mut url = self.address().http(&["view"]);
        url.query_pairs_mut()
            .append_pair("filename", &file.filename)
            .append_pair("subfolder", &file.subfolder)
            .append_pair("type", file.folder.as_str());
        let request = self.request_to(Method::GET, url.clone())?;
        let response = within(call, self.success(call, request)).await.map_err(|error| match error {
            ClientError::Status { status: 404, .. } => ClientError::NoSuchFile { file: file.to_string() },
            other => other,
        })?;
        let length = response.content_length();
        let content_type =
            response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let tag = response.headers().get(ETAG).cloned();
        let body = response.bytes_stream().boxed();
        let download = Download { server: self.clone(), url, tag, received: 0, resumptions: 0, body: Some(body) };
        let body = stream::unfold(download, Download::next).boxed();
        Ok(OutputStream { length, content_type, body })
    }
}

/// A file that is fetched on from where it broke off.
struct Download {
    server: ComfyUi,
    url: Url,
    /// What the server knows this version of the file by; without it, what follows may be another file.
    tag: Option<HeaderValue>,
    received: u64,
    resumptions: u32,
    /// Nothing after an error.
    body: Option<BoxStream<'static, Result<Bytes, reqwest::Error>>>,
}

impl Download {
    async fn next(mut self) -> Option<(Result<Bytes, ClientError>, Self)> {
        loop {
            let error = match self.body.as_mut()?.next().await? {
                Ok(bytes) => {
                    self.received += bytes.len() as u64;
                    return Some((Ok(bytes), self));
                }
                Err(error) => self.server.transport(&error),
            };
            self.body = self.resumed(&error).await;
            if self.body.is_none() {
                return Some((Err(error), self));
            }
        }
    }

    /// The rest of the file, if waiting and asking again can help and the server still has the same file.
    async fn resumed(&mut self, error: &ClientError) -> Option<BoxStream<'static, Result<Bytes, reqwest::Error>>> {
        let tag = self.tag.clone()?;
        while error.is_temporary() && self.resumptions < RESUMPTIONS {
            self.resumptions += 1;
            sleep(BEFORE_RESUMING * self.resumptions).await;
            tracing::debug!(%error, received = self.received, "a file broke off: asking for the rest");
            let request = self.server.request_to(Method::GET, self.url.clone()).ok()?;
            let request = request.header(RANGE, format!("bytes={}-", self.received)).header(IF_RANGE, tag.clone());
            let Ok(Ok(response)) = timeout(FIRST_BYTE, request.send()).await else { continue };
            let range = response.headers().get(CONTENT_RANGE).and_then(|range| range.to_str().ok());
            let begins = range.is_some_and(|range| range.starts_with(&format!("bytes {}-", self.received)));
            // ComfyUI's own server (aiohttp) reads only dates in If-Range: whether it is the same file is seen here.
            let is_same = response.headers().get(ETAG) == Some(&tag);
            if response.status() == StatusCode::PARTIAL_CONTENT && begins && is_same {
                return Some(response.bytes_stream().boxed());
            }
            // Anything but a gateway's bad moment: the file is another one, or the server knows no ranges.
            if !response.status().is_server_error() {
                return None;
            }
        }
        None
    }
}
