use serde_json::{Value, json};

use super::{InputDeclaration, InputType};
use crate::error::one_line;
use crate::near::near_names;

/// The most choices that a message lists.
const MAX_LISTED: usize = 20;

/// Why a value does not fit an input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// A value of another type.
    #[error("takes {expected}, and got {got}")]
    Type {
        /// What it takes.
        expected: &'static str,
        /// The value, cut.
        got: String,
    },
    /// A number out of bounds.
    #[error("takes {allowed}, and got {got}")]
    Range {
        /// The bounds.
        allowed: String,
        /// The value.
        got: String,
    },
    /// Not one of the choices.
    #[error("has no choice {got}{}", offered(near, choices, *more))]
    Choice {
        /// The value, cut.
        got: String,
        /// Choices like it.
        near: Vec<String>,
        /// The first choices.
        choices: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// Filled by another node and not by a value.
    #[error("takes the {kind} of another node, and no value")]
    NotAValue {
        /// The type.
        kind: String,
    },
}

fn offered(near: &[String], choices: &[String], more: usize) -> String {
    if !near.is_empty() {
        return format!("; did you mean {}?", near.join(" or "));
    }
    if choices.is_empty() {
        return ": its list is empty on this server".to_owned();
    }
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("; it takes one of: {}{more}", choices.join(", "))
}

impl InputDeclaration {
    /// The value as it is to be sent, if this input takes it.
    ///
    /// Numbers and truth values may come as text, as variables of a workflow engine do; the server would take the text
    /// `"false"` for true. A list of choices is wrapped, because the server takes a bare list for a link
    /// (`execution.py`, `__value__`).
    ///
    /// # Errors
    /// [`ValueError`], which says what the input takes.
    pub fn accept(&self, value: Value) -> Result<Value, ValueError> {
        let wrong = |expected| ValueError::Type { expected, got: short(&value) };
        match &self.kind {
            InputType::Int { min, max } => {
                let number = integer(&value).ok_or_else(|| wrong("a whole number"))?;
                if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
                    return Err(ValueError::Range { allowed: bounds(*min, *max), got: number.to_string() });
                }
                let sent = i64::try_from(number).map(Value::from).or_else(|_| u64::try_from(number).map(Value::from));
                sent.map_err(|_| wrong("a whole number of at most 64 bits"))
            }
            InputType::Float { min, max } => {
                let text =
                    value.as_str().and_then(|text| text.trim().parse().ok()).filter(|float: &f64| float.is_finite());
                let number = value.as_f64().or(text).ok_or_else(|| wrong("a number"))?;
                if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
                    return Err(ValueError::Range { allowed: bounds(*min, *max), got: number.to_string() });
                }
                Ok(if value.is_number() { value } else { json!(number) })
            }
            InputType::Text => match value {
                Value::String(_) => Ok(value),
                Value::Number(number) => Ok(Value::from(number.to_string())),
                Value::Bool(set) => Ok(Value::from(set.to_string())),
                _ => Err(wrong("a text")),
            },
            InputType::Boolean => match &value {
                Value::Bool(_) => Ok(value),
                Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(json!(true)),
                Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(json!(false)),
                _ => Err(wrong("true or false")),
            },
            InputType::Choice(Some(choices)) if self.upload.is_none() => chosen(value, choices),
            InputType::Choice(_) => match value {
                Value::Array(values) => Ok(json!({"__value__": values})),
                Value::Object(_) | Value::Null => Err(wrong("one of its choices")),
                value => Ok(value),
            },
            // Of types with a widget of their own nothing is known.
            InputType::Other(_) => match value {
                Value::Array(values) => Ok(json!({"__value__": values})),
                value => Ok(value),
            },
        }
    }
}

fn chosen(value: Value, choices: &[Value]) -> Result<Value, ValueError> {
    let choose = |wanted: &Value| {
        let same = choices.iter().find(|choice| *choice == wanted);
        same.or_else(|| choices.iter().find(|choice| text(choice) == text(wanted))).cloned()
    };
    let refused = |wanted: &Value| {
        let listed: Vec<String> = choices.iter().map(text).collect();
        let near = near_names(&text(wanted), listed.iter().map(String::as_str));
        ValueError::Choice {
            got: short(wanted),
            near: near.into_iter().map(str::to_owned).collect(),
            more: listed.len().saturating_sub(MAX_LISTED),
            choices: listed.iter().take(MAX_LISTED).cloned().collect(),
        }
    };
    if let Value::Array(wanted) = &value {
        let all: Result<Vec<Value>, ValueError> =
            wanted.iter().map(|wanted| choose(wanted).ok_or_else(|| refused(wanted))).collect();
        return all.map(|all| json!({"__value__": all}));
    }
    choose(&value).ok_or_else(|| refused(&value))
}

/// A number without a fraction, also as text.
fn integer(value: &Value) -> Option<i128> {
    #[expect(clippy::cast_possible_truncation, reason = "a double has 53 exact bits")]
    let from_float = |float: f64| (float.fract() == 0.0 && float.abs() < 9e15).then_some(float as i128);
    match value {
        Value::Number(number) => {
            let exact = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            exact.or_else(|| number.as_f64().and_then(from_float))
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn bounds<T: ToString>(min: Option<T>, max: Option<T>) -> String {
    let shown = |bound: Option<T>| bound.map(|bound| bound.to_string());
    match (shown(min), shown(max)) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("{min} or more"),
        (None, Some(max)) => format!("{max} or less"),
        (None, None) => "any number".to_owned(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn short(value: &Value) -> String {
    one_line(&value.to_string(), 80)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(declaration: Value) -> InputDeclaration {
        InputDeclaration::read(&declaration).unwrap()
    }

    fn refusal(declaration: Value, value: Value) -> String {
        input(declaration).accept(value).unwrap_err().to_string()
    }

    #[test]
    fn numbers_keep_their_64_bits_and_may_be_text() {
        let seed = input(json!(["INT", {"min": 0, "max": u64::MAX}]));
        assert_eq!(seed.accept(json!("18446744073709551615")), Ok(json!(u64::MAX)));
        assert_eq!(seed.accept(json!(u64::MAX)), Ok(json!(u64::MAX)));
        assert_eq!(seed.accept(json!(20.0)), Ok(json!(20)));
        let float = input(json!(["FLOAT", {"min": 0.0, "max": 1.0}]));
        assert_eq!(float.accept(json!("0.5")), Ok(json!(0.5)));
        assert_eq!(float.accept(json!(1)), Ok(json!(1)));
    }

    #[test]
    fn a_wrong_value_says_what_would_do() {
        let int = || json!(["INT", {"min": 1, "max": 16384}]);
        assert_eq!(refusal(int(), json!(0)), "takes 1 to 16384, and got 0");
        assert_eq!(refusal(int(), json!(1.5)), "takes a whole number, and got 1.5");
        assert_eq!(refusal(json!(["BOOLEAN"]), json!(1)), "takes true or false, and got 1");
        assert_eq!(refusal(json!(["STRING"]), json!({"a": 1})), "takes a text, and got {\"a\":1}");
        assert_eq!(
            refusal(json!([["euler", "dpmpp_2m"]]), json!("eular")),
            "has no choice \"eular\"; did you mean euler?"
        );
        assert_eq!(refusal(json!([["a", "b"]]), json!("zz")), "has no choice \"zz\"; it takes one of: a, b");
        assert_eq!(refusal(json!([[]]), json!("zz")), "has no choice \"zz\": its list is empty on this server");
    }

    #[test]
    fn texts_and_truths_are_what_they_look_like() {
        assert_eq!(input(json!(["BOOLEAN"])).accept(json!("False")), Ok(json!(false)));
        assert_eq!(input(json!(["STRING"])).accept(json!(7)), Ok(json!("7")));
        assert_eq!(input(json!([[1, 2]])).accept(json!("2")), Ok(json!(2)));
    }

    #[test]
    fn several_choices_are_no_link() {
        let many = input(json!(["COMBO", {"options": ["a", "b"], "multiselect": true}]));
        assert_eq!(many.accept(json!(["a", "b"])), Ok(json!({"__value__": ["a", "b"]})));
        assert!(many.accept(json!(["a", "c"])).is_err());
    }

    #[test]
    fn a_file_that_was_just_uploaded_needs_not_be_in_the_list() {
        let upload = input(json!([["old.png"], {"image_upload": true}]));
        assert_eq!(upload.accept(json!("new.png")), Ok(json!("new.png")));
    }
}
