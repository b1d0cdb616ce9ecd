use serde_json::{Value, json};

use crate::{Credential, CredentialType, ParameterOption, ToolParameter, ToolParameterType};

/// Texts of which a field that wants a certain form may take only some.
const TEXTS: [&str; 8] = ["text", "1", "https://example.com/", "{}", "[]", "true", "2026-01-31", "a,b"];

/// A parameter or a credential, as values that its field has to take and not to take.
#[derive(Debug)]
pub(super) struct Declared<'a> {
    pub(super) name: &'a str,
    /// The declared type.
    pub(super) kind: Kind,
    pub(super) required: bool,
    /// The default, where it is something: null and `""` are what an absent value is.
    pub(super) default: Option<&'a Value>,
    /// Values all of which have to be taken.
    pub(super) all: Vec<Value>,
    /// Values one of which has to be taken.
    one_of: Vec<Value>,
    /// Values that are clearly of another type.
    pub(super) wrong: Vec<Value>,
}

/// What Dify's types come to when their values reach the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Number,
    Boolean,
    File,
    Files,
    List,
    Object,
    Anything,
}

impl<'a> Declared<'a> {
    pub(super) fn parameter(parameter: &'a ToolParameter) -> Self {
        use ToolParameterType as Type;
        let kind = match parameter.r#type {
            Type::Select | Type::DynamicSelect if parameter.multiple => Kind::List,
            Type::String | Type::Select | Type::DynamicSelect | Type::SecretInput | Type::Date => Kind::Text,
            Type::Number => Kind::Number,
            Type::Boolean => Kind::Boolean,
            Type::File => Kind::File,
            Type::Files => Kind::Files,
            Type::Array => Kind::List,
            Type::Object | Type::AppSelector | Type::ModelSelector => Kind::Object,
            Type::Any | Type::Checkbox | Type::DateRange => Kind::Anything,
        };
        let default = parameter.default.as_ref();
        let mut declared = Self::new(&parameter.name, kind, parameter.required, default, &parameter.options);
        declared.all.extend([parameter.min, parameter.max].into_iter().flatten().map(number));
        declared
    }

    pub(super) fn credential(credential: &'a Credential) -> Self {
        use CredentialType as Type;
        let kind = match credential.r#type {
            Type::Select if credential.multiple => Kind::List,
            Type::SecretInput | Type::TextInput | Type::Select => Kind::Text,
            Type::Boolean => Kind::Boolean,
            Type::AppSelector | Type::ModelSelector => Kind::Object,
            Type::Tools => Kind::List,
            Type::Any => Kind::Anything,
        };
        Self::new(&credential.name, kind, credential.required, credential.default.as_ref(), &credential.options)
    }

    fn new(name: &'a str, kind: Kind, required: bool, default: Option<&'a Value>, options: &[ParameterOption]) -> Self {
        let default = default.filter(|default| !default.is_null() && *default != "");
        let options = options.iter().map(|option| match kind {
            Kind::List => json!([option.value]),
            _ => json!(option.value),
        });
        let all = default.cloned().into_iter().chain(options).collect();
        Self { name, kind, required, default, all, one_of: kind.samples(), wrong: kind.samples_of_others() }
    }

    /// Values of the declared type, those that have to be taken first.
    pub(super) fn candidates(&self) -> impl Iterator<Item = &Value> {
        self.all.iter().chain(&self.one_of)
    }
}

impl Kind {
    fn samples(self) -> Vec<Value> {
        match self {
            Self::Text => TEXTS.map(Value::from).to_vec(),
            Self::Number => vec![json!(1), json!(2), json!(0.5)],
            Self::Boolean => vec![json!(true), json!(false)],
            Self::File => vec![file()],
            Self::Files => vec![json!([file()]), json!([])],
            Self::List => vec![json!([]), json!(["text"]), json!([1]), json!([{}])],
            Self::Object => vec![json!({}), json!({"name": "value"})],
            Self::Anything => [Self::Text, Self::Number, Self::Boolean, Self::Files, Self::List, Self::Object]
                .into_iter()
                .flat_map(Self::samples)
                .collect(),
        }
    }

    fn samples_of_others(self) -> Vec<Value> {
        let (no_object, no_text) = (json!({"another": "type"}), json!("another type"));
        match self {
            Self::Text => vec![no_object, json!(true)],
            Self::Number | Self::Boolean => vec![no_object, no_text],
            Self::File | Self::List => vec![no_text, json!(true)],
            Self::Files => vec![no_text, file()],
            Self::Object => vec![no_text, json!(["another type"])],
            Self::Anything => Vec::new(),
        }
    }
}

/// A file as Dify gives it to a tool (graphon, `file/models.py`: `to_plugin_parameter`).
fn file() -> Value {
    json!({
        "dify_model_identity": "__dify__file__",
        "mime_type": "image/png",
        "filename": "a.png",
        "extension": ".png",
        "size": 1,
        "type": "image",
        "url": "https://example.com/files/a.png"
    })
}

/// A bound as Dify sends it: an integer without a fraction.
fn number(bound: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be the same number")]
    let integer = bound as i64;
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "this is the check")]
    if integer as f64 == bound { json!(integer) } else { json!(bound) }
}
