use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use super::ComfyUi;
use crate::error::one_line;
use crate::{ClientError, Event};

/// For the TCP connection, TLS and the handshake.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);
/// The server never pings. After this much silence we do, and after twice as much the socket counts as dead.
const PING_AFTER: Duration = Duration::from_secs(15);
/// For one outgoing frame.
const SEND_DEADLINE: Duration = Duration::from_secs(10);
/// The longest frame: `SaveImageWebsocket` sends whole images.
const MAX_FRAME_BYTES: usize = 64 << 20;
/// Makes the server name prompt and node of each preview (`feature_flags.py`).
const FEATURE_FLAGS: &str = r#"{"type":"feature_flags","data":{"supports_preview_metadata":true}}"#;

/// The server's events for one client id.
///
/// It must be read until it is dropped: a client that stops reading stops the events of all clients of that server.
pub struct EventStream {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    heard: Instant,
    pinged: bool,
    /// For what is to be taken out of the server's words.
    server: ComfyUi,
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("heard", &self.heard).finish_non_exhaustive()
    }
}

impl ComfyUi {
    /// Opens the WebSocket for `client_id`, with the same credentials and path prefix as HTTP.
    ///
    /// Use a fresh client id for each execution. Two sockets of one id are a trap: the second takes the events, and when
    /// the server notices the end of the first, it forgets the second, which then stays open and silent (`server.py`,
    /// `websocket_handler`). So a socket that is opened again after a break may fall silent at any time.
    ///
    /// It takes the proxies of the environment, as HTTP does.
    ///
    /// # Errors
    /// [`ClientError::WebSocket`].
    pub async fn open_events(&self, client_id: &str) -> Result<EventStream, ClientError> {
        let url = self.inner.address.websocket(client_id);
        let mut request = url.as_str().into_client_request().map_err(|error| failed(&error))?;
        request.headers_mut().extend(self.inner.headers.clone());
        let config = WebSocketConfig::default()
            .read_buffer_size(16 << 10)
            .max_message_size(Some(MAX_FRAME_BYTES))
            .max_frame_size(Some(MAX_FRAME_BYTES));
        let connector = Connector::Rustls(self.inner.http.tls_config());
        let opening = async {
            let stream = self.inner.http.connect().await.map_err(|error| error.to_string())?;
            let opened = client_async_tls_with_config(request, stream, Some(config), Some(connector)).await;
            let (mut socket, _) = opened.map_err(|error| reason(&error))?;
            // Only as the first frame do the flags count.
            socket.send(Message::text(FEATURE_FLAGS)).await.map_err(|error| reason(&error))?;
            Ok(socket)
        };
        match timeout(OPEN_DEADLINE, opening).await {
            Ok(Ok(socket)) => Ok(EventStream { socket, heard: Instant::now(), pinged: false, server: self.clone() }),
            Ok(Err(reason)) => Err(ClientError::WebSocket { reason }),
            Err(_) => Err(ClientError::WebSocket { reason: "could not be opened in time".to_owned() }),
        }
    }
}

impl EventStream {
    /// The next event; frames that cannot be read are left out. Nothing at the server's regular end of the socket. May be
    /// dropped and called again at any time without losing an event.
    ///
    /// # Errors
    /// [`ClientError::WebSocket`] when the socket breaks or answers no ping. It is of no use afterwards.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        loop {
            let patience = if self.pinged { PING_AFTER * 2 } else { PING_AFTER };
            let frame = match timeout_at(self.heard + patience, self.socket.next()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(Some(Err(error))) => return Err(failed(&error)),
                Ok(None) => return Ok(None),
                Err(_) if self.pinged => {
                    return Err(ClientError::WebSocket { reason: "the server fell silent".to_owned() });
                }
                Err(_) => {
                    self.pinged = true;
                    match timeout(SEND_DEADLINE, self.socket.send(Message::Ping(Bytes::new()))).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => return Err(failed(&error)),
                        Err(_) => return Err(ClientError::WebSocket { reason: "the server reads nothing".to_owned() }),
                    }
                }
            };
            self.heard = Instant::now();
            self.pinged = false;
            let event = match frame {
                Message::Text(text) => Event::from_text(&text),
                Message::Binary(bytes) => Event::from_binary(bytes),
                Message::Close(_) => return Ok(None),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
            };
            match event {
                Ok(event) => return Ok(Some(self.redacted(event))),
                Err(error) => tracing::debug!(%error, "a frame was left out"),
            }
        }
    }

    fn redacted(&self, event: Event) -> Event {
        match event {
            Event::ExecutionError { prompt_id, failure } => {
                Event::ExecutionError { prompt_id, failure: self.server.redacted_failure(failure) }
            }
            other => other,
        }
    }
}

fn failed(error: &tungstenite::Error) -> ClientError {
    ClientError::WebSocket { reason: reason(error) }
}

/// The error without the URL, which holds the client id.
fn reason(error: &tungstenite::Error) -> String {
    match error {
        tungstenite::Error::Http(response) => format!("HTTP {}", response.status().as_u16()),
        other => one_line(&other.to_string(), 200),
    }
}
