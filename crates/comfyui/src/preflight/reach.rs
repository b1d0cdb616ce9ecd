use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::{NodeClasses, Workflow};

/// The nodes that cannot run because of these: the server follows the links of declared inputs, and no others.
pub(super) fn with_all_behind<'a>(
    failing: HashSet<&'a str>,
    workflow: &'a Workflow,
    classes: &NodeClasses,
) -> HashSet<&'a str> {
    let mut fed_by: HashMap<&str, Vec<&str>> = HashMap::new();
    for (id, node) in workflow.nodes() {
        let declared = node.inputs.iter().filter(|(name, _)| classes.input(&node.class_type, name).is_some());
        for source in declared.filter_map(|(_, value)| value.as_array()?.first().and_then(Value::as_str)) {
            fed_by.entry(source).or_default().push(id);
        }
    }
    let mut open: Vec<&str> = failing.iter().copied().collect();
    let mut all = failing;
    while let Some(id) = open.pop() {
        for fed in fed_by.get(id).into_iter().flatten() {
            if all.insert(fed) {
                open.push(fed);
            }
        }
    }
    all
}
