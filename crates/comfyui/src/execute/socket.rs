use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::{Sleep, sleep};

use crate::{ClientError, ComfyUi, Event, EventStream};

/// The wait before the socket is opened again: from the first to the second, doubling.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// The socket of one execution, opened again whenever it is lost.
///
/// It keeps the client id of the submit, as events go to that id only. The old socket is always closed on our side
/// first, but the server may notice late and then forget the new one, so nothing relies on a socket that came back.
pub(super) struct Socket {
    server: ComfyUi,
    client_id: String,
    state: State,
    losses: u32,
}

enum State {
    Opening(BoxFuture<'static, Result<EventStream, ClientError>>),
    Open(Box<EventStream>),
    Waiting(Pin<Box<Sleep>>),
}

/// What the socket has to say.
#[derive(Debug)]
pub(super) enum News {
    /// It is open.
    Opened,
    /// A frame.
    Heard(Event),
    /// It could not be opened, or is lost, for this reason.
    Lost(String),
}

impl Socket {
    pub(super) fn open(server: &ComfyUi, client_id: &str) -> Self {
        let (server, client_id) = (server.clone(), client_id.to_owned());
        let state = opening(&server, &client_id);
        Self { server, client_id, state, losses: 0 }
    }

    /// The next piece of news. May be dropped and called again without losing any.
    pub(super) async fn next(&mut self) -> News {
        loop {
            match &mut self.state {
                State::Opening(stream) => {
                    return match stream.await {
                        Ok(stream) => {
                            self.state = State::Open(Box::new(stream));
                            News::Opened
                        }
                        Err(error) => self.lose(Some(&error)),
                    };
                }
                State::Open(stream) => {
                    return match stream.next().await {
                        Ok(Some(event)) => {
                            self.losses = 0;
                            News::Heard(event)
                        }
                        Ok(None) => self.lose(None),
                        Err(error) => self.lose(Some(&error)),
                    };
                }
                State::Waiting(wait) => {
                    wait.await;
                    self.state = opening(&self.server, &self.client_id);
                }
            }
        }
    }

    fn lose(&mut self, error: Option<&ClientError>) -> News {
        let reason = error.map_or_else(|| "closed by the server".to_owned(), ToString::to_string);
        tracing::debug!(%reason, "no socket: the run is followed by polling");
        let wait = BACK_OFF.0.saturating_mul(1 << self.losses.min(10)).min(BACK_OFF.1);
        self.losses = self.losses.saturating_add(1);
        self.state = State::Waiting(Box::pin(sleep(wait)));
        News::Lost(reason)
    }
}

fn opening(server: &ComfyUi, client_id: &str) -> State {
    let (server, client_id) = (server.clone(), client_id.to_owned());
    State::Opening(async move { server.open_events(&client_id).await }.boxed())
}

/// Waits for a future that may not be there; for ever, if it is not.
pub(super) async fn if_any<T>(future: &mut Option<BoxFuture<'_, T>>) -> T {
    match future {
        Some(running) => {
            let result = running.await;
            *future = None;
            result
        }
        None => pending().await,
    }
}
