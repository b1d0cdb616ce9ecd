mod definition_reader;
mod definitions;
mod input;
mod input_definition;
mod value;

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

pub use definition_reader::NodeDefinitionReader;
pub use definitions::{NodeDefinition, NodeDefinitions};
pub use input::{FileKind, InputDeclaration, InputType};
pub use input_definition::{
    Autogrow, Control, DynamicOption, InputDefinition, InputOptions, NumberOptions, UploadButton,
};
pub use value::ValueError;

/// A node class as `GET /object_info/{class}` declares it, as far as it says what the inputs take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeClass {
    inputs: IndexMap<String, InputDeclaration>,
    outputs: Vec<String>,
    is_output: bool,
    is_base: bool,
}

impl NodeClass {
    /// Reads an entry of `/object_info`. What cannot be read is left out: an input that is not known is not checked.
    #[must_use]
    pub fn read(entry: &Value) -> Self {
        let mut inputs = IndexMap::new();
        for group in ["required", "optional"] {
            let Some(declared) = entry.pointer(&format!("/input/{group}")).and_then(Value::as_object) else { continue };
            for (name, declaration) in declared {
                if let Some(mut declaration) = InputDeclaration::read(declaration) {
                    declaration.is_required = group == "required";
                    inputs.insert(name.clone(), declaration);
                }
            }
        }
        // A list of choices is a type as well.
        let type_name = |kind: &Value| kind.as_str().unwrap_or("COMBO").to_owned();
        let outputs = entry.get("output").and_then(Value::as_array);
        Self {
            inputs,
            outputs: outputs.into_iter().flatten().map(type_name).collect(),
            is_output: entry.get("output_node").and_then(Value::as_bool).unwrap_or(false),
            is_base: entry.get("python_module").and_then(Value::as_str) == Some("nodes"),
        }
    }

    /// The types of its outputs, by their slots. A list of choices is `COMBO`.
    #[must_use]
    pub fn outputs(&self) -> &[String] {
        &self.outputs
    }

    /// Whether a workflow may end in it: the server runs what such nodes need, and nothing else (`OUTPUT_NODE`).
    #[must_use]
    pub const fn is_output(&self) -> bool {
        self.is_output
    }

    /// Whether it is one of the classes in ComfyUI's own `nodes.py`. Those check no values by rules of their own
    /// (`VALIDATE_INPUTS`) but the names of files, so that what they declare is what they take.
    #[must_use]
    pub const fn is_base(&self) -> bool {
        self.is_base
    }

    /// The inputs in the server's order, those that are required first.
    #[must_use]
    pub const fn inputs(&self) -> &IndexMap<String, InputDeclaration> {
        &self.inputs
    }

    /// One input.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&InputDeclaration> {
        self.inputs.get(name)
    }
}

/// Classes by name: as many of a server's as were asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeClasses {
    classes: HashMap<String, NodeClass>,
}

impl NodeClasses {
    /// Takes in classes that were asked for later.
    pub fn add(&mut self, more: Self) {
        self.classes.extend(more.classes);
    }

    /// One class, if it was asked for and the server has it.
    #[must_use]
    pub fn get(&self, class_type: &str) -> Option<&NodeClass> {
        self.classes.get(class_type)
    }

    /// How many classes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// What is declared of an input.
    #[must_use]
    pub fn input(&self, class_type: &str, input: &str) -> Option<&InputDeclaration> {
        self.get(class_type)?.input(input)
    }
}

impl FromIterator<(String, NodeClass)> for NodeClasses {
    fn from_iter<I: IntoIterator<Item = (String, NodeClass)>>(classes: I) -> Self {
        Self { classes: classes.into_iter().collect() }
    }
}
