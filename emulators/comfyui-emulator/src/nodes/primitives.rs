//! The nodes that only hold a value.

use crate::definition::{InputDefinition, NodeDefinition, Schema};
use crate::execution::Execution;
use crate::node::{Files, Inputs, Node, NodeError, NodeOutput};

/// One of them.
pub(super) struct Primitive {
    class_type: &'static str,
    display_name: &'static str,
    kind: &'static str,
    options: fn(InputDefinition) -> InputDefinition,
    search_aliases: &'static [&'static str],
    essentials: Option<&'static str>,
}

impl Primitive {
    pub(super) const INT: Self = Self {
        class_type: "PrimitiveInt",
        display_name: "Int",
        kind: "INT",
        options: |input| input.with("min", -i64::MAX).with("max", i64::MAX).with("control_after_generate", "fixed"),
        search_aliases: &[],
        essentials: None,
    };

    pub(super) const FLOAT: Self = Self {
        class_type: "PrimitiveFloat",
        display_name: "Float",
        kind: "FLOAT",
        options: |input| input.with("min", -i64::MAX).with("max", i64::MAX).with("step", 0.1),
        search_aliases: &[],
        essentials: None,
    };

    pub(super) const STRING: Self = Self {
        class_type: "PrimitiveString",
        display_name: "Text",
        kind: "STRING",
        options: |input| input.with("multiline", false),
        search_aliases: &["text", "string", "text box", "prompt"],
        essentials: None,
    };

    pub(super) const STRING_MULTILINE: Self = Self {
        class_type: "PrimitiveStringMultiline",
        display_name: "Text (Multiline)",
        kind: "STRING",
        options: |input| input.with("multiline", true),
        search_aliases: &["text", "string", "text multiline", "string multiline", "text box", "prompt"],
        essentials: Some("Basics"),
    };

    pub(super) const BOOLEAN: Self = Self {
        class_type: "PrimitiveBoolean",
        display_name: "Boolean",
        kind: "BOOLEAN",
        options: |input| input,
        search_aliases: &[],
        essentials: None,
    };
}

impl Node for Primitive {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        let definition = NodeDefinition::new(self.class_type, self.display_name, Schema::V3)
            .category("utilities/primitive")
            .python_module("comfy_extras.nodes_primitive")
            .search_aliases(self.search_aliases)
            .input((self.options)(InputDefinition::new("value", self.kind)))
            .output(self.kind);
        match self.essentials {
            Some(category) => definition.essentials(category),
            None => definition,
        }
    }

    fn execute(&self, inputs: &Inputs, _: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        inputs
            .get("value")
            .cloned()
            .map(NodeOutput::from)
            .ok_or_else(|| NodeError::failed("TypeError", "the input \"value\" is missing"))
    }
}
