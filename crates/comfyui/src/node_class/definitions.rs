use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::input_definition::InputDefinition;
use crate::python_json::without_bare_floats;

/// What the editor makes its nodes of: `GET /object_info`, as far as a workflow of the editor needs it to be converted.
///
/// Lists of choices, which are most of the megabytes, are not kept but for their first entry. Where a value has to be
/// checked against them, that is [`NodeClasses`](crate::NodeClasses).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeDefinitions {
    definitions: HashMap<Box<str>, NodeDefinition>,
}

/// One node class as the editor sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeDefinition {
    /// `display_name`: what the editor titles its nodes with.
    pub display_name: Option<Box<str>>,
    /// In the editor's order: those that are required first.
    pub inputs: Vec<InputDefinition>,
    /// The types of the outputs. A list of choices is `COMBO`.
    pub outputs: Vec<Box<str>>,
    /// Whether it comes from a pack of custom nodes (`python_module`), whose scripts may read files in ways of their own.
    pub is_custom: bool,
}

impl NodeDefinitions {
    /// Reads the answer of `/object_info` or of `/object_info/{class}`. What is odd in a single declaration is left out:
    /// custom nodes declare all sorts of things. Python's bare `NaN` and `Infinity` are read as `null`.
    ///
    /// # Errors
    /// When the bytes are no JSON object.
    pub fn from_json(json: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(&without_bare_floats(json))
    }

    /// One class.
    #[must_use]
    pub fn get(&self, class_type: &str) -> Option<&NodeDefinition> {
        self.definitions.get(class_type)
    }

    /// How many classes are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.definitions.len()
    }

    /// Whether no class is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }

    /// The names of the classes, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.definitions.keys().map(AsRef::as_ref)
    }

    /// Takes in classes that were asked for later.
    pub fn add(&mut self, more: Self) {
        self.definitions.extend(more.definitions);
    }
}

/// Reads from JSON in memory only (`from_slice`, `from_str`): it looks at parts of the text twice.
impl<'de> Deserialize<'de> for NodeDefinitions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Definitions)
    }
}

struct Definitions;

impl<'de> Visitor<'de> for Definitions {
    type Value = NodeDefinitions;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object of node classes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut definitions = HashMap::new();
        while let Some(name) = map.next_key::<Box<str>>()? {
            let definition = map.next_value::<&RawValue>()?;
            if let Some(definition) = read(definition) {
                definitions.insert(name, definition);
            }
        }
        Ok(NodeDefinitions { definitions })
    }
}

/// `T` of the JSON, if it is one.
pub(super) fn read<'de, T: Deserialize<'de>>(raw: &'de RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

impl<'de> Deserialize<'de> for NodeDefinition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Class)
    }
}

struct Class;

impl<'de> Visitor<'de> for Class {
    type Value = NodeDefinition;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a node class")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut definition = NodeDefinition::default();
        let mut order = None;
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match key.0.as_ref() {
                "input" => definition.inputs = read::<Groups>(map.next_value()?).unwrap_or_default().0,
                "input_order" => order = read::<Order>(map.next_value()?),
                "output" => {
                    let outputs = read::<Vec<&RawValue>>(map.next_value()?).unwrap_or_default();
                    definition.outputs = outputs.into_iter().map(type_name).collect();
                }
                "python_module" => {
                    let module = read::<Box<str>>(map.next_value()?);
                    definition.is_custom = module.is_some_and(|module| module.starts_with("custom_nodes."));
                }
                "display_name" => definition.display_name = read(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        if let Some(order) = order {
            let places: HashMap<&str, usize> = order
                .required
                .iter()
                .chain(&order.optional)
                .enumerate()
                .map(|(at, name)| (name.as_ref(), at))
                .collect();
            definition.inputs.sort_by_key(|input| places.get(input.name.as_ref()).copied().unwrap_or(usize::MAX));
        }
        Ok(definition)
    }
}

#[derive(serde::Deserialize)]
struct Order {
    #[serde(default)]
    required: Vec<Box<str>>,
    #[serde(default)]
    optional: Vec<Box<str>>,
}

/// The name of an output's type.
fn type_name(raw: &RawValue) -> Box<str> {
    if raw.get().starts_with('[') { "COMBO".into() } else { read(raw).unwrap_or_default() }
}

/// A key, borrowed where it holds no escape.
pub(super) struct Key<'de>(pub(super) std::borrow::Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a key")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(text.into()))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// `{"required": {…}, "optional": {…}}`, as a class has it and an option of a dynamic combo.
#[derive(Default)]
pub(super) struct Groups(pub(super) Vec<InputDefinition>);

impl<'de> Deserialize<'de> for Groups {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(GroupsVisitor)
    }
}

struct GroupsVisitor;

impl<'de> Visitor<'de> for GroupsVisitor {
    type Value = Groups;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("groups of inputs")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut required, mut optional) = (Inputs::default(), Inputs::default());
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match key.0.as_ref() {
                "required" => required = read(map.next_value()?).unwrap_or_default(),
                "optional" => optional = read(map.next_value()?).unwrap_or_default(),
                // The server fills hidden ones by itself.
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        for input in &mut optional.0 {
            input.is_optional = true;
        }
        required.0.append(&mut optional.0);
        Ok(Groups(required.0))
    }
}

/// One group.
#[derive(Default)]
struct Inputs(Vec<InputDefinition>);

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InputsVisitor)
    }
}

struct InputsVisitor;

impl<'de> Visitor<'de> for InputsVisitor {
    type Value = Inputs;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("inputs by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut inputs = Vec::new();
        while let Some(name) = map.next_key::<Box<str>>()? {
            if let Some(input) = InputDefinition::read(name, map.next_value()?) {
                inputs.push(input);
            }
        }
        Ok(Inputs(inputs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_the_servers_and_hidden_inputs_are_left_out() {
        let json = br#"{"A": {"input": {"optional": {"z": ["IMAGE"]}, "hidden": {"h": "PROMPT"},
            "required": {"b": ["INT", {"max": Infinity}], "a": [["x", "y"]]}},
            "input_order": {"required": ["a", "b"], "optional": ["z"]},
            "output": ["IMAGE", ["x", "y"]], "display_name": "An A", "description": "\u00e4"}}"#;
        let definitions = NodeDefinitions::from_json(json).unwrap();
        let class = definitions.get("A").unwrap();
        let inputs: Vec<_> = class.inputs.iter().map(|input| (&*input.name, &*input.kind, input.is_optional)).collect();
        assert_eq!(inputs, [("a", "COMBO", false), ("b", "INT", false), ("z", "IMAGE", true)]);
        assert_eq!(class.outputs, ["IMAGE".into(), "COMBO".into()]);
        assert_eq!(class.display_name.as_deref(), Some("An A"));
        assert_eq!(definitions.len(), 1);
    }

    #[test]
    fn what_is_odd_is_left_out_and_the_rest_is_kept() {
        let json = br#"{"A": {"input": {"required": {"a": "INT", "b": ["INT"], "c": [7], "d": []}}, "output": null},
            "B": 7, "C": {"input": [], "input_order": 3, "display_name": false}}"#;
        let definitions = NodeDefinitions::from_json(json).unwrap();
        let names: Vec<_> = definitions.get("A").unwrap().inputs.iter().map(|input| &*input.name).collect();
        assert_eq!(names, ["b"]);
        assert!(definitions.get("B").is_none());
        assert_eq!(definitions.get("C"), Some(&NodeDefinition::default()));
        assert!(NodeDefinitions::from_json(b"[]").is_err());
        assert!(NodeDefinitions::from_json(b"{").is_err());
    }
}
