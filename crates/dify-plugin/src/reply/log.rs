use dify_plugin_protocol::{LogMessage, LogStatus, Message, MessageBody};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Reply;
use crate::Error;

/// A step of the work that the user can watch: started, perhaps updated, and finished once. Where a call comes from the
/// message of a chat, nothing is sent: Dify gives all that a tool answers there to the model, steps as text.
#[derive(Debug)]
pub struct LogStep {
    reply: Reply,
    id: String,
    label: String,
    parent_id: Option<String>,
}

impl LogStep {
    pub(super) async fn start(
        reply: Reply,
        label: String,
        parent_id: Option<String>,
        data: impl Serialize,
        metadata: impl Serialize,
    ) -> Result<Self, Error> {
        let step = Self { reply, id: Uuid::new_v4().to_string(), label, parent_id };
        step.send(LogStatus::Start, None, data, metadata).await?;
        Ok(step)
    }

    /// Starts a step that is a part of this one.
    ///
    /// # Errors
    /// When `data` is not an object or Dify is gone.
    pub async fn step(&self, label: impl Into<String>, data: impl Serialize) -> Result<Self, Error> {
        Self::start(self.reply.clone(), label.into(), Some(self.id.clone()), data, Map::new()).await
    }

    /// Replaces what the user reads about this step, which goes on.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub async fn update(&mut self, label: impl Into<String>, data: impl Serialize) -> Result<(), Error> {
        self.label = label.into();
        self.send(LogStatus::Start, None, data, Map::new()).await
    }

    /// Finishes the step. `metadata` may hold `finished_at`, `elapsed_time` (seconds), ….
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub async fn succeed(self, data: impl Serialize, metadata: impl Serialize) -> Result<(), Error> {
        self.send(LogStatus::Success, None, data, metadata).await
    }

    /// Finishes the step as failed.
    ///
    /// # Errors
    /// As [`step`](Self::step).
    pub async fn fail(self, error: impl Into<String>, data: impl Serialize) -> Result<(), Error> {
        self.send(LogStatus::Error, Some(error.into()), data, Map::new()).await
    }

    async fn send(
        &self,
        status: LogStatus,
        error: Option<String>,
        data: impl Serialize,
        metadata: impl Serialize,
    ) -> Result<(), Error> {
        let message = LogMessage {
            id: self.id.clone(),
            label: self.label.clone(),
            parent_id: self.parent_id.clone(),
            error,
            status,
            data: object(data)?,
            metadata: Some(object(metadata)?),
        };
        // There nobody sees it as a step: the model would read it as a part of the result.
        if self.reply.session.is_read_by_a_model {
            return Ok(());
        }
        self.reply.message(&Message::new(MessageBody::Log(message))).await
    }
}

fn object(data: impl Serialize) -> Result<Map<String, Value>, Error> {
    match serde_json::to_value(data) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Error::failed("the data of a log step must be an object")),
        Err(error) => Err(Error::failed(format!("not a JSON value: {error}"))),
    }
}
