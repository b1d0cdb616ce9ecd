//! A call to be made, and the lines that the daemon writes for it.

use std::fmt;
use std::io;
use std::sync::Arc;

use dify_plugin_protocol::{
    BackwardsResponse, BrowseFiles, DownloadFile, FetchParameterOptions, InvokeTool, ValidateCredentials,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::action::Action;
use crate::go_json;

/// A file that begins to arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IncomingFile {
    /// The file within the call. Empty for a file that came in one message.
    pub id: String,
    /// Bytes, as announced.
    pub total_length: u64,
}

/// Gives the writer that a file goes to.
pub(crate) type FileSink = Arc<dyn Fn(&IncomingFile) -> io::Result<Box<dyn io::Write + Send>> + Send + Sync>;

/// A call to be made: an action with its fields, and where in Dify it happens.
#[derive(Clone)]
pub struct CallRequest {
    pub(crate) action: Action,
    pub(crate) data: Map<String, Value>,
    pub(crate) origin: Origin,
    pub(crate) sink: Option<FileSink>,
}

/// Where in Dify a call happens: what the daemon writes on each line besides the data
/// (dify-plugin-daemon, `internal/core/session_manager/session.go`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    conversation_id: Option<String>,
    message_id: Option<String>,
    app_id: Option<String>,
    endpoint_id: Option<String>,
    context: Option<Map<String, Value>>,
}

impl CallRequest {
    /// Any action with any data; `type` and `action` are added to it. For actions of which `dify-plugin-protocol` has
    /// no types, and for faulty ones.
    #[must_use]
    pub fn raw(action: Action, mut data: Map<String, Value>) -> Self {
        data.insert("type".to_owned(), json!(action.kind()));
        data.insert("action".to_owned(), json!(action.name()));
        Self { action, data, origin: Origin::default(), sink: None }
    }

    fn typed(action: Action, fields: &impl Serialize) -> Self {
        match serde_json::to_value(fields) {
            Ok(Value::Object(data)) => Self::raw(action, data),
            _ => Self::raw(action, Map::new()),
        }
    }

    /// Checks credentials of a tool provider.
    #[must_use]
    pub fn validate_tool_credentials(fields: &ValidateCredentials) -> Self {
        Self::typed(Action::ValidateToolCredentials, fields)
    }

    /// Checks credentials of a datasource provider.
    #[must_use]
    pub fn validate_datasource_credentials(fields: &ValidateCredentials) -> Self {
        Self::typed(Action::ValidateDatasourceCredentials, fields)
    }

    /// Hands the bytes of files to writers instead of collecting them in memory; files that come as links are kept by
    /// the [`UploadEndpoint`](crate::UploadEndpoint). The writers are called in the task that drives the call.
    #[must_use]
    pub fn files_to(
        mut self,
        sink: impl Fn(&IncomingFile) -> io::Result<Box<dyn io::Write + Send>> + Send + Sync + 'static,
    ) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    /// The conversation in which the call happens.
    #[must_use]
    pub fn conversation_id(mut self, id: impl Into<String>) -> Self {
        self.origin.conversation_id = Some(id.into());
        self
    }

    /// The chat message in which the call happens.
    #[must_use]
    pub fn message_id(mut self, id: impl Into<String>) -> Self {
        self.origin.message_id = Some(id.into());
        self
    }

    /// The app in which the call happens.
    #[must_use]
    pub fn app_id(mut self, id: impl Into<String>) -> Self {
        self.origin.app_id = Some(id.into());
        self
    }

    /// The endpoint that is called.
    #[must_use]
    pub fn endpoint_id(mut self, id: impl Into<String>) -> Self {
        self.origin.endpoint_id = Some(id.into());
        self
    }

    /// What Dify adds for the plugin's calls back, such as ids of credentials.
    #[must_use]
    pub fn context(mut self, context: Map<String, Value>) -> Self {
        self.origin.context = Some(context);
        self
    }

    /// On whose behalf the call is made; empty when the data does not say.
    pub(crate) fn user_id(&self) -> &str {
        self.data.get("user_id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The line of the request.
    pub(crate) fn line(&self, session_id: &str) -> Vec<u8> {
        self.origin.line(session_id, "request", &go_json::object_to_string(&self.data))
    }
}

impl fmt::Debug for CallRequest {
    /// Without the data, which holds credentials.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("CallRequest").field("action", &self.action).finish_non_exhaustive()
    }
}

impl From<InvokeTool> for CallRequest {
    fn from(fields: InvokeTool) -> Self {
        Self::typed(Action::InvokeTool, &fields)
    }
}

impl From<FetchParameterOptions> for CallRequest {
    fn from(fields: FetchParameterOptions) -> Self {
        Self::typed(Action::FetchParameterOptions, &fields)
    }
}

impl From<BrowseFiles> for CallRequest {
    /// Empty `next_page_parameters` are written as null, as Dify does for a first page.
    fn from(fields: BrowseFiles) -> Self {
        let mut request = Self::typed(Action::BrowseFiles, &fields);
        if fields.request.next_page_parameters.is_empty()
            && let Some(Value::Object(page)) = request.data.get_mut("request")
        {
            page.insert("next_page_parameters".to_owned(), Value::Null);
        }
        request
    }
}

impl From<DownloadFile> for CallRequest {
    fn from(fields: DownloadFile) -> Self {
        Self::typed(Action::DownloadFile, &fields)
    }
}

impl Origin {
    fn line(&self, session_id: &str, event: &str, data: &str) -> Vec<u8> {
        let mut line = String::with_capacity(data.len() + 256);
        let ids = [
            ("{\"session_id\":", Some(session_id)),
            (",\"conversation_id\":", self.conversation_id.as_deref()),
            (",\"message_id\":", self.message_id.as_deref()),
            (",\"app_id\":", self.app_id.as_deref()),
            (",\"endpoint_id\":", self.endpoint_id.as_deref()),
        ];
        for (key, id) in ids {
            line.push_str(key);
            match id {
                Some(id) => go_json::write_string(&mut line, id),
                None => line.push_str("null"),
            }
        }
        line.push_str(",\"context\":");
        match &self.context {
            Some(context) => line.push_str(&go_json::object_to_string(context)),
            None => line.push_str("null"),
        }
        line.push_str(",\"event\":");
        go_json::write_string(&mut line, event);
        line.push_str(",\"data\":");
        line.push_str(data);
        line.push_str("}\n");
        line.into_bytes()
    }

    /// The line of an answer to a call back.
    pub(crate) fn response_line(&self, session_id: &str, response: &BackwardsResponse) -> Vec<u8> {
        let event = serde_json::to_value(response.event).unwrap_or_default();
        let mut data = String::from("{\"backwards_request_id\":");
        go_json::write_string(&mut data, &response.backwards_request_id);
        data.push_str(",\"event\":");
        data.push_str(&go_json::to_string(&event));
        data.push_str(",\"message\":");
        go_json::write_string(&mut data, &response.message);
        data.push_str(",\"data\":");
        data.push_str(&go_json::to_string(&response.data));
        data.push('}');
        self.line(session_id, "backwards_response", &data)
    }
}

#[cfg(test)]
mod tests {
    use dify_plugin_protocol::{BackwardsEvent, BrowseFilesRequest, CredentialType};

    use super::*;

    fn text(line: Vec<u8>) -> String {
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn a_request_is_written_as_the_daemon_writes_it() {
        let credentials = json!({"key": "<a&b>"}).as_object().unwrap().clone();
        let tool_parameters = json!({"seed": 9_007_199_254_740_993_u64, "n": 2.0}).as_object().unwrap().clone();
        let request = CallRequest::from(InvokeTool {
            user_id: "u".into(),
            provider: "p".into(),
            tool: "t".into(),
            credentials,
            credential_type: CredentialType::ApiKey,
            tool_parameters,
        });
        assert_eq!(
            text(request.app_id("a").line("s")),
            concat!(
                r#"{"session_id":"s","conversation_id":null,"message_id":null,"app_id":"a","endpoint_id":null,"#,
                r#""context":null,"event":"request","data":{"action":"invoke_tool","credential_type":"api-key","#,
                r#""credentials":{"key":"\u003ca\u0026b\u003e"},"provider":"p","tool":"t","#,
                r#""tool_parameters":{"n":2,"seed":9007199254740992},"type":"tool","user_id":"u"}}"#,
                "\n"
            )
        );
    }

    #[test]
    fn a_first_page_has_no_parameters() {
        let request = CallRequest::from(BrowseFiles {
            user_id: "u".into(),
            provider: "p".into(),
            datasource: "d".into(),
            credentials: Map::new(),
            request: BrowseFilesRequest {
                bucket: None,
                prefix: String::new(),
                max_keys: 20,
                next_page_parameters: Map::new(),
            },
        });
        let line = text(request.line("s"));
        let page = r#""request":{"bucket":null,"max_keys":20,"next_page_parameters":null,"prefix":""}"#;
        assert!(line.contains(page), "{line}");
    }

    #[test]
    fn an_answer_to_a_call_back_is_written_as_the_daemon_writes_it() {
        let end = BackwardsResponse {
            backwards_request_id: "b".into(),
            event: BackwardsEvent::End,
            message: String::new(),
            data: Value::Null,
        };
        let line = text(Origin::default().response_line("s", &end));
        let data = r#""data":{"backwards_request_id":"b","event":"end","message":"","data":null}}"#;
        assert!(line.ends_with(&format!("\"event\":\"backwards_response\",{data}\n")), "{line}");
    }
}
