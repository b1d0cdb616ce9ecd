//! The plugin under test, and calls of it.

use std::io::{self, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};

use dify_plugin_host::{CallRequest, DifyHost, PluginProcess};
use dify_plugin_protocol::{CredentialType, DownloadFile, DownloadFileRequest, InvokeTool};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub(crate) const MIB: u64 = 1024 * 1024;

pub(crate) async fn start(kind: &str, dify: &DifyHost) -> PluginProcess {
    start_with(kind, dify, &[]).await
}

pub(crate) async fn start_with(kind: &str, dify: &DifyHost, environment: &[(&str, &str)]) -> PluginProcess {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vectors-plugin"));
    command.arg(kind).envs(environment.iter().copied());
    PluginProcess::start(command, dify).await.unwrap()
}

pub(crate) fn emit(parameters: Value) -> InvokeTool {
    tool("emit", parameters)
}

pub(crate) fn tool(name: &str, parameters: Value) -> InvokeTool {
    InvokeTool {
        user_id: "user-1".to_owned(),
        provider: "vec".to_owned(),
        tool: name.to_owned(),
        credentials: Map::new(),
        credential_type: CredentialType::ApiKey,
        tool_parameters: parameters.as_object().cloned().unwrap(),
    }
}

pub(crate) fn download(id: &str) -> DownloadFile {
    DownloadFile {
        user_id: "user-1".to_owned(),
        provider: "drive".to_owned(),
        datasource: "drive".to_owned(),
        credentials: json!({"secret": "s"}).as_object().cloned().unwrap(),
        request: DownloadFileRequest { bucket: Some("b1".to_owned()), id: id.to_owned() },
    }
}

/// SHA-256 of what is written to it, and how much that was.
#[derive(Clone, Default)]
pub(crate) struct Hash(Arc<Mutex<(Sha256, u64)>>);

impl Hash {
    pub(crate) fn sink(&self) -> Box<dyn Write + Send> {
        Box::new(self.clone())
    }

    pub(crate) fn finish(&self) -> (Vec<u8>, u64) {
        let (hash, length) = self.0.lock().unwrap().clone();
        (hash.finalize().to_vec(), length)
    }
}

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        state.0.update(bytes);
        state.1 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The hash of the file that the plugin makes of this length.
pub(crate) fn expected(length: u64) -> (Vec<u8>, u64) {
    let period: Vec<u8> = (0..256 * 256_u32).map(|i| ((i * 7 + 3) % 256) as u8).collect();
    let mut hash = Sha256::new();
    let mut rest = length;
    while rest > 0 {
        let piece = rest.min(period.len() as u64);
        hash.update(&period[..usize::try_from(piece).unwrap()]);
        rest -= piece;
    }
    (hash.finalize().to_vec(), length)
}

/// Makes the call with the bytes of its file going to `hash`, and says by how much the plugin's memory grew at most.
pub(crate) async fn growth_of(
    plugin: &PluginProcess,
    call: impl Into<CallRequest>,
    hash: &Hash,
) -> (u64, dify_plugin_host::Answer) {
    let before = plugin.rss_bytes().unwrap_or_default();
    let hash = hash.clone();
    let answer = plugin.call(call.into().files_to(move |_| Ok(hash.sink()))).await.unwrap();
    (plugin.peak_rss_bytes().unwrap_or_default().saturating_sub(before), answer)
}
