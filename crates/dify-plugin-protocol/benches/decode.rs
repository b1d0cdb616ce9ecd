//! A line from Dify, read as a plugin reads it: `cargo bench -p dify-plugin-protocol --bench decode`.
//! `docs/benchmarks.md` says how to count instructions instead.

use dify_plugin_protocol::{DaemonLine, Request};
use divan::Bencher;
use divan::counter::BytesCount;
use serde_json::json;

fn main() {
    divan::main();
}

/// With a text of so many bytes among the parameters, such as a workflow.
#[divan::bench(args = [10, 1000, 100_000, 10_000_000])]
fn invoke_tool(bencher: Bencher<'_, '_>, text: usize) {
    let line = line(text);
    bencher.counter(BytesCount::new(line.len())).bench(|| {
        let line: DaemonLine = serde_json::from_slice(line.as_bytes()).ok()?;
        Request::decode(line.data?.get()).ok()
    });
}

fn line(text: usize) -> String {
    let parameters = json!({"workflow_json": "{\"1\": {}} ".repeat(text / 10), "images": [], "randomize_seed": true});
    let request = json!({
        "user_id": "u", "type": "tool", "action": "invoke_tool", "provider": "comfyui", "tool": "workflow",
        "credentials": {"base_url": "http://127.0.0.1:8188"}, "credential_type": "api-key",
        "tool_parameters": parameters,
    });
    let line = json!({
        "session_id": "s1", "conversation_id": null, "message_id": null, "app_id": null, "endpoint_id": null,
        "context": null, "event": "request", "data": request,
    });
    line.to_string()
}
