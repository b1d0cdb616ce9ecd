//! The check of one node and of everything it is linked to.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::coercion::coerce;
use super::error;
use crate::definition::{InputDefinition, InputKind, NodeDefinition, Schema};
use crate::node::Files;
use crate::python::{self, Exception};
use crate::registry::Registry;

/// The longest chain of links that is followed; Python has a limit as well, a few times higher.
const MAX_DEPTH: usize = 150;

/// Longer lists of choices are not repeated in errors.
const MAX_SHOWN_CHOICES: usize = 20;

/// What the check says of one node.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    pub(super) valid: bool,
    pub(super) reasons: Vec<Value>,
}

/// The checks of one prompt; a node is checked once, however many outputs need it.
pub(super) struct InputChecks<'a> {
    prompt: &'a mut Map<String, Value>,
    registry: &'a Registry,
    files: Files<'a>,
    verdicts: IndexMap<String, Verdict>,
    visiting: Vec<String>,
}

impl<'a> InputChecks<'a> {
    pub(super) fn new(prompt: &'a mut Map<String, Value>, registry: &'a Registry, files: Files<'a>) -> Self {
        Self { prompt, registry, files, verdicts: IndexMap::new(), visiting: Vec::new() }
    }

    pub(super) fn verdicts(&self) -> &IndexMap<String, Verdict> {
        &self.verdicts
    }

    pub(super) fn class_type(&self, node_id: &str) -> String {
        self.prompt
            .get(node_id)
            .and_then(|node| node.get("class_type"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    pub(super) fn check_output(&mut self, node_id: &str) -> Verdict {
        match self.check(node_id) {
            Ok(verdict) => verdict,
            Err(exception) => {
                let reason = error(
                    "exception_during_validation",
                    "Exception when validating node",
                    &exception.message,
                    json!({
                        "exception_type": exception.kind,
                        "traceback": [traceback("validate_prompt"), traceback("validate_inputs")],
                    }),
                );
                let verdict = Verdict { valid: false, reasons: vec![reason] };
                self.verdicts.insert(node_id.to_owned(), verdict.clone());
                verdict
            }
        }
    }

    fn check(&mut self, node_id: &str) -> Result<Verdict, Exception> {
        if let Some(verdict) = self.verdicts.get(node_id) {
            return Ok(verdict.clone());
        }
        if let Some(start) = self.visiting.iter().position(|visited| visited == node_id) {
            return Ok(self.blame_cycle(start, node_id));
        }
        if self.visiting.len() > MAX_DEPTH {
            return Err(Exception::new("RecursionError", "maximum recursion depth exceeded"));
        }
        let class_type = self.class_type(node_id);
        let node = self.prompt.get(node_id);
        let inputs = match node.and_then(|node| node.get("inputs")) {
            Some(Value::Object(inputs)) => inputs.clone(),
            Some(other) => {
                let kind = python::type_name(other);
                let message = format!("argument of type '{kind}' is not a container or iterable");
                return Err(Exception::new("TypeError", message));
            }
            None => return Err(Exception::new("KeyError", "'inputs'")),
        };
        let Some(definition) = self.registry.definition(&class_type, &self.files) else {
            return Err(Exception::new("KeyError", format!("'{class_type}'")));
        };
        let validates = self.registry.get(&class_type).map(|node| node.validates()).unwrap_or_default();

        let mut errors = Vec::new();
        let mut valid = true;
        for input in &definition.inputs {
            let Some(value) = inputs.get(input.name) else {
                if input.required {
                    errors.push(missing(input));
                }
                continue;
            };
            if let Value::Array(link) = value {
                match self.check_link(node_id, input, link, definition.schema)? {
                    LinkVerdict::Good => {}
                    LinkVerdict::BadUpstream => valid = false,
                    LinkVerdict::Bad(reason) => errors.push(reason),
                }
            } else {
                let own_check = validates.contains(&input.name);
                let checked = check_literal(input, value, definition.schema, own_check);
                errors.extend(self.keep_literal(node_id, input.name, checked));
            }
        }
        self.own_checks(node_id, &definition, validates, &mut errors);

        // A cycle found further up may have left its error here already.
        let before = self.verdicts.get(node_id);
        let mut reasons = before.map(|verdict| verdict.reasons.clone()).unwrap_or_default();
        let was_valid = before.is_none_or(|verdict| verdict.valid);
        let verdict_valid = was_valid && valid && errors.is_empty();
        for reason in errors {
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
        let verdict = Verdict { valid: verdict_valid, reasons };
        self.verdicts.insert(node_id.to_owned(), verdict.clone());
        Ok(verdict)
    }

    fn blame_cycle(&mut self, start: usize, node_id: &str) -> Verdict {
        let cycle: Vec<String> = self.visiting.get(start..).unwrap_or_default().to_vec();
        let path: Vec<String> = cycle
            .iter()
            .map(String::as_str)
            .chain([node_id])
            .map(|id| format!("{id} ({})", self.class_type(id)))
            .collect();
        for id in &cycle {
            let reason = error(
                "dependency_cycle",
                "Dependency cycle detected",
                &path.join(" -> "),
                json!({"node_id": id, "cycle_nodes": cycle}),
            );
            self.verdicts.insert(id.clone(), Verdict { valid: false, reasons: vec![reason] });
        }
        self.verdicts.get(node_id).cloned().unwrap_or(Verdict { valid: false, reasons: Vec::new() })
    }

    fn check_link(
        &mut self,
        node_id: &str,
        input: &InputDefinition,
        link: &[Value],
        schema: Schema,
    ) -> Result<LinkVerdict, Exception> {
        let [source, slot] = link else {
            return Ok(LinkVerdict::Bad(bad_link(input, link, schema)));
        };
        if source.is_array() || source.is_object() {
            let message = format!("unhashable type: '{}'", python::type_name(source));
            return Err(Exception::new("TypeError", message));
        }
        let source_id = source.as_str().filter(|id| self.prompt.contains_key(*id));
        let Some(source_id) = source_id else {
            return Err(Exception::new("KeyError", python::repr(source)));
        };
        let received = self.output_kind(source_id, slot)?;
        if !types_fit(received, &input.kind) {
            return Ok(LinkVerdict::Bad(mismatch(input, link, received, schema)));
        }
        let source_id = source_id.to_owned();
        self.visiting.push(node_id.to_owned());
        let result = self.check(&source_id);
        self.visiting.pop();
        match result {
            Ok(verdict) if verdict.valid => Ok(LinkVerdict::Good),
            Ok(_) => Ok(LinkVerdict::BadUpstream),
            Err(exception) => {
                let reason = inner_exception(input, link, &exception, schema);
                self.verdicts.insert(source_id, Verdict { valid: false, reasons: vec![reason] });
                Ok(LinkVerdict::BadUpstream)
            }
        }
    }

    fn output_kind(&self, source_id: &str, slot: &Value) -> Result<&'static str, Exception> {
        let class_type = self.class_type(source_id);
        match self.registry.definition(&class_type, &self.files) {
            Some(definition) => output_kind(&definition, slot),
            None => Err(Exception::new("KeyError", format!("'{class_type}'"))),
        }
    }

    /// Stores a literal as its check has left it; what was wrong with it.
    fn keep_literal(&mut self, node_id: &str, name: &str, checked: Result<Value, Box<Rejected>>) -> Option<Value> {
        match checked {
            Ok(value) => {
                self.store_input(node_id, name, value);
                None
            }
            Err(rejected) => {
                let Rejected { value, reason } = *rejected;
                if let Some(value) = value {
                    self.store_input(node_id, name, value);
                }
                Some(reason)
            }
        }
    }

    fn own_checks(
        &mut self,
        node_id: &str,
        definition: &NodeDefinition,
        validates: &[&'static str],
        errors: &mut Vec<Value>,
    ) {
        let Some(node) = self.registry.get(definition.class_type) else { return };
        let Some(Value::Object(inputs)) = self.prompt.get(node_id).and_then(|node| node.get("inputs")) else {
            return;
        };
        let given: Vec<&str> =
            validates.iter().copied().filter(|name| inputs.get(*name).is_some_and(|value| !value.is_array())).collect();
        if given.is_empty() {
            return;
        }
        if let Err(text) = node.validate(inputs, &self.files) {
            for name in given {
                errors.push(error(
                    "custom_validation_failed",
                    "Custom validation failed for node",
                    &format!("{name} - {text}"),
                    json!({"input_name": name}),
                ));
            }
        }
    }

    fn store_input(&mut self, node_id: &str, name: &str, value: Value) {
        let inputs = self.prompt.get_mut(node_id).and_then(|node| node.get_mut("inputs"));
        if let Some(Value::Object(inputs)) = inputs {
            inputs.insert(name.to_owned(), value);
        }
    }
}

enum LinkVerdict {
    Good,
    BadUpstream,
    Bad(Value),
}

/// A literal that cannot be, and what it had become by then.
struct Rejected {
    value: Option<Value>,
    reason: Value,
}

// The errors are made in functions of their own to keep the recursion above shallow in memory.

fn missing(input: &InputDefinition) -> Value {
    error("required_input_missing", "Required input is missing", input.name, json!({"input_name": input.name}))
}

fn bad_link(input: &InputDefinition, link: &[Value], schema: Schema) -> Value {
    error(
        "bad_linked_input",
        "Bad linked input, must be a length-2 list of [node_id, slot_index]",
        input.name,
        json!({
            "input_name": input.name,
            "input_config": input.config(schema),
            "received_value": link,
        }),
    )
}

fn mismatch(input: &InputDefinition, link: &[Value], received: &str, schema: Schema) -> Value {
    let wanted = match &input.kind {
        InputKind::Type(kind) => (*kind).to_owned(),
        InputKind::Choice(_) if schema == Schema::V3 => "COMBO".to_owned(),
        InputKind::Choice(choices) => python::repr(&json!(choices)),
    };
    error(
        "return_type_mismatch",
        "Return type mismatch between linked nodes",
        &format!("{}, received_type({received}) mismatch input_type({wanted})", input.name),
        json!({
            "input_name": input.name,
            "input_config": input.config(schema),
            "received_type": received,
            "linked_node": link,
        }),
    )
}

fn inner_exception(input: &InputDefinition, link: &[Value], exception: &Exception, schema: Schema) -> Value {
    error(
        "exception_during_inner_validation",
        "Exception when validating inner node",
        &exception.message,
        json!({
            "input_name": input.name,
            "input_config": input.config(schema),
            "exception_message": exception.message,
            "exception_type": exception.kind,
            "traceback": [traceback("validate_inputs"), traceback("validate_inputs")],
            "linked_node": link,
        }),
    )
}

fn check_literal(
    input: &InputDefinition,
    given: &Value,
    schema: Schema,
    own_check: bool,
) -> Result<Value, Box<Rejected>> {
    let config = input.config(schema);
    // A list must be wrapped, or it would be taken for a link.
    let unwrapped = given.get("__value__").unwrap_or(given);
    let kind = match &input.kind {
        InputKind::Type(kind) => *kind,
        InputKind::Choice(_) => "COMBO",
    };
    let value = coerce(unwrapped, kind).map_err(|exception| Rejected {
        value: None,
        reason: error(
            "invalid_input_type",
            &format!("Failed to convert an input value to a {kind} value"),
            &format!("{}, {}, {exception}", input.name, python::to_str(unwrapped)),
            json!({
                "input_name": input.name,
                "input_config": config,
                "received_value": unwrapped,
                "exception_message": exception,
            }),
        ),
    })?;
    if own_check {
        return Ok(value);
    }
    let rejected = |kind: &str, message: &str, details: &str, config: &Value| {
        let extra_info = json!({
            "input_name": input.name,
            "input_config": config,
            "received_value": value,
        });
        let reason = error(kind, message, details, extra_info);
        Box::new(Rejected { value: Some(value.clone()), reason })
    };
    if let Some(min) = input.options.get("min").filter(|min| is_less(&value, min)) {
        let message = format!("Value {} smaller than min of {min}", python::to_str(&value));
        return Err(rejected("value_smaller_than_min", &message, input.name, &config));
    }
    if let Some(max) = input.options.get("max").filter(|max| is_less(max, &value)) {
        let message = format!("Value {} bigger than max of {max}", python::to_str(&value));
        return Err(rejected("value_bigger_than_max", &message, input.name, &config));
    }
    if let InputKind::Choice(choices) = &input.kind {
        let known = value.as_str().is_some_and(|text| choices.iter().any(|known| known == text));
        if !known {
            let (shown, config) = if choices.len() > MAX_SHOWN_CHOICES {
                (format!("(list of length {})", choices.len()), Value::Null)
            } else {
                (python::repr(&json!(choices)), config)
            };
            let details = format!("{}: {} not in {shown}", input.name, python::repr(&value));
            return Err(rejected("value_not_in_list", "Value not in list", &details, &config));
        }
    }
    Ok(value)
}

fn is_less(left: &Value, right: &Value) -> bool {
    let whole = |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    match (whole(left), whole(right)) {
        (Some(left), Some(right)) => left < right,
        _ => match (left.as_f64(), right.as_f64()) {
            (Some(left), Some(right)) => left < right,
            _ => false,
        },
    }
}

/// The type of the output that `slot` stands for, with Python's indices and exceptions.
fn output_kind(definition: &NodeDefinition, slot: &Value) -> Result<&'static str, Exception> {
    let sequence = if definition.schema == Schema::V1 { "tuple" } else { "list" };
    let index = match slot {
        Value::Bool(value) => i64::from(*value),
        Value::Number(number) if !number.is_f64() => number.as_i64().unwrap_or(i64::MAX),
        other => {
            let kind = python::type_name(other);
            let message = format!("{sequence} indices must be integers or slices, not {kind}");
            return Err(Exception::new("TypeError", message));
        }
    };
    slot_position(index, definition.outputs.len())
        .and_then(|position| definition.outputs.get(position))
        .map(|output| output.kind)
        .ok_or_else(|| Exception::new("IndexError", format!("{sequence} index out of range")))
}

/// Python's index: -1 is the last.
pub(crate) fn slot_position(index: i64, length: usize) -> Option<usize> {
    let length_signed = i64::try_from(length).ok()?;
    let position = if index < 0 { index.checked_add(length_signed)? } else { index };
    usize::try_from(position).ok().filter(|position| *position < length)
}

fn types_fit(received: &str, wanted: &InputKind) -> bool {
    let InputKind::Type(wanted) = wanted else { return received == "*" || received == "COMBO" };
    let any = |types: &str| types.split(',').any(|kind| kind.trim() == "*");
    any(received)
        || any(wanted)
        || received.split(',').any(|kind| wanted.split(',').any(|wanted| wanted.trim() == kind.trim()))
}

/// One line of a traceback; clients show it and nothing more.
fn traceback(function: &str) -> String {
    format!("  File \"comfyui-emulator\", in {function}\n")
}
