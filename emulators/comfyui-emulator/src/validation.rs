//! Whether a prompt can run: ComfyUI's `validate_prompt` and `validate_inputs` (its
//! `execution.py`), with its messages and its habit of answering Python exceptions.

mod coercion;
pub(crate) mod inputs;

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use crate::node::Files;
use crate::python;
use crate::registry::Registry;
use inputs::{InputChecks, Verdict};

/// The most nodes a prompt may have here; checks go as deep as links do.
pub(crate) const MAX_NODES: usize = 20_000;

/// The most entries of `dependent_outputs` that an answer may have: every node that is wrong lists every later output that
/// is, so that there are as many as the square of the nodes.
const MAX_DEPENDENTS: usize = 2_000_000;

/// What the check of a whole prompt says.
#[derive(Debug)]
pub(crate) struct ValidatedPrompt {
    /// The outputs that can run. The real server's order is that of a Python set.
    pub(crate) outputs: Vec<String>,
    /// What is wrong with the others.
    pub(crate) node_errors: Map<String, Value>,
}

/// Why a prompt was refused.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// The 400 body: `error` and `node_errors`.
    Invalid(Value),
    /// The real server runs into a Python exception here and answers 500.
    Crash,
}

/// Checks a prompt and converts its literal inputs in place to the types of their nodes.
///
/// `targets` are the only outputs that count, if given (`partial_execution_targets`).
pub(crate) fn validate_prompt(
    prompt: &mut Map<String, Value>,
    targets: Option<&Value>,
    registry: &Registry,
    files: Files<'_>,
) -> Result<ValidatedPrompt, Refusal> {
    if prompt.len() > MAX_NODES {
        return Err(Refusal::Crash);
    }
    let outputs = find_outputs(prompt, targets, registry, &files)?;
    let mut checks = InputChecks::new(prompt, registry, files);
    let mut good = Vec::new();
    let mut node_errors: IndexMap<String, Value> = IndexMap::new();
    let mut all_reasons: Vec<Value> = Vec::new();
    let mut dependents_listed = 0;
    for output in outputs {
        let verdict = checks.check_output(&output);
        if verdict.valid {
            good.push(output);
            continue;
        }
        all_reasons.extend(verdict.reasons);
        for (node_id, Verdict { valid, reasons }) in checks.verdicts() {
            // A node downstream of a wrong one is invalid as well but has no reasons of its own.
            if *valid || reasons.is_empty() {
                continue;
            }
            let entry = node_errors.entry(node_id.clone()).or_insert_with(|| {
                json!({
                    "errors": reasons,
                    "dependent_outputs": [],
                    "class_type": checks.class_type(node_id),
                })
            });
            dependents_listed += 1;
            if dependents_listed > MAX_DEPENDENTS {
                return Err(Refusal::Crash);
            }
            if let Some(Value::Array(dependents)) = entry.get_mut("dependent_outputs") {
                dependents.push(Value::from(output.as_str()));
            }
        }
    }
    let node_errors: Map<String, Value> = node_errors.into_iter().collect();
    if good.is_empty() {
        let text = |reason: &Value, key: &str| reason.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let details: Vec<String> = all_reasons
            .iter()
            .map(|reason| format!("{}: {}", text(reason, "message"), text(reason, "details")))
            .collect();
        let error = error(
            "prompt_outputs_failed_validation",
            "Prompt outputs failed validation",
            &details.join("\n"),
            json!({}),
        );
        return Err(refused(error, node_errors));
    }
    Ok(ValidatedPrompt { outputs: good, node_errors })
}

/// The output nodes of a prompt whose nodes all have a known class.
fn find_outputs(
    prompt: &Map<String, Value>,
    targets: Option<&Value>,
    registry: &Registry,
    files: &Files<'_>,
) -> Result<Vec<String>, Refusal> {
    let mut outputs = Vec::new();
    let listed: HashSet<&str> =
        targets.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (node_id, node) in prompt {
        let Value::Object(node) = node else { return Err(Refusal::Crash) };
        let title = node.get("_meta").and_then(|meta| meta.get("title"));
        let missing = |message: String, class_type: &Value, title: Option<&Value>| {
            let extra_info = json!({"node_id": node_id, "class_type": class_type, "node_title": title});
            let details = format!("Node ID '#{node_id}'");
            let error = error("missing_node_type", &message, &details, extra_info);
            refused(error, Map::new())
        };
        let Some(class_type) = node.get("class_type") else {
            let named = title.filter(|title| python::is_true(title)).map(python::to_str);
            let message = format!(
                "Node '{}' has no class_type. The workflow may be corrupted or a custom node is \
                 missing.",
                named.unwrap_or_else(|| format!("ID #{node_id}"))
            );
            return Err(missing(message, &Value::Null, title));
        };
        if class_type.is_array() || class_type.is_object() {
            // A Python dict cannot be asked for a key that is a list.
            return Err(Refusal::Crash);
        }
        let definition = class_type.as_str().and_then(|class_type| registry.definition(class_type, files));
        let Some(definition) = definition else {
            let title = title.unwrap_or(class_type);
            let message = format!("Node '{}' not found. The custom node may not be installed.", python::to_str(title));
            return Err(missing(message, class_type, Some(title)));
        };
        let wanted = match targets {
            None | Some(Value::Null) => true,
            Some(Value::Array(_)) => listed.contains(node_id.as_str()),
            Some(Value::Object(targets)) => targets.contains_key(node_id),
            Some(Value::String(targets)) => targets.contains(node_id.as_str()),
            Some(_) if definition.output_node => return Err(Refusal::Crash),
            Some(_) => false,
        };
        if definition.output_node && wanted {
            outputs.push(node_id.clone());
        }
    }
    if outputs.is_empty() {
        let error = error("prompt_no_outputs", "Prompt has no outputs", "", json!({}));
        return Err(refused(error, Map::new()));
    }
    Ok(outputs)
}

/// The 400 body.
fn refused(error: Value, node_errors: Map<String, Value>) -> Refusal {
    Refusal::Invalid(json!({"error": error, "node_errors": node_errors}))
}

/// One error, in the one shape that all of them have.
pub(crate) fn error(kind: &str, message: &str, details: &str, extra_info: Value) -> Value {
    json!({"type": kind, "message": message, "details": details, "extra_info": extra_info})
}

#[cfg(test)]
mod tests;
