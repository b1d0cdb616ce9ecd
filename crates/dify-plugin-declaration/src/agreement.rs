//! Whether what is declared and the struct that decodes it agree.

mod declared;
mod field_names;

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;

use crate::{Credential, Tool};
use declared::Declared;
use field_names::field_names;

/// Where a tool's parameters and the struct that decodes them disagree, a finding each; nothing when they agree.
///
/// - Every parameter is a field, and every field is a parameter. Aliases count as fields.
/// - A field takes values of the declared type, the default, `min`, `max` and every option among them, and does not take
///   values that are clearly of another type.
/// - A required parameter cannot be left out, and the error names it; an optional one can.
/// - The declared default is what the field is when it is left out. The two are compared in their `Debug` form, because
///   credentials have no other; a field that it hides cannot have a default.
///
/// What is left out is absent: Dify also sends it as null or as `""`, which `dify-plugin` takes for the same. While a
/// value of the declared type is not taken, whether fields are required and their defaults remain unchecked.
#[must_use]
pub fn check_parameters<P: DeserializeOwned + Debug>(tool: &Tool) -> Vec<String> {
    disagreements::<P>("parameter", tool.parameters.iter().map(Declared::parameter).collect())
}

/// Where a provider's credentials and the struct that decodes them disagree, as [`check_parameters`].
#[must_use]
pub fn check_credentials<C: DeserializeOwned + Debug>(credentials: &[Credential]) -> Vec<String> {
    disagreements::<C>("credential", credentials.iter().map(Declared::credential).collect())
}

fn disagreements<T: DeserializeOwned + Debug>(kind: &str, declared: Vec<Declared<'_>>) -> Vec<String> {
    let Some(fields) = field_names::<T>() else {
        return vec![format!("what decodes the {kind}s is not a struct whose fields are known")];
    };
    let mut findings = Vec::new();
    let mut names = BTreeSet::new();
    for Declared { name, .. } in &declared {
        if !names.insert(*name) {
            findings.push(format!("the {kind} {name} is declared twice"));
        } else if !fields.contains(name) {
            findings.push(format!("the {kind} {name} is declared, and the struct has no such field"));
        }
    }
    let undeclared = fields.iter().filter(|field| !names.contains(*field));
    findings.extend(undeclared.map(|field| format!("the field {field} is not declared as a {kind}")));

    let declared: Vec<_> = declared.into_iter().filter(|declared| fields.contains(&declared.name)).collect();
    for declared in &declared {
        findings.extend(
            type_disagreements::<T>(declared).map(|finding| format!("the {kind} {}: {finding}", declared.name)),
        );
    }
    let samples = declared.iter().map(|declared| Some((declared.name.to_owned(), sample::<T>(declared)?)));
    let Some(samples) = samples.collect::<Option<Map<_, _>>>() else { return findings };
    if let Err(error) = decode::<T>(samples.clone()) {
        if findings.is_empty() {
            findings.push(format!("the struct does not take {kind}s of the declared types: {error}"));
        }
        return findings;
    }
    for declared in &declared {
        findings.extend(
            absence_disagreement::<T>(declared, &samples)
                .map(|finding| format!("the {kind} {}: {finding}", declared.name)),
        );
    }
    findings
}

fn type_disagreements<T: DeserializeOwned>(declared: &Declared<'_>) -> impl Iterator<Item = String> {
    let Declared { name, kind, .. } = declared;
    let none = sample::<T>(declared)
        .is_none()
        .then(|| format!("it is declared as {kind:?}, and the struct does not take such a value"));
    let refused = declared.all.iter().filter(|value| !takes::<T>(name, value));
    let refused = refused.map(|value| format!("the struct does not take {value}"));
    let taken = declared.wrong.iter().filter(|value| takes::<T>(name, value));
    let taken = taken.map(|value| format!("it is declared as {kind:?}, and the struct also takes {value}"));
    none.into_iter().chain(refused).chain(taken).collect::<Vec<_>>().into_iter()
}

/// What is wrong when the field is left out of `samples`, which decode.
fn absence_disagreement<T: DeserializeOwned + Debug>(
    declared: &Declared<'_>,
    samples: &Map<String, Value>,
) -> Option<String> {
    let name = declared.name;
    let mut without = samples.clone();
    without.remove(name);
    let absent = match (decode::<T>(without), declared.required) {
        (Ok(_), true) => return Some("it is required, and the struct does without it".to_owned()),
        (Err(error), false) => return Some(format!("it is optional, and the struct requires it: {error}")),
        (Err(error), true) if !error.contains(name) => {
            return Some(format!("the error when it is missing does not name it: {error}"));
        }
        (Err(_), true) => return None,
        (Ok(absent), false) => format!("{absent:?}"),
    };
    let default = declared.default?;
    let shown_with = |value: &Value| {
        let mut with = samples.clone();
        with.insert(name.to_owned(), value.clone());
        decode::<T>(with).ok().map(|decoded| format!("{decoded:?}"))
    };
    let with_default = shown_with(default);
    if with_default.as_ref() != Some(&absent) {
        return Some(format!("its default is {default}, and the struct has another one when it is absent"));
    }
    let is_shown = declared.candidates().filter_map(shown_with).any(|shown| Some(shown) != with_default);
    (!is_shown).then(|| "its default cannot be compared, because the struct's Debug form hides it".to_owned())
}

/// A value of the declared type that the struct takes.
fn sample<T: DeserializeOwned>(declared: &Declared<'_>) -> Option<Value> {
    declared.candidates().find(|value| takes::<T>(declared.name, value)).cloned()
}

/// Whether the field takes the value. That other fields are missing does not count.
fn takes<T: DeserializeOwned>(name: &str, value: &Value) -> bool {
    let only = Value::Object(Map::from_iter([(name.to_owned(), value.clone())]));
    serde_path_to_error::deserialize::<_, T>(only).err().is_none_or(|error| {
        !error.path().iter().next().is_some_and(|field| matches!(field, Segment::Map { key } if key == name))
    })
}

fn decode<T: DeserializeOwned>(values: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(values)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
