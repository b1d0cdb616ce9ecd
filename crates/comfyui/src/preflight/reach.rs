use std::collections::HashSet;

use serde_json::Value;

use crate::{NodeClasses, Workflow};

/// The nodes that the server checks for an output: it follows the links of declared inputs, and no others.
pub(super) fn reached<'a>(output: &'a str, workflow: &'a Workflow, classes: &NodeClasses) -> HashSet<&'a str> {
    let mut reached = HashSet::new();
    let mut open = vec![output];
    while let Some(id) = open.pop() {
        if !reached.insert(id) {
            continue;
        }
        let Some(node) = workflow.node(id) else { continue };
        let declared = node.inputs.iter().filter(|(name, _)| classes.input(&node.class_type, name).is_some());
        let sources = declared.filter_map(|(_, value)| value.as_array()?.first().and_then(Value::as_str));
        open.extend(sources.filter(|source| workflow.node(source).is_some()));
    }
    reached
}
