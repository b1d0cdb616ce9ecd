mod blob_chunks;
mod carrier;
mod file;
mod log;

use std::sync::Arc;

use dify_plugin_protocol::{JsonObject, Message, MessageBody, Text, UploadedFile, Variable};
use serde::Serialize;
use serde_json::Value;

#[cfg(feature = "fuzzing")]
pub(crate) use self::blob_chunks::BlobChunks;
pub use self::log::LogStep;
use crate::backwards::{self, UploadFailure};
use crate::session::Session;
use crate::{Error, OutgoingFile};

/// Names that Dify's workflow engine uses itself.
const RESERVED_VARIABLES: [&str; 3] = ["text", "json", "files"];

/// Where a tool or a download leaves its answer, piece by piece and in order. Cheap to clone.
///
/// Every method waits while Dify is slow to read, and fails once Dify is gone.
#[derive(Clone, Debug)]
pub struct Reply {
    session: Arc<Session>,
}

impl Reply {
    pub(crate) const fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// A text. A workflow joins all of them; a model reads them.
    ///
    /// # Errors
    /// When it is longer than one line may be (5 MiB), or Dify is gone.
    pub async fn text(&self, text: impl Into<String> + Send) -> Result<(), Error> {
        self.message(&Message::text(text)).await
    }

    /// An object or a list. A list fails the node of Dify before 1.12.
    ///
    /// # Errors
    /// As [`text`](Self::text), and when it is another kind of value.
    pub async fn json(&self, value: impl Serialize + Send) -> Result<(), Error> {
        let json_object =
            serde_json::to_value(value).map_err(|error| Error::failed(format!("not a JSON value: {error}")))?;
        if !json_object.is_object() && !json_object.is_array() {
            return Err(Error::failed("a JSON reply must be an object or a list"));
        }
        self.message(&Message::new(MessageBody::Json(JsonObject { json_object }))).await
    }

    /// A URL for the reader to follow.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub async fn link(&self, url: impl Into<String> + Send) -> Result<(), Error> {
        self.message(&Message::new(MessageBody::Link(Text { text: url.into() }))).await
    }

    /// The URL of a picture, which Dify downloads. A picture at hand is better sent as a [`file`](Self::file).
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub async fn image(&self, url: impl Into<String> + Send) -> Result<(), Error> {
        self.message(&Message::new(MessageBody::Image(Text { text: url.into() }))).await
    }

    /// The URL of a picture that is in Dify already.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub async fn image_link(&self, url: impl Into<String> + Send) -> Result<(), Error> {
        self.message(&Message::new(MessageBody::ImageLink(Text { text: url.into() }))).await
    }

    /// An output variable, which the tool's `output_schema` should declare. Numbers cross Dify as doubles: an integer
    /// above 2^53 must travel as text. Null fails the node of Dify before 1.11.2.
    ///
    /// # Errors
    /// As [`text`](Self::text), and for the names `text`, `json` and `files`, which Dify keeps for itself.
    pub async fn variable(&self, name: &str, value: impl Serialize + Send) -> Result<(), Error> {
        let value = serde_json::to_value(value).map_err(|error| Error::failed(format!("not a JSON value: {error}")))?;
        self.send_variable(name, value, false).await
    }

    /// A piece of an output variable that is a text; the pieces of a name are joined.
    ///
    /// # Errors
    /// As [`variable`](Self::variable).
    pub async fn stream_variable(&self, name: &str, piece: &str) -> Result<(), Error> {
        self.send_variable(name, Value::from(piece), true).await
    }

    /// Starts a step that the user can watch. `data` is an object that the user can open; `metadata` may hold
    /// `started_at`, `provider`, ….
    ///
    /// # Errors
    /// As [`text`](Self::text), and when `data` or `metadata` is not an object.
    pub async fn log(
        &self,
        label: impl Into<String>,
        data: impl Serialize,
        metadata: impl Serialize,
    ) -> Result<LogStep, Error> {
        LogStep::start(self.clone(), label.into(), None, data, metadata).await
    }

    /// A file. The way it takes depends on its length and on who asks: chunks for a tool (up to what Dify merges), one
    /// line for a small file of a datasource, and for what these cannot carry Dify's upload URL with a link to the
    /// uploaded file.
    ///
    /// # Errors
    /// When the file's own stream fails, when it has another length than announced, and when nothing can carry it.
    pub async fn file(&self, file: OutgoingFile) -> Result<(), Error> {
        file::send(&self.session, file).await
    }

    /// Uploads a file to Dify without mentioning it in the answer.
    ///
    /// # Errors
    /// When Dify gives no address or refuses the file.
    pub async fn upload(&self, file: OutgoingFile) -> Result<UploadedFile, Error> {
        backwards::upload(&self.session, file).await.map_err(UploadFailure::into_error)
    }

    async fn send_variable(&self, name: &str, value: Value, stream: bool) -> Result<(), Error> {
        if name.is_empty() || RESERVED_VARIABLES.contains(&name) {
            return Err(Error::failed(format!("{name:?} cannot be the name of an output variable")));
        }
        let variable = Variable { variable_name: name.to_owned(), variable_value: value, stream };
        self.message(&Message::new(MessageBody::Variable(variable))).await
    }

    async fn message(&self, message: &Message) -> Result<(), Error> {
        self.session.stream(message).await
    }
}
