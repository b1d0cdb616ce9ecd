//! Reading request bodies.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
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

/// Reads a body of at most 100 MiB; `Err` is the answer to one that is longer or stops halfway.
pub(crate) async fn read(body: Body) -> Result<Bytes, Response> {
    tokio::time::timeout(DEADLINE, read_all(body)).await.unwrap_or_else(|_| Err(answer::crash()))
}

async fn read_all(body: Body) -> Result<Bytes, Response> {
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| {
            tracing::debug!(%error, "a request body stopped halfway");
            answer::crash()
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
            return Err(answer::too_large());
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
}

/// Reads a body as JSON; anything else crashes the handler of the real server.
pub(crate) async fn read_json(body: Body) -> Result<Value, Response> {
    let bytes = read(body).await?;
    serde_json::from_slice(&bytes).map_err(|_| answer::crash())
}
