use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{BrowseFilesRequest, DownloadFileRequest};

/// A call: its type and action, decoded into the action's fields
/// (dify-plugin-daemon, `pkg/entities/requests/*.go`; Python SDK, `core/entities/plugin/request.py`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// `tool` / `validate_tool_credentials`; answered by one [`Validation`].
    ValidateToolCredentials(ValidateCredentials),
    /// `tool` / `invoke_tool`; answered by any number of [`Message`](crate::Message)s.
    InvokeTool(InvokeTool),
    /// `dynamic_parameter` / `fetch_parameter_options`; answered by one [`ParameterOptions`](crate::ParameterOptions).
    FetchParameterOptions(FetchParameterOptions),
    /// `datasource` / `validate_datasource_credentials`; answered by one [`Validation`].
    ValidateDatasourceCredentials(ValidateCredentials),
    /// `datasource` / `invoke_online_drive_browse_files`; answered by one
    /// [`BrowseFilesResponse`](crate::BrowseFilesResponse).
    BrowseFiles(BrowseFiles),
    /// `datasource` / `invoke_online_drive_download_file`; answered by [`Message`](crate::Message)s.
    DownloadFile(DownloadFile),
}

/// Why a request could not be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No such type and action is known.
    #[error("this plugin cannot do {kind}/{action}")]
    Unknown {
        /// `type` of the request.
        kind: String,
        /// `action` of the request.
        action: String,
    },
    /// A field is missing or has the wrong type.
    #[error("invalid request: {field}{reason}")]
    Invalid {
        /// Path of the field, with a colon and a space, or empty where the reason names it.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Request {
    /// Decodes `data` of a [`DaemonLine`](crate::DaemonLine). Unknown fields are ignored.
    ///
    /// # Errors
    /// [`RequestError::Unknown`] for another type or action, [`RequestError::Invalid`] for a wrong field.
    pub fn decode(data: &str) -> Result<Self, RequestError> {
        #[derive(Deserialize)]
        struct Route {
            r#type: String,
            action: String,
        }
        let Route { r#type: kind, action } = decode(data)?;
        Ok(match (kind.as_str(), action.as_str()) {
            ("tool", "validate_tool_credentials") => Self::ValidateToolCredentials(decode(data)?),
            ("tool", "invoke_tool") => Self::InvokeTool(decode(data)?),
            ("dynamic_parameter", "fetch_parameter_options") => Self::FetchParameterOptions(decode(data)?),
            ("datasource", "validate_datasource_credentials") => Self::ValidateDatasourceCredentials(decode(data)?),
            ("datasource", "invoke_online_drive_browse_files") => Self::BrowseFiles(decode(data)?),
            ("datasource", "invoke_online_drive_download_file") => Self::DownloadFile(decode(data)?),
            _ => return Err(RequestError::Unknown { kind, action }),
        })
    }

    /// The user on whose behalf the call is made; may be empty.
    #[must_use]
    pub fn user_id(&self) -> &str {
        match self {
            Self::ValidateToolCredentials(request) | Self::ValidateDatasourceCredentials(request) => &request.user_id,
            Self::InvokeTool(request) => &request.user_id,
            Self::FetchParameterOptions(request) => &request.user_id,
            Self::BrowseFiles(request) => &request.user_id,
            Self::DownloadFile(request) => &request.user_id,
        }
    }
}

fn decode<T: DeserializeOwned>(data: &str) -> Result<T, RequestError> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(data)).map_err(|error| {
        let path = error.path().to_string();
        let reason = error.inner().to_string();
        // The place in the line means nothing to whoever reads the message.
        let reason = match reason.split(" at line ").next() {
            // serde repeats the value, which may be a secret.
            _ if path.starts_with("credentials") => "not an object".to_owned(),
            reason => reason.unwrap_or_default().to_owned(),
        };
        let field = if path == "." { String::new() } else { format!("{path}: ") };
        RequestError::Invalid { field, reason }
    })
}

/// Which kind of credentials a call carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CredentialType {
    /// Fields that the user filled in.
    #[default]
    #[serde(rename = "api-key")]
    ApiKey,
    /// The result of an OAuth flow.
    #[serde(rename = "oauth2")]
    OAuth2,
    /// None.
    #[serde(rename = "unauthorized")]
    Unauthorized,
}

/// Fields of both credential validations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidateCredentials {
    /// On whose behalf.
    pub user_id: String,
    /// Name of the provider, without a plugin prefix.
    pub provider: String,
    /// By name; values may be null.
    pub credentials: Map<String, Value>,
}

/// Answer to a [`ValidateCredentials`]. A refusal is an error, not `false`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// Always true.
    pub result: bool,
}

/// Fields of `invoke_tool`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InvokeTool {
    /// On whose behalf.
    pub user_id: String,
    /// Name of the provider, without a plugin prefix.
    pub provider: String,
    /// Name of the tool.
    pub tool: String,
    /// By name; values may be null.
    pub credentials: Map<String, Value>,
    /// Of which kind the credentials are.
    #[serde(default)]
    pub credential_type: CredentialType,
    /// By name; optional ones arrive as null, as `""` or not at all. Numbers have crossed Go's `float64`.
    pub tool_parameters: Map<String, Value>,
}

/// Fields of `fetch_parameter_options`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FetchParameterOptions {
    /// On whose behalf.
    pub user_id: String,
    /// Name of the provider, without a plugin prefix.
    pub provider: String,
    /// Name of the tool.
    pub provider_action: String,
    /// Name of the parameter whose choices are asked for.
    pub parameter: String,
    /// By name; values may be null.
    pub credentials: Map<String, Value>,
    /// Of which kind the credentials are.
    #[serde(default)]
    pub credential_type: CredentialType,
}

/// Fields of `invoke_online_drive_browse_files`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BrowseFiles {
    /// On whose behalf.
    pub user_id: String,
    /// Name of the provider, without a plugin prefix.
    pub provider: String,
    /// Name of the datasource.
    pub datasource: String,
    /// By name; values may be null.
    pub credentials: Map<String, Value>,
    /// Which page of which folder.
    pub request: BrowseFilesRequest,
}

/// Fields of `invoke_online_drive_download_file`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DownloadFile {
    /// On whose behalf.
    pub user_id: String,
    /// Name of the provider, without a plugin prefix.
    pub provider: String,
    /// Name of the datasource.
    pub datasource: String,
    /// By name; values may be null.
    pub credentials: Map<String, Value>,
    /// Which file.
    pub request: DownloadFileRequest,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(data: Value) -> String {
        Request::decode(&data.to_string()).unwrap_err().to_string()
    }

    fn invoke_tool() -> Value {
        json!({
            "user_id": "u", "type": "tool", "action": "invoke_tool", "provider": "p", "tool": "t",
            "credentials": {}, "tool_parameters": {},
        })
    }

    #[test]
    fn a_missing_field_is_named() {
        for field in ["user_id", "provider", "tool", "credentials", "tool_parameters"] {
            let mut data = invoke_tool();
            data.as_object_mut().unwrap().remove(field);
            assert_eq!(refusal(data), format!("invalid request: missing field `{field}`"));
        }
    }

    #[test]
    fn a_field_of_the_wrong_type_is_named() {
        let mut data = invoke_tool();
        data["credentials"] = json!([1]);
        assert_eq!(refusal(data), "invalid request: credentials: not an object");
        let mut data = invoke_tool();
        data["user_id"] = json!(null);
        assert_eq!(refusal(data), "invalid request: user_id: invalid type: null, expected a string");
    }

    #[test]
    fn the_credential_type_may_be_missing_and_not_be_anything() {
        assert!(Request::decode(&invoke_tool().to_string()).is_ok());
        let mut data = invoke_tool();
        data["credential_type"] = json!("apikey");
        assert!(refusal(data).starts_with("invalid request: credential_type: unknown variant `apikey`"));
    }

    #[test]
    fn an_unknown_action_is_told_from_a_faulty_request() {
        let unknown = json!({"user_id": "u", "type": "model", "action": "invoke_llm"});
        assert_eq!(refusal(unknown), "this plugin cannot do model/invoke_llm");
        assert_eq!(refusal(json!({"action": "invoke_tool"})), "invalid request: missing field `type`");
        assert_eq!(refusal(json!(null)), "invalid request: invalid type: null, expected struct Route");
    }
}
