//! Whether the server takes a value (`execution.py`, `validate_inputs`), which is less strict than what a user is held
//! to: Python's `int()`, `float()` and `str()` take more.

use serde_json::Value;

use super::Certainty;
use crate::{InputDeclaration, InputType, ValueError};

/// What is wrong with a literal value, if anything.
pub(super) fn refusal(declaration: &InputDeclaration, value: &Value) -> Option<(ValueError, Certainty)> {
    let value = value.get("__value__").unwrap_or(value);
    let accepted = || declaration.accept(value.clone()).err();
    match &declaration.kind {
        InputType::Int { .. } | InputType::Float { .. } => match value {
            Value::Bool(_) => None,
            // Cut off by Python.
            Value::Number(number) if matches!(declaration.kind, InputType::Int { .. }) => {
                let whole = number.as_f64().filter(|float| float.fract() != 0.0).map(f64::trunc);
                let value = whole.map_or_else(|| value.clone(), Value::from);
                let error = declaration.accept(value).err()?;
                // Beyond 64 bits Python goes on.
                matches!(error, ValueError::Range { .. }).then_some((error, Certainty::Sure))
            }
            Value::String(text) => {
                let error = accepted()?;
                let is_sure = matches!(error, ValueError::Range { .. }) || is_no_number(text);
                Some((error, if is_sure { Certainty::Sure } else { Certainty::Possible }))
            }
            Value::Number(_) | Value::Null | Value::Array(_) | Value::Object(_) => Some((accepted()?, Certainty::Sure)),
        },
        InputType::Choice(Some(choices)) if declaration.upload.is_none() => {
            let is_one = |wanted: &Value| choices.iter().any(|choice| is_equal(choice, wanted));
            let is_taken = match value {
                Value::Array(values) => values.iter().all(is_one),
                value => is_one(value),
            };
            // What is a choice but for its type is none for Python.
            let error =
                || accepted().unwrap_or(ValueError::Type { expected: "one of its choices", got: value.to_string() });
            (!is_taken).then(|| (error(), Certainty::Sure))
        }
        // `str()` and `bool()` take everything, and of other types nothing is known.
        _ => None,
    }
}

/// Whether Python makes no number of the text. It reads more than this does: `1_000`, digits of other scripts.
fn is_no_number(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    !text.contains(char::is_numeric) && !text.contains("inf") && !text.contains("nan")
}

/// As Python compares: `1 == 1.0 == True`.
fn is_equal(a: &Value, b: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Bool(set) => Some(f64::from(u8::from(*set))),
        value => value.as_f64(),
    };
    a == b || number(a).is_some_and(|a| number(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::NodeClass;

    fn refused(declaration: Value, value: Value) -> Option<Certainty> {
        let class = NodeClass::read(&json!({"input": {"required": {"x": declaration}}}));
        refusal(class.input("x").unwrap(), &value).map(|(_, certainty)| certainty)
    }

    #[test]
    fn what_python_converts_is_taken() {
        let int = || json!(["INT", {"min": 1, "max": 10}]);
        for value in [json!(5), json!("5"), json!(5.7), json!(true), json!({"__value__": 5})] {
            assert_eq!(refused(int(), value.clone()), None, "{value}");
        }
        for value in [json!(0), json!(11), json!(11.5), json!("11"), json!("many"), json!(null), json!({})] {
            assert_eq!(refused(int(), value.clone()), Some(Certainty::Sure), "{value}");
        }
        assert_eq!(refused(int(), json!("5.5")), Some(Certainty::Possible));
        assert_eq!(refused(json!(["INT", {"min": 0, "max": u64::MAX}]), json!(u64::MAX)), None);
        assert_eq!(refused(json!(["STRING"]), json!({"a": 1})), None);
        assert_eq!(refused(json!(["BOOLEAN"]), json!("maybe")), None);
        assert_eq!(refused(json!(["FLOAT", {"max": 1.0}]), json!("inf")), Some(Certainty::Possible));
    }

    #[test]
    fn choices_are_compared_as_python_does() {
        assert_eq!(refused(json!([["a", "b"]]), json!("a")), None);
        assert_eq!(refused(json!([["a", "b"]]), json!("c")), Some(Certainty::Sure));
        assert_eq!(refused(json!([[1, 2]]), json!(1.0)), None);
        assert_eq!(refused(json!([[1, 2]]), json!("1")), Some(Certainty::Sure));
        let many = json!(["COMBO", {"options": ["a", "b"], "multiselect": true}]);
        assert_eq!(refused(many.clone(), json!({"__value__": ["a", "b"]})), None);
        assert_eq!(refused(many, json!({"__value__": ["a", "c"]})), Some(Certainty::Sure));
        assert_eq!(refused(json!([["a.png"], {"image_upload": true}]), json!("new.png")), None);
        assert_eq!(refused(json!(["COMBO", {"options": [], "remote": {"route": "/x"}}]), json!("a")), None);
    }
}
