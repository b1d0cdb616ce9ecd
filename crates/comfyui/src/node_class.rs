mod definitions;
mod input;
mod input_definition;
mod value;

use std::collections::HashMap;

use indexmap::IndexMap;
use serde_json::Value;

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
}

impl NodeClass {
    /// Reads an entry of `/object_info`. What cannot be read is left out: an input that is not known is not checked.
    #[must_use]
    pub fn read(entry: &Value) -> Self {
        let mut inputs = IndexMap::new();
        for group in ["required", "optional"] {
            let Some(declared) = entry.pointer(&format!("/input/{group}")).and_then(Value::as_object) else { continue };
            for (name, declaration) in declared {
                if let Some(declaration) = InputDeclaration::read(declaration) {
                    inputs.insert(name.clone(), declaration);
                }
            }
        }
        Self { inputs }
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
