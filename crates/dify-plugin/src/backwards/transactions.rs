//! Calls back into Dify as HTTP requests of their own (dify-plugin-daemon,
//! `internal/core/io_tunnel/backwards_invocation/transaction/serverless_handler.go`).

use std::fmt;

use dify_plugin_protocol::{BackwardsEvent, BackwardsResponse, DaemonEvent, DaemonLine};
use origin_client::{Origin, TransportError};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use url::Url;

use super::InvocationError;
use super::call_back::Answers;
use crate::Error;
use crate::session::Session;

/// Longest line of an answer that is read, in bytes: a stored value is in one line.
const MAX_ANSWER_LINE: usize = 64 * 1024 * 1024;

/// How much of a refusal is read, in bytes.
const MAX_REFUSAL: usize = 64 * 1024;

/// Where the calls back of a plugin go that is asked over HTTP.
pub(crate) struct Transactions {
    url: Option<Url>,
}

/// Without the URL, in which a password may stand.
impl fmt::Debug for Transactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transactions").finish_non_exhaustive()
    }
}

impl Transactions {
    /// At the plugin daemon of this address.
    pub(crate) fn at(daemon: Option<Url>) -> Self {
        let url = daemon.map(|mut url| {
            // Fails for addresses without a host, which the settings do not let pass.
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().extend(["backwards-invocation", "transaction"]);
            }
            url
        });
        Self { url }
    }

    /// Posts the line of a call back and waits for its one response.
    pub(super) async fn ask(&self, session: &Session, id: &str, line: Vec<u8>) -> Result<Value, InvocationError> {
        let unsent = |text: String| InvocationError::Unsent(Error::failed(text));
        let url = self.url.as_ref().ok_or_else(|| {
            unsent(
                "the plugin cannot call back into Dify: DIFY_PLUGIN_DAEMON_URL is not set, which must be the address \
                 of Dify's plugin daemon"
                    .to_owned(),
            )
        })?;
        let client = session.shared.connections().and_then(|connections| connections.to(url));
        let client = client.map_err(|error| unsent(format!("the plugin cannot call back into Dify: {error}")))?;
        let origin = client.origin();
        let request = client.post(url.clone()).map_err(|error| unsent(error.to_string()))?;
        let request = request.header("Dify-Plugin-Session-ID", header_value(&session.id));
        let request = request.header(CONTENT_TYPE, "application/json").body(line);
        let response = request.send().await.map_err(|error| lost(origin, &error))?;
        if response.status().is_success() {
            read_answers(response, id, origin).await
        } else {
            Err(refusal(response, origin).await)
        }
    }
}

/// A session id as a header can carry it: the daemon reads the one in the line, and logs this one.
fn header_value(session_id: &str) -> String {
    session_id.chars().filter(|c| c.is_ascii_graphic()).take(256).collect()
}

async fn read_answers(mut response: Response, id: &str, origin: &Origin) -> Result<Value, InvocationError> {
    let mut lines = AnswerLines::default();
    let mut answers = Answers::default();
    while let Some(bytes) = response.chunk().await.map_err(|error| lost(origin, &error))? {
        lines.push(&bytes)?;
        while let Some(line) = lines.next_line() {
            let answer = decode(&line)?;
            if answer.backwards_request_id != id {
                tracing::warn!("an answer from Dify was dropped: it is for another call back");
            } else if let Some(outcome) = answers.take(answer) {
                return outcome;
            }
        }
    }
    Err(InvocationError::NoAnswer)
}

fn decode(line: &[u8]) -> Result<BackwardsResponse, InvocationError> {
    let unexpected = |text: &str| InvocationError::Unexpected(text.to_owned());
    let line: DaemonLine = serde_json::from_slice(line).map_err(|error| unexpected(&error.to_string()))?;
    if line.event != DaemonEvent::BackwardsResponse {
        return Err(unexpected("a line that is no answer"));
    }
    let data = line.data.as_ref().map_or("null", |data| data.get());
    serde_json::from_str(data).map_err(|error| unexpected(&error.to_string()))
}

fn lost(origin: &Origin, error: &reqwest::Error) -> InvocationError {
    let error = TransportError::new(origin, error);
    InvocationError::Unsent(Error::failed(format!(
        "the plugin cannot call back into Dify ({error}): DIFY_PLUGIN_DAEMON_URL must be an address of Dify's plugin \
         daemon that the plugin can reach"
    )))
}

/// What the daemon says when it takes no call back: an `error` event without its envelope, or a text.
async fn refusal(mut response: Response, origin: &Origin) -> InvocationError {
    let status = response.status();
    let mut text = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        text.extend_from_slice(&bytes);
        if text.len() > MAX_REFUSAL {
            break;
        }
    }
    if let Ok(answer) = serde_json::from_slice::<BackwardsResponse>(&text)
        && answer.event == BackwardsEvent::Error
    {
        return InvocationError::Refused(answer.message);
    }
    let advice = match status {
        StatusCode::NOT_FOUND => ": a plugin daemon takes calls back over HTTP only with PLATFORM=serverless",
        _ => "",
    };
    InvocationError::Refused(format!("{origin} answered a call back with status {}{advice}", status.as_u16()))
}

/// Lines out of pieces. Blank ones, by which the daemon says that it is at work, are left out.
#[derive(Debug, Default)]
struct AnswerLines {
    unread: Vec<u8>,
    /// Bytes of `unread` in which there is no newline.
    searched: usize,
}

impl AnswerLines {
    fn push(&mut self, bytes: &[u8]) -> Result<(), InvocationError> {
        if self.unread.len() + bytes.len() > MAX_ANSWER_LINE {
            return Err(InvocationError::Unexpected(format!("a line of more than {MAX_ANSWER_LINE} bytes")));
        }
        self.unread.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole line, if it is here.
    fn next_line(&mut self) -> Option<Vec<u8>> {
        while let Some(at) = self.unread[self.searched..].iter().position(|byte| *byte == b'\n') {
            let rest = self.unread.split_off(self.searched + at + 1);
            let line = std::mem::replace(&mut self.unread, rest);
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
        self.searched = self.unread.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_added_to_that_of_the_address() {
        for (daemon, expected) in [
            ("http://d:5002", "http://d:5002/backwards-invocation/transaction"),
            ("http://d:5002/", "http://d:5002/backwards-invocation/transaction"),
            ("https://d/base/", "https://d/base/backwards-invocation/transaction"),
        ] {
            let url = Transactions::at(Some(Url::parse(daemon).unwrap())).url.unwrap();
            assert_eq!(url.as_str(), expected);
        }
    }

    #[test]
    fn lines_are_found_wherever_the_pieces_end() {
        let text = b"\n\nfirst\n\n\r\nsecond\n\nthird";
        for size in 1..text.len() {
            let mut lines = AnswerLines::default();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                lines.push(piece).unwrap();
                while let Some(line) = lines.next_line() {
                    found.push(String::from_utf8(line).unwrap());
                }
            }
            assert_eq!(found, ["first\n", "second\n"], "pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let mut lines = AnswerLines::default();
        let piece = vec![b'x'; 1024 * 1024];
        let pushed = (0..100).take_while(|_| lines.push(&piece).is_ok()).count();
        assert_eq!(pushed, 64);
    }

    #[test]
    fn a_session_id_cannot_break_a_header() {
        assert_eq!(header_value("0b8e-1\r\nX: y\u{e9}"), "0b8e-1X:y");
    }
}
