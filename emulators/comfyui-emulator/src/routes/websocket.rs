//! The WebSocket: `websocket_handler` of ComfyUI's `server.py`.

use std::sync::Arc;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::answer;
use crate::application::{self, Application};
use crate::events::Frame;
use crate::query::Query;
use crate::transport::Plug;

/// aiohttp's limit; a longer frame ends the connection.
const MAX_INBOUND: usize = 4 << 20;

pub(super) async fn connect(
    State(application): State<Arc<Application>>,
    ConnectInfo(plug): ConnectInfo<Plug>,
    query: Query,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let given = headers.get("upgrade").and_then(|value| value.to_str().ok()).unwrap_or("None");
        let text = format!("No WebSocket UPGRADE hdr: {given}\n Can \"Upgrade\" only to \"WebSocket\".");
        return answer::text(StatusCode::BAD_REQUEST, text);
    };
    let sid = match query.get("clientId") {
        Some(sid) if !sid.is_empty() => sid.to_owned(),
        _ => Uuid::new_v4().simple().to_string(),
    };
    upgrade
        .max_message_size(MAX_INBOUND)
        .max_frame_size(MAX_INBOUND)
        .on_upgrade(move |socket| serve(application, plug, sid, socket))
}

async fn serve(application: Arc<Application>, plug: Plug, sid: String, socket: WebSocket) {
    let frames = application.events.connect(&sid, application.queue.remaining());
    let (sink, stream) = socket.split();
    let allowed = application.faults.take_websocket_cut();
    tokio::select! {
        () = write(sink, frames, allowed) => {}
        () = read(stream, &application, &sid) => {}
        () = application.stopping.cancelled() => {}
    }
    application.events.disconnect(&sid);
    // The real server never says goodbye, whether it stops or is cut.
    plug.pull();
}

/// Sends what the hub gives until it gives no more, or until no more frames are allowed.
async fn write(mut sink: impl SinkExt<Message> + Unpin, mut frames: mpsc::Receiver<Frame>, mut allowed: Option<u64>) {
    loop {
        if allowed == Some(0) {
            return;
        }
        let Some(frame) = frames.recv().await else {
            // Another socket has this id now: this one stays open and silent.
            return std::future::pending().await;
        };
        if sink.send(frame.message).await.is_err() {
            return;
        }
        if let Some(allowed) = &mut allowed {
            *allowed -= 1;
        }
    }
}

/// Reads what the client says. Only the first JSON counts, and only if it is about features.
async fn read(
    mut stream: impl StreamExt<Item = Result<Message, axum::Error>> + Unpin,
    application: &Application,
    sid: &str,
) {
    let mut first = true;
    while let Some(Ok(message)) = stream.next().await {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => return,
            _ => continue,
        };
        let Ok(json) = serde_json::from_str::<Value>(&text) else { continue };
        if !json.is_object() {
            // Python cannot ask this for its type; the exception leaves everything as it was.
            continue;
        }
        if first && json.get("type").and_then(Value::as_str) == Some("feature_flags") {
            let flags = json.get("data").cloned().unwrap_or_default();
            application.events.negotiate(sid, &flags, &application::features());
        }
        first = false;
    }
}
