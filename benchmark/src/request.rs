//! Calls, as the daemon writes them.

use serde_json::{Value, json};

/// A call of a tool.
pub(crate) fn tool(session: &str, provider: &str, tool: &str, credentials: &Value, parameters: &Value) -> Vec<u8> {
    line(
        session,
        &json!({
            "user_id": "bench", "type": "tool", "action": "invoke_tool", "provider": provider, "tool": tool,
            "credentials": credentials, "credential_type": "api-key", "tool_parameters": parameters,
        }),
    )
}

/// A call of the COS drive.
pub(crate) fn drive(session: &str, action: &str, credentials: &Value, request: &Value) -> Vec<u8> {
    const NAME: &str = "tencent_cos_storage";
    line(
        session,
        &json!({
            "user_id": "bench", "type": "datasource", "action": action, "provider": NAME, "datasource": NAME,
            "credentials": credentials, "request": request,
        }),
    )
}

/// The answer to a call back.
pub(crate) fn answer(session: &str, request: &str, data: &Value) -> Vec<u8> {
    let response = |event: &str, data: &Value| json!({"backwards_request_id": request, "event": event, "message": "", "data": data});
    let mut lines = envelope(session, "backwards_response", &response("response", data));
    lines.extend(envelope(session, "backwards_response", &response("end", &Value::Null)));
    lines
}

fn line(session: &str, data: &Value) -> Vec<u8> {
    envelope(session, "request", data)
}

fn envelope(session: &str, event: &str, data: &Value) -> Vec<u8> {
    let line = json!({
        "session_id": session, "conversation_id": null, "message_id": null, "app_id": null, "endpoint_id": null,
        "context": null, "event": event, "data": data,
    });
    let mut line = line.to_string().into_bytes();
    line.push(b'\n');
    line
}
