//! Lines of Dify's, and what a tool makes of them.

use dify_plugin::File;
use dify_plugin::fuzzing::{credentials, error_message, parameters};
use dify_plugin_protocol::{BackwardsResponse, DaemonEvent, DaemonLine, Request, StorageResponse, UploadFileResponse};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::assert_shown_as_it_is;

/// One of every kind that the plugins here use.
#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is only read")]
struct Parameters {
    text: String,
    number: Option<u32>,
    #[serde(default)]
    files: Vec<File>,
    file: Option<File>,
    choice: Option<Choice>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    One,
    Two,
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "it is only read")]
struct Credentials {
    url: String,
    timeout: Option<u32>,
}

pub(super) fn run(bytes: &[u8]) {
    let Ok(line) = serde_json::from_slice::<DaemonLine>(bytes) else { return };
    let written = serde_json::to_vec(&line).expect("it was read");
    let again: DaemonLine = serde_json::from_slice(&written).expect("its own line");
    assert_eq!(serde_json::to_vec(&again).expect("it was read"), written);
    let data = line.data.as_ref().map_or("null", |data| data.get());
    match line.event {
        DaemonEvent::Request => request(data),
        DaemonEvent::BackwardsResponse => backwards(data),
    }
}

fn request(data: &str) {
    let request = match Request::decode(data) {
        Ok(request) => request,
        Err(error) => {
            let message = error_message(dify_plugin::Error::failed(error.to_string()));
            assert_shown_as_it_is(&message);
            assert!(message.len() <= 1 << 16, "{} bytes", message.len());
            return;
        }
    };
    assert_eq!(request, Request::decode(data).expect("it was read before"));
    let (given, keys) = match request {
        Request::InvokeTool(request) => (request.tool_parameters, request.credentials),
        Request::ValidateToolCredentials(request) | Request::ValidateDatasourceCredentials(request) => {
            (Map::new(), request.credentials)
        }
        _ => return,
    };
    if let Err(error) = parameters::<Parameters>(given) {
        assert_shown_as_it_is(&error_message(error));
    }
    let secret = keys.get("timeout").and_then(Value::as_str).map(str::to_owned);
    if let Err(error) = credentials::<Credentials>(keys) {
        let message = error_message(error);
        assert!(secret.is_none_or(|secret| secret.len() < 9 || !message.contains(&secret)), "{message}");
    }
}

fn backwards(data: &str) {
    let Ok(response) = serde_json::from_str::<BackwardsResponse>(data) else { return };
    let written = serde_json::to_string(&response).expect("it was read");
    assert_eq!(serde_json::from_str::<BackwardsResponse>(&written).expect("its own text"), response);
    let _ = serde_json::from_value::<StorageResponse>(response.data.clone());
    let _ = serde_json::from_value::<UploadFileResponse>(response.data);
}
