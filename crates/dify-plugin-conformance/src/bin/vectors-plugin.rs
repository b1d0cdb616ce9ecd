//! What the recorded plugins did, on our SDK: `vectors-plugin tool` and `vectors-plugin drive`.

use std::process::ExitCode;
use std::time::Duration;

use dify_plugin::{
    BrowseFilesRequest, BrowseFilesResponse, Bucket, Call, DownloadFileRequest, DriveFile, DriveFileType, Error, File,
    I18nText, OnlineDrive, OnlineDriveProvider, OutgoingFile, ParameterOption, Plugin, Reply, Tool, ToolCall,
    ToolProvider, ValidateCredentials, declaration,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("drive") => {
            let provider = OnlineDriveProvider::new("drive", DriveCredentials).datasource("drive", Drive);
            Plugin::declared(declaration!("drive")).online_drives(provider).run()
        }
        _ => {
            let provider = ToolProvider::new("vec", ToolCredentials);
            let provider = provider.tool("emit", Emit).tool("fail", Fail).tool("callback", Callback);
            Plugin::declared(declaration!("tool")).tools(provider).run()
        }
    }
}

type AnyCredentials = Map<String, Value>;

struct ToolCredentials;

impl ValidateCredentials for ToolCredentials {
    type Credentials = AnyCredentials;

    async fn validate_credentials(&self, credentials: AnyCredentials) -> Result<(), Error> {
        match credentials.get("mode").and_then(Value::as_str) {
            Some("bad") => Err(Error::credentials("the key was refused")),
            Some("boom") => Err(Error::named("RuntimeError", "unexpected failure while checking")),
            _ => Ok(()),
        }
    }
}

/// The tool that sends every kind of reply, and for the tests of behaviour some that the recorded one lacks.
struct Emit;

#[derive(Deserialize)]
struct EmitParameters {
    kind: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    tag: String,
    input_file: Option<File>,
    input_files: Option<Vec<File>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Tool for Emit {
    type Credentials = AnyCredentials;
    type Parameters = EmitParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let parameters = &call.parameters;
        match parameters.kind.as_str() {
            "text" => reply.text("hello").await,
            "text_unicode" => reply.text("line1\nline2\t\"q\" \\ 你好 😀 <a&b>\u{2028}").await,
            "text_many" => {
                for i in 0..3 {
                    reply.text(format!("part{i} ")).await?;
                }
                Ok(())
            }
            "none" => Ok(()),
            "json" => {
                reply
                    .json(json!({"a": 1, "b": [1.5, null, true, "x"], "big": 9_007_199_254_740_993_u64, "f": 1.0}))
                    .await
            }
            "json_list" => reply.json(json!([{"i": 0}, {"i": 1}])).await,
            "link" => reply.link("https://example.com/page").await,
            "image" => reply.image("https://example.com/pic.png").await,
            "image_link" => reply.image_link("https://example.com/pic.png").await,
            "variable" => {
                reply.variable("greeting", "hi").await?;
                reply.variable("count", 3).await?;
                reply.variable("ratio", 0.5).await?;
                reply.variable("flag", true).await?;
                reply.variable("nothing", Value::Null).await?;
                reply.variable("items", json!([1, "two", {"k": null}])).await?;
                reply.variable("obj", json!({"k": "v"})).await
            }
            "stream_variable" => {
                for piece in ["Hel", "lo ", "world"] {
                    reply.stream_variable("greeting", piece).await?;
                }
                Ok(())
            }
            "log" => {
                let metadata = json!({"started_at": 1.25, "provider": "vec"});
                let step = reply.log("step one", json!({"input": "x"}), metadata).await?;
                let child = step.step("child", json!({})).await?;
                child.fail("child failed", json!({"output": null})).await?;
                step.succeed(json!({"output": "y"}), json!({"elapsed_time": 0.5})).await
            }
            "blob" => {
                let file = OutgoingFile::bytes(pattern(parameters.size)).name("a.pdf").media_type("application/pdf");
                reply.file(file).await
            }
            "blob_no_meta" => reply.file(OutgoingFile::bytes("abc")).await,
            "two_blobs" => {
                reply.file(OutgoingFile::bytes("first").media_type("text/plain")).await?;
                reply.text("between").await?;
                reply.file(OutgoingFile::bytes("second").media_type("text/plain")).await
            }
            "slow" => {
                for i in 0..3 {
                    reply.text(format!("{}{i}", parameters.tag)).await?;
                    tokio::time::sleep(Duration::from_millis(250)).await;
                }
                Ok(())
            }
            "echo_params" => {
                let mut echo = parameters.others.clone();
                echo.insert("kind".into(), "echo_params".into());
                if let Some(file) = &parameters.input_file {
                    echo.insert("input_file".into(), echo_file(file));
                }
                if let Some(files) = &parameters.input_files {
                    echo.insert("input_files".into(), files.iter().map(echo_file).collect());
                }
                reply.json(echo).await
            }
            "echo_runtime" => {
                let context = &call.context;
                let details = context.context.as_ref().and_then(|context| serde_json::from_str(context.get()).ok());
                let details = details.unwrap_or_else(|| json!({"credentials": {"tool_credentials": {}}}));
                let runtime = json!({
                    "credentials": call.credentials,
                    "credential_type": "api-key",
                    "user_id": context.user_id,
                    "session_id": context.session_id,
                    "conversation_id": context.conversation_id,
                    "message_id": context.message_id,
                    "app_id": context.app_id,
                    "endpoint_id": context.endpoint_id,
                    "context": details,
                });
                reply.json(runtime).await
            }
            "stdout_noise" => {
                #[expect(clippy::print_stdout, reason = "what must not reach Dify")]
                {
                    println!("stray print from a tool");
                }
                reply.text("after noise").await
            }
            "stream" => reply.file(generated("big.bin", parameters.size, Some(parameters.size))).await,
            "stream_unknown" => reply.file(generated("big.bin", parameters.size, None)).await,
            "panic" => panic!("on purpose"),
            "block" => {
                // Holds a thread, as careless code does.
                std::thread::sleep(Duration::from_millis(parameters.size));
                reply.text("blocked").await
            }
            "wait" => {
                tokio::time::sleep(Duration::from_millis(parameters.size)).await;
                reply.text(parameters.tag.clone()).await
            }
            "broken_file" => {
                let half = Ok(pattern(parameters.size / 2).into());
                let broken = Err(Error::named("BrokenStorage", "the storage broke"));
                let file = OutgoingFile::stream(futures_util::stream::iter([half, broken])).length(parameters.size);
                // As a tool does that has other files to send.
                let _ = reply.file(file.name("broken.bin")).await;
                reply.file(OutgoingFile::bytes("whole").name("whole.txt")).await
            }
            "clean_up" => {
                let _left = SpawnsWhenDropped(parameters.tag.clone());
                reply.text("at work").await?;
                tokio::time::sleep(Duration::from_secs(600)).await;
                Ok(())
            }
            "left_behind" => {
                // A task that outlives its call, as careless code leaves one behind.
                let late = reply.clone();
                tokio::spawn(async move {
                    for _ in 0..20 {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        let _ = late.text("too late").await;
                    }
                });
                reply.text("in time").await
            }
            "long_text" => {
                let length = usize::try_from(parameters.size).map_err(|_| Error::parameter("size is too large"))?;
                reply.text("x".repeat(length)).await
            }
            other => Err(Error::named("AttributeError", format!("there is no kind {other}"))),
        }
    }

    async fn parameter_options(&self, parameter: &str, _: AnyCredentials) -> Result<Vec<ParameterOption>, Error> {
        if parameter != "channel" {
            return Err(Error::named("ValueError", format!("no options for {parameter}")));
        }
        let icon = Some("https://example.com/i.png".to_owned());
        let two = I18nText { zh_hans: Some("二".to_owned()), ..I18nText::new("Two") };
        Ok(vec![
            ParameterOption { value: "c1".to_owned(), label: I18nText::new("One"), icon: None },
            ParameterOption { value: "2".to_owned(), label: two, icon },
        ])
    }
}

/// Leaves a task behind that makes a connection to the address it holds, as one that cancels a job on a server does.
struct SpawnsWhenDropped(String);

impl Drop for SpawnsWhenDropped {
    fn drop(&mut self) {
        let address = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                tokio::net::TcpStream::connect(address).await.map(drop)
            });
        }
    }
}

fn echo_file(file: &File) -> Value {
    let mut echo = json!(file.parameter());
    echo["class"] = "File".into();
    echo
}

fn pattern(length: u64) -> Vec<u8> {
    (0..length).map(|i| ((i * 7 + 3) % 256) as u8).collect()
}

/// `size` bytes that are made as they are read.
fn generated(name: &str, size: u64, length: Option<u64>) -> OutgoingFile {
    const PIECE: u64 = 32 * 1024;
    let pieces = (0..size.div_ceil(PIECE)).map(move |piece| {
        let from = piece * PIECE;
        let to = size.min(from + PIECE);
        Ok((from..to).map(|i| ((i * 7 + 3) % 256) as u8).collect::<Vec<u8>>().into())
    });
    let file = OutgoingFile::stream(futures_util::stream::iter(pieces)).name(name);
    match length {
        Some(length) => file.length(length),
        None => file,
    }
}

/// The tool that fails in a way of the caller's choice.
struct Fail;

#[derive(Deserialize)]
struct FailParameters {
    error: String,
    text: Option<String>,
    before: Option<String>,
}

impl Tool for Fail {
    type Credentials = AnyCredentials;
    type Parameters = FailParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let FailParameters { error, text, before } = call.parameters;
        if let Some(before) = before {
            reply.text(before).await?;
        }
        let text = text.unwrap_or_else(|| error.clone());
        Err(Error::named(error, text))
    }
}

/// The tool that calls back into Dify.
struct Callback;

#[derive(Deserialize)]
struct CallbackParameters {
    op: String,
    #[serde(default)]
    unicode: bool,
}

impl Tool for Callback {
    type Credentials = AnyCredentials;
    type Parameters = CallbackParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let storage = call.dify.storage();
        match call.parameters.op.as_str() {
            "storage_roundtrip" => {
                storage.set("k1", b"\x00\x01hello\xff").await?;
                reply.text("set ok").await?;
                let got = storage.get("k1").await?;
                let hex: String = got.iter().map(|byte| format!("{byte:02x}")).collect();
                reply.json(json!({"got": hex})).await
            }
            "storage_exist_delete" => {
                reply.json(json!({"exist": storage.exist("k1").await?})).await?;
                storage.delete("k1").await?;
                reply.json(json!({"exist": storage.exist("k1").await?})).await
            }
            "storage_get_missing" => storage.get("nope").await.map(drop),
            "storage_get_caught" => match storage.get("nope").await {
                Ok(_) => Ok(()),
                Err(error) => reply.text(format!("caught Exception: {error}")).await,
            },
            "upload" => {
                let name = if call.parameters.unicode { "报告.txt" } else { "report.txt" };
                let file = OutgoingFile::bytes("file body").name(name).media_type("text/plain");
                let uploaded = reply.upload(file).await?;
                reply.json(json!({"tool_file_id": uploaded.id, "name": uploaded.name, "size": uploaded.size})).await
            }
            "timeout" => {
                storage.set("k", b"v").await?;
                reply.text("unreachable").await
            }
            other => Err(Error::named("AttributeError", format!("there is no op {other}"))),
        }
    }
}

struct DriveCredentials;

impl ValidateCredentials for DriveCredentials {
    type Credentials = AnyCredentials;

    async fn validate_credentials(&self, credentials: AnyCredentials) -> Result<(), Error> {
        match credentials.get("secret").and_then(Value::as_str) {
            Some("s") => Ok(()),
            _ => Err(Error::credentials("bad secret")),
        }
    }
}

/// A drive of two buckets.
struct Drive;

const BUCKETS: [(&str, &[&str]); 2] = [("b1", &["docs/", "docs/a.txt", "docs/b.pdf", "top.md"]), ("b2", &[])];

impl OnlineDrive for Drive {
    type Credentials = AnyCredentials;

    async fn browse_files(&self, call: Call<AnyCredentials, BrowseFilesRequest>) -> Result<BrowseFilesResponse, Error> {
        let BrowseFilesRequest { bucket, prefix, max_keys, next_page_parameters } = call.parameters;
        let Some(bucket) = bucket else {
            let result = BUCKETS.iter().map(|(name, _)| Bucket {
                bucket: Some((*name).to_owned()),
                files: Vec::new(),
                is_truncated: false,
                next_page_parameters: None,
            });
            return Ok(BrowseFilesResponse { result: result.collect() });
        };
        let keys = BUCKETS.iter().find(|(name, _)| *name == bucket).map(|(_, keys)| *keys);
        let keys = keys.ok_or_else(|| Error::named("ValueError", format!("no such bucket: {bucket}")))?;
        let in_folder: Vec<&str> = keys
            .iter()
            .copied()
            .filter(|key| {
                key.strip_prefix(prefix.as_str())
                    .is_some_and(|rest| !rest.is_empty() && !rest.trim_end_matches('/').contains('/'))
            })
            .collect();
        let start = next_page_parameters.get("offset").and_then(Value::as_u64).unwrap_or_default() as usize;
        let page: Vec<DriveFile> = in_folder.iter().skip(start).take(max_keys as usize).map(|key| entry(key)).collect();
        let next = start + page.len();
        let is_truncated = next < in_folder.len();
        let next_page_parameters = is_truncated.then(|| Map::from_iter([("offset".to_owned(), next.into())]));
        Ok(BrowseFilesResponse {
            result: vec![Bucket { bucket: Some(bucket), files: page, is_truncated, next_page_parameters }],
        })
    }

    async fn download_file(&self, call: Call<AnyCredentials, DownloadFileRequest>, reply: Reply) -> Result<(), Error> {
        let id = call.parameters.id;
        if id == "missing" {
            return Err(Error::named("FileNotFoundError", "missing"));
        }
        if id == "multi" {
            reply.text("hello").await?;
            reply.json(json!({"k": 1})).await?;
            return reply.variable("content", "body").await;
        }
        // Beyond the recorded ones: `failing/<size>` breaks off in its middle, `generated/<size>` is of a known and
        // `unknown/<size>` of an unknown length.
        if let Some(size) = id.strip_prefix("failing/").and_then(|size| size.parse::<u64>().ok()) {
            let half = Ok(pattern(size / 2).into());
            let broken = Err(Error::named("BrokenStorage", "the storage broke"));
            let file = OutgoingFile::stream(futures_util::stream::iter([half, broken])).name("big.bin").length(size);
            return reply.file(file).await;
        }
        if let Some((kind, size)) = id.split_once('/').and_then(|(kind, size)| Some((kind, size.parse().ok()?))) {
            return reply.file(generated("big.bin", size, (kind == "generated").then_some(size))).await;
        }
        let (length, media_type) = if id.ends_with(".pdf") { (20_000, "application/pdf") } else { (5, "text/plain") };
        reply.file(OutgoingFile::bytes(pattern(length)).name(&id).media_type(media_type)).await
    }
}

fn entry(key: &str) -> DriveFile {
    let is_folder = key.ends_with('/');
    DriveFile {
        id: key.to_owned(),
        name: key.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned(),
        size: if is_folder { 0 } else { key.len() as u64 },
        r#type: if is_folder { DriveFileType::Folder } else { DriveFileType::File },
    }
}
