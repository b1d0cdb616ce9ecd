//! Lines of a plugin, borrowed from the buffer they were read into. As lenient as the daemon, and no more
//! (dify-plugin-daemon, `pkg/entities/plugin_entities/event.go`).

use std::borrow::Cow;

use dify_plugin_protocol::LogEvent;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::decode::without_place;
use crate::violation::{Violation, excerpt};

/// Where the type of a session message's payload stands in a line, at most: behind the envelope and the session id.
const HEAD: usize = 256;

/// A line.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    Heartbeat,
    Log(LogEvent),
    Session {
        session_id: Cow<'a, str>,
        message: SessionLine<'a>,
    },
    /// What belongs to no call and should not be there.
    Violation(Violation),
}

/// What a line says about a call.
#[derive(Debug)]
pub(crate) enum SessionLine<'a> {
    Chunk(Chunk<'a>),
    /// Type and data.
    Message(Cow<'a, str>, &'a RawValue),
    /// The daemon would drop it.
    Undecodable(String),
}

impl SessionLine<'_> {
    /// The type, for an error.
    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Chunk(_) => "stream",
            Self::Message(kind, _) => kind,
            Self::Undecodable(_) => "(undecodable)",
        }
    }
}

/// A `blob_chunk` message.
#[derive(Debug, Deserialize)]
pub(crate) struct Chunk<'a> {
    /// Always `blob_chunk`.
    r#type: &'a str,
    #[serde(borrow)]
    pub(crate) message: ChunkMessage<'a>,
    #[serde(default)]
    pub(crate) meta: Option<Map<String, Value>>,
}

/// The fields of a [`Chunk`].
#[derive(Debug, Deserialize)]
pub(crate) struct ChunkMessage<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    pub(crate) sequence: u64,
    pub(crate) total_length: u64,
    /// Base64.
    pub(crate) blob: &'a str,
    pub(crate) end: bool,
}

impl<'a> Line<'a> {
    /// `bytes`: a line that is not empty.
    pub(crate) fn parse(bytes: &'a [u8]) -> Self {
        if let Some(line) = parse_chunk(bytes) {
            return line;
        }
        #[derive(Deserialize)]
        struct Envelope<'a> {
            #[serde(borrow, default)]
            event: Option<Cow<'a, str>>,
            #[serde(borrow, default)]
            session_id: Option<Cow<'a, str>>,
            #[serde(borrow, default)]
            data: Option<&'a RawValue>,
        }
        // A struct of serde would be read from a list, too.
        let begins = bytes.trim_ascii_start().first();
        let envelope = match serde_json::from_slice::<Envelope<'a>>(bytes) {
            Ok(envelope) if begins == Some(&b'{') => envelope,
            Ok(_) => {
                let reason = "not an object".to_owned();
                return Self::Violation(Violation::NotProtocol { line: excerpt(bytes), reason });
            }
            Err(error) => {
                let reason = without_place(&error.to_string());
                return Self::Violation(Violation::NotProtocol { line: excerpt(bytes), reason });
            }
        };
        let data = envelope.data.map_or("null", RawValue::get);
        match envelope.event.as_deref().unwrap_or_default() {
            "heartbeat" => Self::Heartbeat,
            "session" => Self::Session {
                session_id: envelope.session_id.unwrap_or_default(),
                message: parse_message(envelope.data),
            },
            "log" => match serde_json::from_str(data) {
                Ok(log) => Self::Log(log),
                Err(error) => Self::Violation(Violation::NotProtocol {
                    line: excerpt(bytes),
                    reason: without_place(&error.to_string()),
                }),
            },
            "error" => Self::Violation(Violation::ErrorEvent { data: excerpt(data.as_bytes()) }),
            event => Self::Violation(Violation::UnknownEvent { event: excerpt(event.as_bytes()) }),
        }
    }
}

/// The common case of a file's chunk, in one pass and without a copy.
fn parse_chunk(bytes: &[u8]) -> Option<Line<'_>> {
    #[derive(Deserialize)]
    struct ChunkLine<'a> {
        event: &'a str,
        #[serde(borrow)]
        session_id: Cow<'a, str>,
        #[serde(borrow)]
        data: ChunkData<'a>,
    }
    #[derive(Deserialize)]
    struct ChunkData<'a> {
        r#type: &'a str,
        #[serde(borrow)]
        data: Chunk<'a>,
    }
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    memchr::memmem::find(head, b"blob_chunk")?;
    let line: ChunkLine<'_> = serde_json::from_slice(bytes).ok()?;
    let known = line.event == "session" && line.data.r#type == "stream" && line.data.data.r#type == "blob_chunk";
    known.then_some(Line::Session { session_id: line.session_id, message: SessionLine::Chunk(line.data.data) })
}

fn parse_message(data: Option<&RawValue>) -> SessionLine<'_> {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow, default)]
        r#type: Option<Cow<'a, str>>,
        #[serde(borrow, default)]
        data: Option<&'a RawValue>,
    }
    let Some(data) = data else { return SessionLine::Undecodable("data is missing".to_owned()) };
    if !data.get().starts_with('{') {
        return SessionLine::Undecodable("data is not an object".to_owned());
    }
    match serde_json::from_str::<Message<'_>>(data.get()) {
        Err(error) => SessionLine::Undecodable(without_place(&error.to_string())),
        Ok(message) => match (message.r#type.filter(|kind| !kind.is_empty()), message.data) {
            (None, _) => SessionLine::Undecodable("type is missing".to_owned()),
            (Some(kind), None) if has_null_data(data) => SessionLine::Message(kind, RawValue::NULL),
            (Some(kind), None) => SessionLine::Undecodable(format!("`{kind}` without data")),
            (Some(kind), Some(data)) => SessionLine::Message(kind, data),
        },
    }
}

/// An `Option<&RawValue>` cannot tell null from missing, which the daemon does.
fn has_null_data(message: &RawValue) -> bool {
    serde_json::from_str::<Map<String, Value>>(message.get()).is_ok_and(|message| message.contains_key("data"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str) -> SessionLine<'_> {
        match Line::parse(line.as_bytes()) {
            Line::Session { session_id, message } => {
                assert_eq!(session_id, "s");
                message
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_end_needs_data_of_any_kind() {
        for data in ["null", "{}", "[1]", " {\"a\" : 1}"] {
            let line = format!(r#"{{"event":"session","session_id":"s","data":{{"type":"end","data":{data}}}}}"#);
            assert!(matches!(message(&line), SessionLine::Message(kind, _) if kind == "end"), "{line}");
        }
        let line = r#"{"event":"session","session_id":"s","data":{"type":"end"}}"#;
        assert!(matches!(message(line), SessionLine::Undecodable(reason) if reason == "`end` without data"));
    }

    #[test]
    fn what_the_daemon_would_drop_is_told() {
        for data in ["null", "1", "\"end\"", "{}", r#"{"type":"","data":1}"#, r#"{"type":1,"data":1}"#] {
            let line = format!(r#"{{"event":"session","session_id":"s","data":{data}}}"#);
            assert!(matches!(message(&line), SessionLine::Undecodable(_)), "{line}");
        }
        assert!(matches!(message(r#"{"event":"session","session_id":"s"}"#), SessionLine::Undecodable(_)));
    }

    #[test]
    fn a_chunk_is_read_in_place() {
        let line = r#"{"event":"session","session_id":"s","data":{"type":"stream","data":{"type":"blob_chunk","message":{"id":"f","sequence":0,"total_length":1,"blob":"YQ==","end":false},"meta":{"filename":"a"}}}}"#;
        let SessionLine::Chunk(chunk) = message(line) else { panic!("{line}") };
        assert_eq!((chunk.message.blob, chunk.message.sequence, chunk.message.end), ("YQ==", 0, false));
        let begins = line.as_bytes().as_ptr_range();
        assert!(begins.contains(&chunk.message.blob.as_ptr()));
    }

    #[test]
    fn a_text_about_chunks_is_a_text() {
        let line = r#"{"event":"session","session_id":"s","data":{"type":"stream","data":{"type":"text","message":{"text":"blob_chunk"}}}}"#;
        assert!(matches!(message(line), SessionLine::Message(kind, _) if kind == "stream"));
    }

    #[test]
    fn noise_is_told_from_events() {
        let violation = |line: &str| match Line::parse(line.as_bytes()) {
            Line::Violation(violation) => violation,
            other => panic!("{other:?}"),
        };
        for line in ["hello", "[1]", "1", "{} {}", r#"{"event":1}"#, "\u{fffd}", r#"{"event":"log","data":1}"#] {
            assert!(matches!(violation(line), Violation::NotProtocol { .. }), "{line}");
        }
        assert!(matches!(violation(r#"{"event":"error","data":{"error":"x"}}"#), Violation::ErrorEvent { .. }));
        assert!(matches!(violation(r#"{"name":"x"}"#), Violation::UnknownEvent { event } if event.is_empty()));
        assert!(matches!(Line::parse(br#"{"event":"heartbeat"}"#), Line::Heartbeat));
    }
}
