use std::io::{self, BufReader};
use std::net::TcpStream;
use std::ops::ControlFlow;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use origin_client::is_obeyed;
use serde::de::IgnoredAny;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::runtime::Input;
use crate::transport::lines::{INPUT_QUEUE, read_lines};

/// How long to wait for more of a refusal: some have two lines.
const REST_OF_REFUSAL: Duration = Duration::from_millis(200);

/// Most characters of a refusal that are shown, and most lines.
const SHOWN: usize = 1000;
const SHOWN_LINES: usize = 5;

/// What the server sends.
#[derive(Debug)]
pub(super) struct Incoming {
    lines: mpsc::Receiver<Input>,
    reader: Option<JoinHandle<io::Result<()>>>,
    /// Whether the server has spoken the protocol: it has taken the plugin, and a text is no refusal any more.
    accepted: bool,
}

/// What came.
#[derive(Debug)]
pub(super) enum Arrival {
    /// For the calls.
    Protocol(Input),
    /// A text that is no JSON, before anything else: the registration failed.
    Refusal(String),
    /// Nothing more will.
    Closed,
}

impl Incoming {
    pub(super) fn of(stream: TcpStream) -> io::Result<Self> {
        let (sender, lines) = mpsc::channel(INPUT_QUEUE);
        let pass_on = move |line| match sender.blocking_send(line) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let read = move || read_lines(BufReader::new(stream), pass_on);
        let reader = thread::Builder::new().name("from Dify".to_owned()).spawn(read)?;
        Ok(Self { lines, reader: Some(reader), accepted: false })
    }

    pub(super) const fn accepted(&self) -> bool {
        self.accepted
    }

    /// From here on a text is no refusal: the time for one is over.
    pub(super) const fn accept(&mut self) {
        self.accepted = true;
    }

    /// Can be cancelled without loss, save of a refusal that has begun.
    pub(super) async fn next(&mut self) -> Arrival {
        loop {
            match self.lines.recv().await {
                None => return Arrival::Closed,
                Some(input) if self.accepted => return Arrival::Protocol(input),
                Some(Input::TooLong) => return Arrival::Refusal("(a line without an end)".to_owned()),
                Some(Input::Line(line)) => match line.trim_ascii() {
                    [] => {}
                    // Of the protocol, or a piece of it.
                    [b'{', ..] => {
                        self.accepted = serde_json::from_slice::<IgnoredAny>(&line).is_ok();
                        return Arrival::Protocol(Input::Line(line));
                    }
                    text => return Arrival::Refusal(self.refusal(text).await),
                },
            }
        }
    }

    /// What comes within `quiet`, if anything does.
    pub(super) async fn within(&mut self, quiet: Duration) -> Option<Arrival> {
        timeout(quiet, self.next()).await.ok()
    }

    /// The lines of a refusal in one, fit to be shown.
    async fn refusal(&mut self, first: &[u8]) -> String {
        let mut text = String::from_utf8_lossy(first).into_owned();
        let until = Instant::now() + REST_OF_REFUSAL;
        for _ in 1..SHOWN_LINES {
            let Ok(Some(Input::Line(line))) = timeout_at(until, self.lines.recv()).await else { break };
            let line = String::from_utf8_lossy(line.trim_ascii()).into_owned();
            if !line.is_empty() {
                text = format!("{text}; {line}");
            }
        }
        text.chars().map(|c| if is_obeyed(c) { '\u{fffd}' } else { c }).take(SHOWN).collect()
    }

    /// Why nothing more comes, after [`Arrival::Closed`].
    pub(super) fn end(&mut self) -> io::Result<()> {
        // It let go of the lines as the last thing that it did, so there is nothing to wait for.
        self.reader.take().map_or(Ok(()), |reader| reader.join().unwrap_or(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::TcpListener;

    use super::*;

    /// What arrives of `bytes`, until the end.
    async fn arrivals(bytes: &'static [u8]) -> Vec<String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.accept().unwrap().0.write_all(bytes).unwrap();
        let mut incoming = Incoming::of(stream).unwrap();
        let mut arrivals = Vec::new();
        loop {
            arrivals.push(match incoming.next().await {
                Arrival::Protocol(Input::Line(line)) => String::from_utf8(line).unwrap(),
                Arrival::Protocol(Input::TooLong) => "(too long)".to_owned(),
                Arrival::Refusal(text) => format!("refused: {text}"),
                Arrival::Closed => return arrivals,
            });
        }
    }

    #[tokio::test]
    async fn a_text_before_the_protocol_is_a_refusal() {
        let expected = ["refused: handshake failed, invalid key"];
        assert_eq!(arrivals(b"handshake failed, invalid key\n").await, expected);
        assert_eq!(arrivals(b"\n\r\nhandshake failed, invalid key").await, expected);
        assert_eq!(arrivals(b"assets: not found\nfailed\n\n").await, ["refused: assets: not found; failed"]);
        assert_eq!(arrivals(b"\x16\x03 \x07\n").await, ["refused: \u{fffd}\u{fffd} \u{fffd}"]);
        assert_eq!(arrivals(b"[1]\n").await, ["refused: [1]"]);
    }

    #[tokio::test]
    async fn a_text_after_the_protocol_is_for_the_calls_to_complain_about() {
        assert_eq!(arrivals(b"{\"a\":1}\ntext\n").await, ["{\"a\":1}", "text"]);
    }

    #[tokio::test]
    async fn a_cut_line_is_no_refusal_and_no_protocol() {
        assert_eq!(arrivals(b"{\"a\":\nserver is busy\n").await, ["{\"a\":", "refused: server is busy"]);
    }

    #[tokio::test]
    async fn a_refusal_is_bounded() {
        static LONG: [u8; 3000] = [b'x'; 3000];
        assert_eq!(arrivals(&LONG).await[0].len(), "refused: ".len() + SHOWN);
        let lines = arrivals(b"a\nb\nc\nd\ne\nf\n").await;
        assert_eq!(lines[0], "refused: a; b; c; d; e");
    }
}
