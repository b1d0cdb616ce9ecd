//! Reading request bodies.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures_util::StreamExt;
use serde_json::Value;

use crate::answer;
use crate::application::MAX_BODY;

/// How long a whole body may take.
const DEADLINE: Duration = Duration::from_secs(300);

/// How much of a body that is too long is read and thrown away, so that its sender gets to read
/// the answer.
const MAX_DRAINED: usize = 1 << 30;

/// A body that cannot be had; as an answer, what the real server says to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadBody {
    /// It is longer than 100 MiB.
    TooLarge,
    /// It stopped halfway or took too long.
    Stopped,
    /// It is no JSON, which crashes the handler of the real server.
    NoJson,
}

impl IntoResponse for BadBody {
    fn into_response(self) -> Response {
        match self {
            Self::TooLarge => answer::too_large(),
            Self::Stopped | Self::NoJson => answer::crash(),
        }
    }
}

/// Reads a body of at most 100 MiB.
pub(crate) async fn read(body: Body) -> Result<Bytes, BadBody> {
    tokio::time::timeout(DEADLINE, read_all(body)).await.unwrap_or(Err(BadBody::Stopped))
}

async fn read_all(body: Body) -> Result<Bytes, BadBody> {
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "a request body stopped halfway");
            BadBody::Stopped
        })?;
        if whole.len() + chunk.len() > MAX_BODY {
            drop(whole);
            let mut drained = 0;
            while let Some(Ok(chunk)) = stream.next().await {
                drained += chunk.len();
                if drained > MAX_DRAINED {
                    break;
                }
            }
            return Err(BadBody::TooLarge);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// Reads a body as JSON.
pub(crate) async fn read_json(body: Body) -> Result<Value, BadBody> {
    serde_json::from_slice(&read(body).await?).map_err(|_| BadBody::NoJson)
}
