use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::recorded::invocation_id;
use crate::{Line, RecordedCase};

/// How long to wait for a line that has to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A line that changes nothing.
const NOBODYS_ANSWER: &[u8] =
    br#"{"session_id":"","event":"backwards_response","data":{"backwards_request_id":"","event":"end"}}
"#;

/// How long to look out for lines that should not come.
const AND_NO_MORE: Duration = Duration::from_millis(200);

/// Starts a plugin, writes the lines that the daemon wrote in `case`, and returns all that the plugin writes.
///
/// Answers to calls back name the call by the id that this plugin gave it, in the order of asking. The input is closed
/// after the last line, so the plugin ends by itself. Heartbeats are left out, but for the first where `case` holds one.
/// `edit` may change a line before it is written.
///
/// # Errors
/// When the plugin cannot be started, or ends before it was told everything.
pub fn replay(mut plugin: Command, case: &RecordedCase, edit: impl Fn(&str) -> String) -> io::Result<Vec<Value>> {
    let mut child = plugin.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let mut stdin = child.stdin.take().ok_or_else(|| io::Error::other("no stdin"))?;
    let mut stdout = BufReader::new(child.stdout.take().ok_or_else(|| io::Error::other("no stdout"))?);
    let mut session = play(&mut stdin, &mut stdout, case, edit)?;
    drop(stdin);
    while session.read(&mut stdout)? {}
    child.wait()?;
    Ok(session.written)
}

/// The same over a connection to a debugging server, for a plugin that is started with `INSTALL_METHOD=remote`.
///
/// Such a plugin does not end by itself: it is ended when it has written `lines` lines and nothing more for a while.
///
/// # Errors
/// When the plugin cannot be started, or does not write so many lines within 10 seconds of each other.
pub fn replay_over_tcp(
    mut plugin: Command,
    case: &RecordedCase,
    lines: usize,
    edit: impl Fn(&str) -> String,
) -> io::Result<Vec<Value>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    plugin.env("INSTALL_METHOD", "remote").env("REMOTE_INSTALL_KEY", "key");
    plugin.env("REMOTE_INSTALL_URL", listener.local_addr()?.to_string());
    let mut child = plugin.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut output = BufReader::new(stream.try_clone()?);
    let mut registration = Value::Null;
    while registration["type"] != "end" {
        registration = next_line(&mut output)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    }
    // The protocol has begun: a text in the recording is no refusal of the registration.
    stream.write_all(NOBODYS_ANSWER)?;
    let mut session = play(&mut stream, &mut output, case, edit)?;
    while session.written.len() < lines {
        if !session.read(&mut output)? {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    stream.set_read_timeout(Some(AND_NO_MORE))?;
    while session.read(&mut output).is_ok_and(|read| read) {}
    child.kill()?;
    child.wait()?;
    Ok(session.written)
}

/// Writes the lines of `case` to `input` and reads what is written meanwhile.
fn play(
    input: &mut impl Write,
    output: &mut impl BufRead,
    case: &RecordedCase,
    edit: impl Fn(&str) -> String,
) -> io::Result<Session> {
    let mut written = Vec::new();
    if case.out().iter().any(is_heartbeat) {
        let mut heartbeat = String::new();
        output.read_line(&mut heartbeat)?;
        written.push(serde_json::from_str(&heartbeat)?);
    }
    let mut session = Session { recorded_ids: case.invocation_ids(), ids: HashMap::new(), ended: false, written };
    for line in &case.lines {
        let Line::In(line) = line else { continue };
        let mut line = edit(line);
        if let Some(recorded) = answered_id(&line) {
            while session.will_ask(&recorded) && session.read(output)? {}
            if let Some(ours) = session.ids.get(&recorded) {
                line = line.replace(&recorded, ours);
            }
        }
        // A plugin that has ended is seen by what it wrote.
        let _ = input.write_all(format!("{line}\n").as_bytes());
    }
    // What the plugin asks last may have no answer in the recording; it asks before its input ends.
    if let Some(last) = session.recorded_ids.last().cloned() {
        while session.will_ask(&last) && session.read(output)? {}
    }
    Ok(session)
}

/// What was written so far, and which of our ids stands for which recorded one.
struct Session {
    recorded_ids: Vec<String>,
    ids: HashMap<String, String>,
    ended: bool,
    written: Vec<Value>,
}

impl Session {
    /// Whether the plugin has yet to make the call back that was recorded under this id. One that has ended the call
    /// instead will not.
    fn will_ask(&self, recorded: &str) -> bool {
        !self.ended && !self.ids.contains_key(recorded) && self.recorded_ids.iter().any(|id| id == recorded)
    }

    /// Reads a line; `false` at the end.
    fn read(&mut self, output: &mut impl BufRead) -> io::Result<bool> {
        let Some(out) = next_line(output)? else { return Ok(false) };
        if let (Some(ours), Some(recorded)) = (invocation_id(&out), self.recorded_ids.get(self.ids.len())) {
            self.ids.insert(recorded.clone(), ours);
        }
        self.ended |= out["data"]["type"] == "end";
        self.written.push(out);
        Ok(true)
    }
}

/// The next line that is neither blank nor a heartbeat. One that is no JSON is a JSON text.
fn next_line(output: &mut impl BufRead) -> io::Result<Option<Value>> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        let text = line.trim();
        let value: Value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
        if !text.is_empty() && !is_heartbeat(&value) {
            return Ok(Some(value));
        }
        line.clear();
    }
    Ok(None)
}

fn is_heartbeat(line: &Value) -> bool {
    line["event"] == "heartbeat"
}

fn answered_id(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_answer = line["event"] == "backwards_response";
    is_answer.then(|| line["data"]["backwards_request_id"].as_str().map(str::to_owned))?
}
