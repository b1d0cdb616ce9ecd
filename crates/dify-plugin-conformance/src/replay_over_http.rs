use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::recorded::invocation_id;
use crate::{Line, RecordedCase};

/// As [`replay`](crate::replay), for a plugin that is asked over HTTP: every request is a `POST`, all of them at once, and
/// the answers to calls back are those of the endpoint that the plugin is told of.
///
/// Calls back stand before all other lines: they come on connections of their own. A request that is refused is written
/// as the `error` event that stands in its place elsewhere.
///
/// # Errors
/// When the plugin cannot be started, or its answers are no HTTP.
pub fn replay_over_http(
    mut plugin: Command,
    case: &RecordedCase,
    edit: impl Fn(&str) -> String,
) -> io::Result<Vec<Value>> {
    let recorded_ids = case.invocation_ids();
    let mut requests = Vec::new();
    let mut answers: HashMap<String, Vec<String>> = HashMap::new();
    for line in &case.lines {
        let Line::In(line) = line else { continue };
        let line = edit(line);
        match answered_id(&line).filter(|id| recorded_ids.contains(id)) {
            Some(id) => answers.entry(id).or_default().push(line),
            None => requests.extend(line.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned)),
        }
    }
    let endpoint = Arc::new(Endpoint { recorded_ids, answers, written: Mutex::default() });
    let daemon = listen(&endpoint)?;
    plugin.env("INSTALL_METHOD", "serverless").env("SERVERLESS_HOST", "127.0.0.1").env("SERVERLESS_PORT", "0");
    plugin.env("DIFY_PLUGIN_DAEMON_URL", daemon).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running(plugin.spawn()?);
    let mut stderr = BufReader::new(running.0.stderr.take().ok_or_else(|| io::Error::other("no stderr"))?);
    let mut said = String::new();
    stderr.read_line(&mut said)?;
    let address = said.trim().rsplit_once("http://").map(|(_, address)| address.to_owned());
    let address = address.ok_or_else(|| io::Error::other(format!("no address in {said:?}")))?;
    let posted: Vec<_> = requests
        .into_iter()
        .map(|request| {
            let address = address.clone();
            thread::spawn(move || post(&address, &request))
        })
        .collect();
    let mut lines = Vec::new();
    for posted in posted {
        lines.extend(posted.join().map_err(|_| io::Error::other("a request failed"))??);
    }
    let mut written = std::mem::take(&mut *endpoint.written.lock().unwrap_or_else(PoisonError::into_inner));
    written.append(&mut lines);
    Ok(written)
}

/// Killed when it is no longer needed: it would serve for ever.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of an answer, or the refusal as an event.
fn post(address: &str, body: &str) -> io::Result<Vec<Value>> {
    let mut stream = TcpStream::connect(address)?;
    let head = format!(
        "POST /invoke HTTP/1.1\r\nHost: plugin\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut reader = BufReader::new(stream);
    let (status, headers) = read_head(&mut reader)?;
    let body = if headers.get("transfer-encoding").is_some_and(|encoding| encoding == "chunked") {
        read_chunks(&mut reader)?
    } else {
        let mut body = String::new();
        reader.read_to_string(&mut body)?;
        body
    };
    if !status.contains(" 200 ") {
        return Ok(vec![json!({"event": "error", "session_id": null, "data": {"error": body}})]);
    }
    let lines = body.split("\n\n").filter(|line| !line.is_empty());
    Ok(lines.map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line))).collect())
}

/// The first line, and the fields by their names in lower case.
fn read_head(reader: &mut impl BufRead) -> io::Result<(String, HashMap<String, String>)> {
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim().split_once(':') {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
            None => return Ok((first, headers)),
        };
    }
}

fn read_chunks(reader: &mut impl BufRead) -> io::Result<String> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size)?;
        let size = usize::from_str_radix(size.trim(), 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; size + "\r\n".len()];
        reader.read_exact(&mut chunk)?;
        if size == 0 {
            return String::from_utf8(body).map_err(io::Error::other);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

/// The daemon's endpoint for calls back, which answers what was recorded.
struct Endpoint {
    recorded_ids: Vec<String>,
    /// Lines by the recorded id.
    answers: HashMap<String, Vec<String>>,
    written: Mutex<Vec<Value>>,
}

/// Its address. It listens for as long as the process of the test lives.
fn listen(endpoint: &Arc<Endpoint>) -> io::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    if endpoint.recorded_ids.is_empty() {
        return Ok(address);
    }
    let endpoint = Arc::clone(endpoint);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // One that breaks off is seen by what the plugin makes of it.
            let _ = endpoint.answer(stream);
        }
    });
    Ok(address)
}

impl Endpoint {
    fn answer(&self, mut stream: TcpStream) -> io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        let (first, headers) = read_head(&mut reader)?;
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or_default();
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let out: Value = serde_json::from_slice(&body)?;
        let is_right = first.starts_with("POST /backwards-invocation/transaction ")
            && headers.get("dify-plugin-session-id").map(String::as_str) == out["session_id"].as_str();
        let mut text = String::new();
        if let (Some(ours), true) = (invocation_id(&out), is_right) {
            let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(recorded) = self.recorded_ids.get(written.len()) {
                let lines = self.answers.get(recorded).into_iter().flatten();
                text = lines.map(|line| line.replace(recorded, &ours) + "\n\n").collect();
            }
            written.push(out);
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n";
        write!(stream, "{head}Content-Length: {}\r\n\r\n{text}", text.len())
    }
}

fn answered_id(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_answer = line["event"] == "backwards_response";
    is_answer.then(|| line["data"]["backwards_request_id"].as_str().map(str::to_owned))?
}
