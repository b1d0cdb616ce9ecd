//! A plugin for the tests of this crate, which does one thing, right or wrong, per call: the thing that the `provider`
//! of the call names, with a number behind a colon where it takes one. What it does before its first heartbeat is
//! named by the environment variable `MISBEHAVE_AT_START`. Written with nothing but the standard library, so that no
//! mistake of the project's own SDK can hide one of the host.

use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const HEARTBEAT: &str = r#"{"event":"heartbeat","session_id":null,"data":{}}"#;
/// Bytes of a chunk's file part, at most.
const CHUNK: usize = 8192;
/// Longest line without its newline.
const LINE: usize = 5_242_879;

fn main() -> io::Result<()> {
    let start = std::env::var("MISBEHAVE_AT_START").unwrap_or_default();
    match start.as_str() {
        "exit" => {
            // More than Dify shows, so that a test can tell which part it shows.
            writeln!(io::stderr(), "{}the licence has expired", "x".repeat(2000))?;
            std::process::exit(3);
        }
        "say nothing" => loop {
            std::thread::park();
        },
        _ => {}
    }
    let mut plugin = Plugin { session: String::new() };
    if start == "manifest" {
        plugin.line(r#"{"name":"misbehaving","version":"0.0.1"}"#)?;
    }
    plugin.line(HEARTBEAT)?;
    if start == "beat" {
        std::thread::spawn(|| -> io::Result<()> {
            loop {
                std::thread::sleep(Duration::from_millis(50));
                writeln!(io::stdout().lock(), "{HEARTBEAT}")?;
            }
        });
    }
    let mut line = String::new();
    while io::stdin().lock().read_line(&mut line)? > 0 {
        if line.contains(r#""event":"request""#) {
            plugin.session = text_of(&line, "session_id").unwrap_or_default();
            let what = text_of(&line, "provider").unwrap_or_default();
            let (what, number) = what.split_once(':').unwrap_or((&what, "0"));
            plugin.act(what, number.parse().unwrap_or_default(), &line)?;
        }
        line.clear();
    }
    if start == "exit with 7" {
        std::process::exit(7);
    }
    Ok(())
}

struct Plugin {
    /// Id of the call at hand.
    session: String,
}

impl Plugin {
    fn line(&self, line: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(line.as_bytes())?;
        stdout.write_all(b"\n")?;
        stdout.flush()
    }

    /// A line about the call at hand; `data` is JSON.
    fn session(&self, data: &str) -> io::Result<()> {
        self.line(&format!(r#"{{"event":"session","session_id":"{}","data":{data}}}"#, self.session))
    }

    fn stream(&self, payload: &str) -> io::Result<()> {
        self.session(&format!(r#"{{"type":"stream","data":{payload}}}"#))
    }

    fn text(&self, text: &str) -> io::Result<()> {
        self.stream(&format!(r#"{{"type":"text","message":{{"text":"{text}"}},"meta":null}}"#))
    }

    fn error(&self, error: &str) -> io::Result<()> {
        self.session(&format!(r#"{{"type":"error","data":{error}}}"#))
    }

    fn end(&self) -> io::Result<()> {
        self.session(r#"{"type":"end","data":{}}"#)
    }

    fn chunk(&self, id: &str, sequence: u64, total: u64, bytes: &[u8], end: bool, meta: &str) -> io::Result<()> {
        let blob = base64(bytes);
        self.stream(&format!(
            r#"{{"type":"blob_chunk","message":{{"id":"{id}","sequence":{sequence},"total_length":{total},"blob":"{blob}","end":{end}}},"meta":{meta}}}"#
        ))
    }

    /// A file in chunks, as the official SDK sends it: byte `n` is `n % 251`.
    fn file(&self, size: u64, meta: &str) -> io::Result<()> {
        let mut sequence = 0;
        let mut sent = 0;
        while sent < size {
            let length = (size - sent).min(CHUNK as u64);
            let bytes: Vec<u8> = (sent..sent + length).map(|n| u8::try_from(n % 251).unwrap_or_default()).collect();
            self.chunk("f1", sequence, size, &bytes, false, meta)?;
            sent += length;
            sequence += 1;
        }
        self.chunk("f1", sequence, size, &[], true, meta)
    }

    /// A call back; answers with the data of the response, or the message of the error.
    fn call_back(&self, kind: &str, request: &str) -> io::Result<String> {
        self.session(&format!(
            r#"{{"type":"invoke","data":{{"type":"{kind}","backwards_request_id":"b1","request":{request}}}}}"#
        ))?;
        let mut answer = String::new();
        loop {
            let mut line = String::new();
            if io::stdin().lock().read_line(&mut line)? == 0 {
                return Ok("no answer".to_owned());
            }
            if line.contains(r#""event":"response""#) {
                answer = text_of(&line, "url").unwrap_or(line);
            } else if line.contains(r#""event":"error""#) {
                answer = format!("error: {}", text_of(&line, "message").unwrap_or_default());
            } else if line.contains(r#""event":"end""#) {
                return Ok(answer);
            }
        }
    }

    /// Asks for a URL and posts `size` bytes to it, under that name and type; answers with the id, or what went wrong.
    fn upload(&self, asked: (&str, &str), posted: (&str, &str), size: usize) -> io::Result<Result<String, String>> {
        let request = format!(r#"{{"filename":"{}","mimetype":"{}"}}"#, asked.0, asked.1);
        let url = self.call_back("upload_file", &request)?;
        let Some((host, path)) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')) else {
            return Ok(Err(format!("no URL: {url}")));
        };
        let mut connection = match TcpStream::connect(host) {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(format!("unreachable: {:?}", error.kind()))),
        };
        let head = format!(
            "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n",
            posted.0, posted.1
        );
        let tail = "\r\n--cut--\r\n";
        let length = head.len() + size + tail.len();
        write!(
            connection,
            "POST /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary=cut\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{head}"
        )?;
        let piece = vec![b'u'; 64 * 1024];
        let mut left = size;
        while left > 0 {
            let length = left.min(piece.len());
            // The other side may answer before it has read all.
            if connection.write_all(piece.get(..length).unwrap_or_default()).is_err() {
                break;
            }
            left -= length;
        }
        let _ = connection.write_all(tail.as_bytes());
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
        Ok(if status == "201" { text_of(&answer, "id").ok_or(answer) } else { Err(status) })
    }

    fn link(&self, kind: &str, link: &str, meta: &str) -> io::Result<()> {
        self.stream(&format!(r#"{{"type":"{kind}","message":{{"text":"{link}"}},"meta":{meta}}}"#))
    }

    fn variable(&self, name: &str, value: &str, stream: bool) -> io::Result<()> {
        self.stream(&format!(
            r#"{{"type":"variable","message":{{"variable_name":"{name}","variable_value":{value},"stream":{stream}}},"meta":null}}"#
        ))
    }

    fn everything(&self) -> io::Result<()> {
        let log = |status: &str| {
            format!(
                r#"{{"type":"log","message":{{"id":"l1","label":"Step","parent_id":null,"error":null,"status":"{status}","data":{{}},"metadata":{{}}}},"meta":null}}"#
            )
        };
        self.line(r#"{"event":"log","session_id":null,"data":{"level":"INFO","message":"working","timestamp":1.5}}"#)?;
        self.stream(&log("start"))?;
        self.text("héllo ")?;
        self.text("world")?;
        self.stream(r#"{"type":"json","message":{"json_object":{"a":[1]}},"meta":null}"#)?;
        self.stream(r#"{"type":"json","message":{"json_object":[2]},"meta":null}"#)?;
        self.link("link", "https://example.org/", "null")?;
        self.link("image", "https://example.org/a.png", "null")?;
        self.variable("count", "3", false)?;
        self.variable("story", "\"once \"", true)?;
        self.variable("story", "\"upon\"", true)?;
        self.stream(r#"{"type":"retriever_resources","message":{"retriever_resources":[],"context":""},"meta":null}"#)?;
        self.stream(
            r#"{"type":"blob","message":{"blob":"YQ=="},"meta":{"mime_type":"text/plain","filename":"a.txt"}}"#,
        )?;
        self.file(20_000, r#"{"mime_type":"image/png","filename":"b.png"}"#)?;
        self.stream(&log("success"))?;
        self.end()
    }

    #[expect(clippy::too_many_lines, reason = "a list of behaviours")]
    fn act(&self, what: &str, number: u64, line: &str) -> io::Result<()> {
        const META: &str = r#"{"mime_type":"text/plain","filename":"f.txt"}"#;
        const DRIVE_META: &str = r#"{"mime_type":"text/plain","file_name":"f.txt"}"#;
        let full = [b'x'; CHUNK];
        match what {
            // Well done.
            "text" => self.text("done")?,
            "everything" => return self.everything(),
            "nothing" => {}
            "request" => self.text(&line.trim_end().replace('\\', "\\\\").replace('"', "\\\""))?,
            "install method" => self.text(&std::env::var("INSTALL_METHOD").unwrap_or_default())?,
            "file" => self.file(number, META)?,
            "two files at once" => {
                for sequence in 0..2 {
                    for id in ["a", "b"] {
                        self.chunk(id, sequence, 4, if sequence == 0 { b"ab" } else { b"cd" }, sequence == 1, META)?;
                    }
                }
            }
            "validated" => self.stream(r#"{"result":true}"#)?,
            "options" => {
                self.stream(r#"{"options":[{"value":"v","label":{"en_US":"V"},"icon":null}]}"#)?;
            }
            "page" => self.stream(
                r#"{"result":[{"bucket":"b","files":[{"id":"d/","name":"d","size":0,"type":"folder"},{"id":"f","name":"f","size":9007199254740993,"type":"file"}],"is_truncated":true,"next_page_parameters":{"marker":"f"}}]}"#,
            )?,
            "drive file" => self.drive_blob(usize::try_from(number).unwrap_or_default(), DRIVE_META)?,
            "refusal" => {
                self.error(r#"{"error_type":"ValueError","message":"no such model","args":{"model":"x"}}"#)?;
            }
            "storage" => self.storage()?,
            "call back" => {
                let kind = text_of(line, "kind").unwrap_or_default();
                let answer = self.call_back(&kind, "{}")?;
                self.text(&answer)?;
            }
            "slow" => {
                std::thread::sleep(Duration::from_millis(number));
                self.text("done")?;
            }
            "texts" => {
                for count in 0..number {
                    self.text(&format!("{count} {}", "t".repeat(1000)))?;
                    write!(io::stderr(), "{}\r", count + 1)?;
                }
            }
            "no answer" => return Ok(()),

            // Lines.
            "longest line" => self.long_line(LINE)?,
            "line too long" => self.long_line(LINE + 1)?,
            "noise" => self.line("Traceback (most recent call last):")?,
            "error event" => self.line(r#"{"event":"error","session_id":null,"data":{"error":"boom"}}"#)?,
            "unknown event" => self.line(r#"{"event":"tick","session_id":null,"data":{}}"#)?,
            "unknown session" => {
                self.line(r#"{"event":"session","session_id":"nobody","data":{"type":"end","data":{}}}"#)?;
            }
            "blank lines" => {
                self.line("\n\r\n")?;
                self.text("done")?;
            }

            // Chunks.
            "chunk too long" => self.chunk("f", 0, 9000, &[0; 8193], false, META)?,
            "sequence gap" => {
                self.chunk("f", 0, 20_000, &full, false, META)?;
                self.chunk("f", 2, 20_000, &full, false, META)?;
            }
            "sequence repeated" => {
                self.chunk("f", 0, 20_000, &full, false, META)?;
                self.chunk("f", 0, 20_000, &full, false, META)?;
            }
            "total changed" => {
                self.chunk("f", 0, 20_000, &full, false, META)?;
                self.chunk("f", 1, 20_001, &full, false, META)?;
            }
            "overrun" => {
                self.chunk("f", 0, 10_000, &full, false, META)?;
                self.chunk("f", 1, 10_000, &full, false, META)?;
            }
            "cut" => {
                self.chunk("f", 0, 10_000, &full, false, META)?;
                self.chunk("f", 1, 10_000, &[], true, META)?;
            }
            "no end chunk" => self.chunk("f", 0, 8192, &full, false, META)?,
            "not base64" => self.stream(
                r#"{"type":"blob_chunk","message":{"id":"f","sequence":0,"total_length":1,"blob":"*","end":true},"meta":null}"#,
            )?,

            // Files of tools and of drives.
            "media type parameters" => self.file(1, r#"{"mime_type":"text/plain; charset=utf-8","filename":"f.txt"}"#)?,
            "file_name" => self.file(1, DRIVE_META)?,
            "reserved meta" => self.file(1, r#"{"tool_file_id":"x","filename":"f.txt"}"#)?,
            "filename" => self.drive_blob(1, META)?,
            "two drive files" => {
                self.drive_blob(1, DRIVE_META)?;
                self.drive_blob(1, DRIVE_META)?;
            }

            // Messages.
            "reserved variable" => self.variable("files", "1", false)?,
            "streamed number" => self.variable("v", "1", true)?,
            "message is a text" => self.stream(r#"{"type":"text","message":"x","meta":null}"#)?,
            "meta is a list" => self.stream(r#"{"type":"text","message":{"text":"x"},"meta":[]}"#)?,
            "unknown message" => self.stream(r#"{"type":"picture","message":{},"meta":null}"#)?,
            "json text" => self.stream(r#"{"type":"json","message":{"json_object":"x"},"meta":null}"#)?,
            "unknown type" => self.session(r#"{"type":"progress","data":{}}"#)?,
            "stream without data" => self.session(r#"{"type":"stream"}"#)?,
            "end without data" => return self.session(r#"{"type":"end"}"#),
            "end with null" => return self.session(r#"{"type":"end","data":null}"#),
            "two ends" => self.end()?,
            "text after end" => {
                self.end()?;
                return self.text("late");
            }
            "end after error" => self.error(r#"{"error_type":"E","message":"m"}"#)?,
            "eleven args" => self.error(
                r#"{"error_type":"E","message":"m","args":{"1":1,"2":1,"3":1,"4":1,"5":1,"6":1,"7":1,"8":1,"9":1,"10":1,"11":1}}"#,
            )?,
            "args are a text" => self.error(r#"{"error_type":"E","message":"m","args":"x"}"#)?,
            "message is a number" => self.error(r#"{"error_type":"E","message":5}"#)?,
            "call back without id" => self.session(r#"{"type":"invoke","data":{"type":"storage","request":{}}}"#)?,

            // Results.
            "not validated" => self.stream(r#"{"result":false}"#)?,
            "two results" => {
                self.stream(r#"{"result":true}"#)?;
                self.stream(r#"{"result":true}"#)?;
            }
            "null result" => self.stream(r#"{"result":null}"#)?,
            "size with a fraction" => self.stream(
                r#"{"result":[{"files":[{"id":"a","name":"a","size":1.0,"type":"file"}],"is_truncated":false}]}"#,
            )?,
            "no way to the next page" => {
                self.stream(r#"{"result":[{"bucket":"b","files":[],"is_truncated":true,"next_page_parameters":{}}]}"#)?;
            }
            "option without value" => self.stream(r#"{"options":[{"value":"","label":{"en_US":"V"}}]}"#)?,

            // The process.
            "die" => {
                self.text("half")?;
                writeln!(io::stderr(), "out of memory")?;
                std::process::exit(9);
            }

            // Uploads.
            "upload" => self.upload_and_link(line)?,
            "unknown file" => self.link("binary_link", "/files/tools/0000-1.pdf", "null")?,
            "link elsewhere" => self.link("link", "https://example.org/files/tools/x.pdf", "null")?,
            _ => self.error(&format!(r#"{{"error_type":"E","message":"no behaviour {what}"}}"#))?,
        }
        self.end()
    }

    fn drive_blob(&self, size: usize, meta: &str) -> io::Result<()> {
        let blob = base64(&vec![b'd'; size]);
        self.stream(&format!(r#"{{"type":"blob","message":{{"blob":"{blob}"}},"meta":{meta}}}"#))
    }

    /// A line about the call at hand, of exactly that length.
    fn long_line(&self, length: usize) -> io::Result<()> {
        let frame = r#"{"event":"session","session_id":"","data":{"type":"stream","data":{"type":"text","message":{"text":""}}}}"#;
        let text = "x".repeat(length - frame.len() - self.session.len());
        self.stream(&format!(r#"{{"type":"text","message":{{"text":"{text}"}}}}"#))
    }

    fn storage(&self) -> io::Result<()> {
        for request in [
            r#"{"opt":"set","key":"k","value":"00ff"}"#,
            r#"{"opt":"get","key":"k"}"#,
            r#"{"opt":"del","key":"k"}"#,
            r#"{"opt":"exist","key":"k"}"#,
            r#"{"opt":"get","key":"k"}"#,
        ] {
            let answer = self.call_back("storage", request)?;
            // The data of the response, in quotes that need no escape.
            let data = answer.split_once(r#""message":"struct","data":"#).map_or(&*answer, |(_, data)| data);
            let data = data.trim_end().strip_suffix("}}").unwrap_or(data).replace('"', "'");
            self.text(&data)?;
        }
        Ok(())
    }

    /// Names and types are taken from the parameters of the call.
    fn upload_and_link(&self, line: &str) -> io::Result<()> {
        let parameter = |name: &str| text_of(line, name).unwrap_or_default();
        let (name, kind) = (parameter("asked_name"), parameter("asked_type"));
        let posted_name = text_of(line, "posted_name").unwrap_or_else(|| name.clone());
        let posted_type = text_of(line, "posted_type").unwrap_or_else(|| kind.clone());
        let size = parameter("upload_size").parse().unwrap_or(5);
        let id = match self.upload((&name, &kind), (&posted_name, &posted_type), size)? {
            Ok(id) => id,
            Err(reason) => {
                return self.error(&format!(r#"{{"error_type":"UploadError","message":"{reason}"}}"#));
            }
        };
        let link = parameter("link_kind");
        let meta = if parameter("link_by") == "meta" { format!(r#"{{"tool_file_id":"{id}"}}"#) } else { "null".into() };
        let path = if parameter("link_by") == "meta" { "elsewhere".to_owned() } else { id };
        self.link(&link, &format!("/files/tools/{path}.bin"), &meta)
    }
}

/// The text of a key, wherever it stands first in a line of JSON.
fn text_of(line: &str, key: &str) -> Option<String> {
    let (_, rest) = line.split_once(&format!(r#""{key}":""#))?;
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => match characters.next()? {
                'u' => {
                    let code: String = characters.by_ref().take(4).collect();
                    text.push(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32)?);
                }
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let letter = LETTERS.get((bits >> (18 - 6 * index) & 63) as usize).copied().unwrap_or_default();
            text.push(if index > group.len() { '=' } else { char::from(letter) });
        }
    }
    text
}
