//! A plugin on the SDK with tools that do next to nothing, so that what is measured is the SDK. `peers/bench` is the same
//! on the official one.

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use dify_plugin::{Error, OutgoingFile, Plugin, Reply, Tool, ToolCall, ToolProvider, ValidateCredentials};
use futures_util::stream;
use serde::Deserialize;

/// As the pieces of an HTTP response come.
const PIECE: usize = 64 * 1024;

static ZEROS: [u8; PIECE] = [0; PIECE];

fn main() -> ExitCode {
    let provider = ToolProvider::new("bench", AnyCredentials).tool("echo", Echo).tool("blob", Blob).tool("wait", Wait);
    Plugin::new("bench", env!("CARGO_PKG_VERSION")).tools(provider).run()
}

#[derive(Deserialize)]
struct NoCredentials {}

struct AnyCredentials;

impl ValidateCredentials for AnyCredentials {
    type Credentials = NoCredentials;

    async fn validate_credentials(&self, _: NoCredentials) -> Result<(), Error> {
        Ok(())
    }
}

struct Echo;

#[derive(Deserialize)]
struct EchoParameters {
    text: String,
}

impl Tool for Echo {
    type Credentials = NoCredentials;
    type Parameters = EchoParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        reply.text(call.parameters.text).await
    }
}

/// A file of zeros, in pieces.
struct Blob;

#[derive(Deserialize)]
struct BlobParameters {
    size: u64,
}

impl Tool for Blob {
    type Credentials = NoCredentials;
    type Parameters = BlobParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        let size = call.parameters.size;
        let pieces = (0..size).step_by(PIECE).map(move |from| {
            let length = usize::try_from(size - from).unwrap_or(PIECE).min(PIECE);
            Ok(Bytes::from_static(ZEROS.get(..length).unwrap_or(&ZEROS)))
        });
        let file = OutgoingFile::stream(stream::iter(pieces)).length(size);
        reply.file(file.name("blob.pdf").media_type("application/pdf")).await
    }
}

/// A text, a pause, a text: a call that waits for a server.
struct Wait;

#[derive(Deserialize)]
struct WaitParameters {
    milliseconds: u64,
}

impl Tool for Wait {
    type Credentials = NoCredentials;
    type Parameters = WaitParameters;

    async fn invoke(&self, call: ToolCall<Self>, reply: Reply) -> Result<(), Error> {
        reply.text("waiting").await?;
        tokio::time::sleep(Duration::from_millis(call.parameters.milliseconds)).await;
        reply.text("waited").await
    }
}
