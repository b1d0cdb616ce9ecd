//! Credentials and parameters, from what Dify sends to the author's types.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::Error;

/// Decodes tool parameters. Dify sends an optional one that is not filled in as null, as `""` or not at all, and a list
/// of files as `[null]`: all of these are the same as not at all.
pub(crate) fn decode_parameters<T: DeserializeOwned>(parameters: Map<String, Value>) -> Result<T, Error> {
    decode(parameters).map_err(|Fault { field, reason }| {
        Error::parameter(match field {
            Some(field) => format!("the parameter {field} is wrong: {reason}"),
            None => format!("the parameters are wrong: {reason}"),
        })
    })
}

/// Decodes credentials, as [`decode_parameters`]. The message never repeats a value.
pub(crate) fn decode_credentials<T: DeserializeOwned>(credentials: Map<String, Value>) -> Result<T, Error> {
    decode(credentials).map_err(|Fault { field, reason }| {
        Error::credentials(match field {
            Some(field) => format!("the credential {field} has the wrong form"),
            // Without a field it is serde's "missing field", which holds a name and no value.
            None if reason.starts_with("missing field") => format!("a credential is not filled in: {reason}"),
            None => "the credentials have the wrong form".to_owned(),
        })
    })
}

struct Fault {
    field: Option<String>,
    reason: String,
}

fn decode<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Fault> {
    let fields: Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name, filled_in(value)?))).collect();
    serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        Fault { field: (path != ".").then_some(path), reason: error.into_inner().to_string() }
    })
}

fn filled_in(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) => Some(items.into_iter().filter(|item| !item.is_null()).collect()),
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::File;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Parameters {
        prompt: String,
        steps: Option<u32>,
        #[serde(default)]
        images: Vec<File>,
    }

    fn decode(value: Value) -> Result<Parameters, Error> {
        decode_parameters(value.as_object().cloned().unwrap())
    }

    #[test]
    fn what_is_not_filled_in_is_absent() {
        for optional in [json!({}), json!({"steps": null, "images": null}), json!({"steps": "", "images": [null]})] {
            let mut parameters = json!({"prompt": "a cat", "unknown": 1});
            parameters.as_object_mut().unwrap().extend(optional.as_object().cloned().unwrap());
            let parameters = decode(parameters).unwrap();
            assert_eq!(parameters, Parameters { prompt: "a cat".into(), steps: None, images: vec![] });
        }
    }

    #[test]
    fn the_parameter_is_named() {
        let message = |value| decode(value).unwrap_err().message().to_owned();
        assert_eq!(message(json!({"prompt": ""})), "the parameters are wrong: missing field `prompt`");
        assert_eq!(
            message(json!({"prompt": "x", "steps": "ten"})),
            "the parameter steps is wrong: invalid type: string \"ten\", expected u32"
        );
        assert_eq!(
            message(json!({"prompt": "x", "images": [{"name": 1}]})),
            "the parameter images[0] is wrong: missing field `url`"
        );
    }

    #[test]
    fn a_faulty_credential_is_named_and_not_repeated() {
        #[derive(Debug, Deserialize)]
        struct Credentials {
            #[serde(rename = "expire_after")]
            _expire_after: u32,
        }
        let credentials = json!({"expire_after": "s3cret"});
        let error = decode_credentials::<Credentials>(credentials.as_object().cloned().unwrap()).unwrap_err();
        assert_eq!(error.message(), "the credential expire_after has the wrong form");
    }
}
