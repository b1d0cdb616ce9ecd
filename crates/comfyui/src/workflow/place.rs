use std::fmt;

use super::Workflow;
use crate::NodeClasses;
use crate::NodeLabel;
use crate::near::near_names;

/// The most names that a message lists where none is alike.
const MAX_LISTED: usize = 20;

/// One input of one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InputPlace {
    /// The node's id.
    pub node_id: String,
    /// The input's name.
    pub input: String,
}

/// Why a name does not lead to one node, or one input of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// No dot in it.
    #[error("{key:?} names no input: write the node's id or title, a dot and the input, such as \"6.text\"")]
    NoInput {
        /// What was written.
        key: String,
    },
    /// No node of this id or title.
    #[error("the workflow has no node {name:?}{}", near(suggestions))]
    UnknownNode {
        /// What was written.
        name: String,
        /// Nodes with names like it; all of them, where there are few.
        suggestions: Vec<NodeLabel>,
    },
    /// More than one node of this title.
    #[error("the title {title:?} belongs to several nodes: use the id of {}", list(nodes))]
    Ambiguous {
        /// The title.
        title: String,
        /// The nodes that have it.
        nodes: Vec<NodeLabel>,
    },
    /// The node has no such input.
    #[error("{node} has no input {input:?}{}", near(suggestions))]
    UnknownInput {
        /// The node.
        node: NodeLabel,
        /// What was written.
        input: String,
        /// Inputs like it; all of them, where there are few.
        suggestions: Vec<String>,
    },
    /// The input is filled by another node.
    #[error(
        "{node}: {input} is filled by {source_node}, and is not overwritten: set a value there, or remove the link in ComfyUI"
    )]
    Linked {
        /// The node.
        node: Box<NodeLabel>,
        /// The input.
        input: String,
        /// Where its value comes from.
        source_node: Box<NodeLabel>,
    },
}

fn near<T: fmt::Display>(suggestions: &[T]) -> String {
    if suggestions.is_empty() { String::new() } else { format!("; there is {}", list(suggestions)) }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Workflow {
    /// The node of an id or, where there is no such id, of a title, whatever its case.
    ///
    /// # Errors
    /// [`PlaceError::UnknownNode`] and [`PlaceError::Ambiguous`].
    pub fn find_node(&self, name: &str) -> Result<&str, PlaceError> {
        let name = name.trim();
        if let Some((id, _)) = self.nodes.get_key_value(name) {
            return Ok(id);
        }
        let titled = |same: &dyn Fn(&str) -> bool| -> Vec<&str> {
            let nodes = self.nodes.iter().filter(|(_, node)| node.title().map(str::trim).is_some_and(same));
            nodes.map(|(id, _)| id.as_str()).collect()
        };
        let mut found = titled(&|title| title == name);
        if found.is_empty() {
            found = titled(&|title| title.to_lowercase() == name.to_lowercase());
        }
        match found.as_slice() {
            [one] => Ok(one),
            [] => Err(PlaceError::UnknownNode { name: name.to_owned(), suggestions: self.nodes_like(name) }),
            many => Err(PlaceError::Ambiguous {
                title: name.to_owned(),
                nodes: many.iter().take(MAX_LISTED).map(|id| self.node_label(id)).collect(),
            }),
        }
    }

    fn nodes_like(&self, name: &str) -> Vec<NodeLabel> {
        let names = self.nodes.iter().flat_map(|(id, node)| [id.as_str(), node.title().unwrap_or(id)]);
        let near = near_names(name, names);
        let mut labels: Vec<NodeLabel> = Vec::new();
        for (id, node) in &self.nodes {
            if near.iter().any(|near| near == id || Some(*near) == node.title()) {
                labels.push(self.node_label(id));
            }
        }
        if labels.is_empty() && self.nodes.len() <= MAX_LISTED {
            labels = self.nodes.keys().map(|id| self.node_label(id)).collect();
        }
        labels.truncate(MAX_LISTED);
        labels
    }

    /// Splits a key such as `6.text` or `Positive Prompt.text` at the dot that makes sense: ids, titles and inputs may
    /// have dots themselves. The input is not looked at; [`check_place`](Self::check_place) does that.
    ///
    /// # Errors
    /// [`PlaceError`] when there is no dot, or no node before any of them.
    pub fn find_place(&self, key: &str) -> Result<InputPlace, PlaceError> {
        let mut first_error = None;
        let mut found: Option<InputPlace> = None;
        for (at, _) in key.match_indices('.') {
            let (name, input) = (key.get(..at).unwrap_or_default(), key.get(at + 1..).unwrap_or_default().trim());
            match self.find_node(name) {
                Ok(node_id) => {
                    let place = InputPlace { node_id: node_id.to_owned(), input: input.to_owned() };
                    if self.nodes.get(node_id).is_some_and(|node| node.inputs.contains_key(input)) {
                        return Ok(place);
                    }
                    found.get_or_insert(place);
                }
                Err(error @ PlaceError::Ambiguous { .. }) => first_error = Some(error),
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
        match (found, first_error) {
            (Some(place), _) if !place.input.is_empty() => Ok(place),
            (None, Some(error)) => Err(error),
            _ => Err(PlaceError::NoInput { key: key.to_owned() }),
        }
    }

    /// Whether a value may be put there: the input exists, in the workflow or in what the server declares of the class,
    /// and is not filled by another node.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn check_place(&self, place: &InputPlace, classes: &NodeClasses) -> Result<(), PlaceError> {
        let Some(node) = self.nodes.get(&place.node_id) else {
            return Err(PlaceError::UnknownNode { name: place.node_id.clone(), suggestions: Vec::new() });
        };
        if let Some(value) = node.inputs.get(&place.input) {
            // An array without a node's id at its front is a mistake of the workflow, and no link.
            let source = value.as_array().and_then(|link| link.first()).and_then(serde_json::Value::as_str);
            return match source {
                Some(source) => Err(PlaceError::Linked {
                    node: Box::new(self.node_label(&place.node_id)),
                    input: place.input.clone(),
                    source_node: Box::new(self.node_label(source)),
                }),
                None => Ok(()),
            };
        }
        let class = classes.get(&node.class_type);
        if class.is_some_and(|class| class.input(&place.input).is_some()) {
            return Ok(());
        }
        let declared = class.into_iter().flat_map(|class| class.inputs().keys());
        let mut known: Vec<&str> = node.inputs.keys().chain(declared).map(String::as_str).collect();
        known.sort_unstable();
        known.dedup();
        let near = near_names(&place.input, known.iter().copied());
        let shown = if near.is_empty() { known } else { near };
        Err(PlaceError::UnknownInput {
            node: self.node_label(&place.node_id),
            input: place.input.clone(),
            suggestions: shown.into_iter().take(MAX_LISTED).map(str::to_owned).collect(),
        })
    }

    /// Puts a value into an input. Nothing happens if there is no such node.
    pub fn set_input(&mut self, place: &InputPlace, value: serde_json::Value) {
        if let Some(node) = self.nodes.get_mut(&place.node_id) {
            node.inputs.insert(place.input.clone(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn workflow() -> Workflow {
        Workflow::parse(
            r#"{"6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a", "clip": ["4", 1]}, "_meta": {"title": "Positive Prompt"}},
                "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "b", "clip": ["4", 1]}, "_meta": {"title": "Twin"}},
                "8": {"class_type": "CLIPTextEncode", "inputs": {"text": "c"}, "_meta": {"title": "Twin"}},
                "9": {"class_type": "Dynamic", "inputs": {"mode.size": 1}, "_meta": {"title": "v1.5 text"}},
                "4": {"class_type": "Loader", "inputs": {}, "_meta": {"title": "Model"}}}"#,
        )
        .unwrap()
    }

    fn place(key: &str) -> (String, String) {
        let place = workflow().find_place(key).unwrap();
        (place.node_id, place.input)
    }

    fn refusal(key: &str) -> String {
        let workflow = workflow();
        let checked = workflow.find_place(key).and_then(|place| workflow.check_place(&place, &NodeClasses::default()));
        checked.unwrap_err().to_string()
    }

    #[test]
    fn ids_and_titles_lead_to_inputs_whatever_dots_they_have() {
        let expected = |id: &str, input: &str| (id.to_owned(), input.to_owned());
        assert_eq!(place("6.text"), expected("6", "text"));
        assert_eq!(place("Positive Prompt.text"), expected("6", "text"));
        assert_eq!(place("positive prompt.text"), expected("6", "text"));
        assert_eq!(place("9.mode.size"), expected("9", "mode.size"));
        assert_eq!(place("v1.5 text.mode.size"), expected("9", "mode.size"));
    }

    #[test]
    fn what_is_not_there_names_what_is_near() {
        assert_eq!(
            refusal("Positiv Promt.text"),
            "the workflow has no node \"Positiv Promt\"; there is node 6 \"Positive Prompt\" (CLIPTextEncode)"
        );
        assert_eq!(refusal("6.txt"), "node 6 \"Positive Prompt\" (CLIPTextEncode) has no input \"txt\"; there is text");
        assert!(refusal("6").starts_with("\"6\" names no input"));
        assert!(refusal("6.").starts_with("\"6.\" names no input"));
        assert!(refusal("Twin.text").starts_with("the title \"Twin\" belongs to several nodes: use the id of node 7"));
    }

    #[test]
    fn a_link_is_not_overwritten_and_its_source_is_named() {
        let refusal = refusal("6.clip");
        assert!(refusal.contains("clip is filled by node 4 \"Model\" (Loader)"), "{refusal}");
    }

    #[test]
    fn an_input_that_only_the_server_knows_will_do() {
        let entry = json!({"input": {"optional": {"strength": ["FLOAT", {}]}}});
        let classes = NodeClasses::from_iter([("Loader".to_owned(), crate::NodeClass::read(&entry))]);
        let place = InputPlace { node_id: "4".to_owned(), input: "strength".to_owned() };
        workflow().check_place(&place, &classes).unwrap();
        assert!(workflow().check_place(&place, &NodeClasses::default()).is_err());
    }
}
