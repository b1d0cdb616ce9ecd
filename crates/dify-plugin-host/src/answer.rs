//! All of an answer.

use dify_plugin_protocol::{LogMessage, Message, MessageBody};
use serde_json::{Map, Value};

use crate::decode::ActionResult;
use crate::received_file::ReceivedFile;

/// The answer to a call that went well.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// In order, without the bytes of files.
    pub messages: Vec<Message>,
    /// In the order in which they were complete.
    pub files: Vec<ReceivedFile>,
    /// The one result, for an action that answers with one.
    pub results: Vec<ActionResult>,
    /// Kinds of the calls back that the plugin made, in order.
    pub called_back: Vec<String>,
}

impl Answer {
    /// All texts in order.
    #[must_use]
    pub fn texts(&self) -> Vec<&str> {
        self.pick(|body| match body {
            MessageBody::Text(text) => Some(text.text.as_str()),
            _ => None,
        })
    }

    /// All texts as one: output `text` of a tool node.
    #[must_use]
    pub fn text(&self) -> String {
        self.texts().concat()
    }

    /// All objects and lists: output `json` of a tool node.
    #[must_use]
    pub fn json(&self) -> Vec<&Value> {
        self.pick(|body| match body {
            MessageBody::Json(json) => Some(&json.json_object),
            _ => None,
        })
    }

    /// Output variables by name: the texts of a streamed one are joined, of others the last value counts.
    #[must_use]
    pub fn variables(&self) -> Map<String, Value> {
        let mut variables = Map::new();
        for message in &self.messages {
            let MessageBody::Variable(variable) = &message.body else { continue };
            let value = match (variables.get(&variable.variable_name), &variable.variable_value) {
                (Some(Value::String(before)), Value::String(text)) if variable.stream => {
                    Value::String(format!("{before}{text}"))
                }
                (_, value) => value.clone(),
            };
            variables.insert(variable.variable_name.clone(), value);
        }
        variables
    }

    /// Steps as the user sees them at the end: of several messages with the same id the last counts.
    #[must_use]
    pub fn logs(&self) -> Vec<&LogMessage> {
        let mut logs: Vec<&LogMessage> = Vec::new();
        for log in self.pick(|body| if let MessageBody::Log(log) = body { Some(log) } else { None }) {
            match logs.iter_mut().find(|known| known.id == log.id) {
                Some(known) => *known = log,
                None => logs.push(log),
            }
        }
        logs
    }

    /// Links and images, as sent.
    #[must_use]
    pub fn links(&self) -> Vec<&str> {
        self.pick(|body| match body {
            MessageBody::Link(link)
            | MessageBody::Image(link)
            | MessageBody::ImageLink(link)
            | MessageBody::BinaryLink(link) => Some(link.text.as_str()),
            _ => None,
        })
    }

    fn pick<'a, T>(&'a self, pick: impl FnMut(&'a MessageBody) -> Option<T>) -> Vec<T> {
        self.messages.iter().map(|message| &message.body).filter_map(pick).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(messages: Value) -> Answer {
        Answer { messages: serde_json::from_value(messages).unwrap(), ..Answer::default() }
    }

    #[test]
    fn streamed_variables_are_joined_and_others_replaced() {
        let variable = |name: &str, value: Value, stream: bool| json!({"type": "variable", "message": {"variable_name": name, "variable_value": value, "stream": stream}});
        let answer = answer(json!([
            variable("s", json!("a"), true),
            variable("v", json!(1), false),
            variable("s", json!("b"), true),
            variable("v", json!(2), false),
        ]));
        assert_eq!(Value::Object(answer.variables()), json!({"s": "ab", "v": 2}));
    }

    #[test]
    fn a_log_with_a_known_id_replaces_it() {
        let log = |id: &str, status: &str| {
            json!({"type": "log", "message": {"id": id, "label": "l", "parent_id": null, "error": null,
                "status": status, "data": {}, "metadata": {}}})
        };
        let answer = answer(json!([log("a", "start"), log("b", "start"), log("a", "success")]));
        let logs: Vec<_> = answer.logs().iter().map(|log| (log.id.as_str(), log.status)).collect();
        assert_eq!(
            logs,
            [("a", dify_plugin_protocol::LogStatus::Success), ("b", dify_plugin_protocol::LogStatus::Start)]
        );
    }
}
