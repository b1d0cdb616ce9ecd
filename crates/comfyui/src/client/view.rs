use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::ComfyUi;
use super::exchange::{Call, within};
use crate::{ClientError, OutputFile};

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
    /// how long the whole may take is up to the caller.
    ///
    /// # Errors
    /// [`ClientError::NoSuchFile`] when it is gone, [`ClientError`] otherwise, also in the middle of the stream.
    pub async fn view(&self, file: &OutputFile) -> Result<OutputStream, ClientError> {
        let call = Call { name: "GET /view", deadline: Duration::from_secs(60), longest: 0 };
        let mut url = self.address().http(&["view"]);
        url.query_pairs_mut()
            .append_pair("filename", &file.filename)
            .append_pair("subfolder", &file.subfolder)
            .append_pair("type", file.folder.as_str());
        let request = self.request_to(Method::GET, url)?;
        let response = within(call, self.success(call, request)).await.map_err(|error| match error {
            ClientError::Status { status: 404, .. } => ClientError::NoSuchFile { file: file.to_string() },
            other => other,
        })?;
        let length = response.content_length();
        let content_type =
            response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let server = self.clone();
        let body = response.bytes_stream().map(move |chunk| chunk.map_err(|error| server.transport(&error))).boxed();
        Ok(OutputStream { length, content_type, body })
    }
}
