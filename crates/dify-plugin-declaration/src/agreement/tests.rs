use secrecy::SecretString;
use serde::Deserialize;

use super::*;
use crate::{parse_tool, parse_tool_provider};

fn tool(parameters: &str) -> Tool {
    parse_tool(&format!(
        "
identity: {{author: me, name: greet, label: {{en_US: Greet}}}}
description: {{human: {{en_US: Says hello.}}, llm: Says hello.}}
parameters: [{parameters}]
"
    ))
    .unwrap()
}

fn parameter(name: &str, rest: &str) -> String {
    format!("{{name: {name}, form: llm, label: {{en_US: a}}, human_description: {{en_US: b}}, {rest}}}")
}

fn credentials(credentials: &str) -> Vec<Credential> {
    let yaml = format!(
        "
identity: {{author: me, name: p, label: {{en_US: a}}, description: {{en_US: b}}, icon: i.svg}}
credentials_for_provider: {{{credentials}}}
tools: []
"
    );
    parse_tool_provider(&yaml).unwrap().credentials_schema
}

/// One parameter `value` of the given type, and the struct's field of type `$field`.
macro_rules! check_one {
    ($rest:expr, $(#[$attribute:meta])* $field:ty) => {{
        #[derive(Debug, Deserialize)]
        struct One {
            $(#[$attribute])*
            #[expect(dead_code, reason = "only decoded")]
            value: $field,
        }
        check_parameters::<One>(&tool(&parameter("value", $rest)))
    }};
}

#[derive(Debug, Deserialize)]
struct Picture {
    #[serde(rename = "url")]
    _url: String,
}

const NOTHING: [&str; 0] = [];

#[test]
fn what_agrees_has_no_findings() {
    assert_eq!(check_one!("type: string, required: true", String), NOTHING);
    assert_eq!(check_one!("type: string", Option<String>), NOTHING);
    assert_eq!(check_one!("type: string, default: ''", Option<String>), NOTHING);
    assert_eq!(check_one!("type: secret-input, required: true", SecretString), NOTHING);
    assert_eq!(check_one!("type: number, required: true", f64), NOTHING);
    assert_eq!(check_one!("type: number, required: true, min: 0, max: 255, precision: 0", u8), NOTHING);
    assert_eq!(check_one!("type: number, min: 0.5", Option<f32>), NOTHING);
    assert_eq!(
        check_one!(
            "type: boolean, default: false",
            #[serde(default)]
            bool
        ),
        NOTHING
    );
    assert_eq!(
        check_one!(
            "type: boolean, default: true",
            #[serde(default = "yes")]
            bool
        ),
        NOTHING
    );
    assert_eq!(check_one!("type: file, required: true", Picture), NOTHING);
    assert_eq!(check_one!("type: files", #[serde(default)] Vec<Picture>), NOTHING);
    assert_eq!(check_one!("type: array", Option<Vec<String>>), NOTHING);
    assert_eq!(check_one!("type: object", Option<Map<String, Value>>), NOTHING);
    assert_eq!(check_one!("type: any, required: true", Value), NOTHING);
    assert_eq!(check_one!("type: model-selector, required: true", Map<String, Value>), NOTHING);
}

#[test]
fn what_is_required_may_have_a_default_in_the_form() {
    assert_eq!(check_one!("type: number, required: true, default: 20", u32), NOTHING);
}

#[test]
fn a_parameter_without_a_field_is_found() {
    #[derive(Debug, Deserialize)]
    struct None {}
    let tool = tool(&parameter("value", "type: string"));
    assert_eq!(check_parameters::<None>(&tool), ["the parameter value is declared, and the struct has no such field"]);
}

#[test]
fn a_field_without_a_parameter_is_found() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only decoded")]
    struct Two {
        value: String,
        #[serde(rename = "andMore")]
        and_more: Option<String>,
        and_a_required_one: u32,
    }
    assert_eq!(
        check_parameters::<Two>(&tool(&parameter("value", "type: string, required: true"))),
        [
            "the field andMore is not declared as a parameter",
            "the field and_a_required_one is not declared as a parameter"
        ]
    );
}

#[test]
fn a_parameter_that_is_declared_twice_is_found() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only decoded")]
    struct One {
        value: String,
    }
    let twice =
        [parameter("value", "type: string, required: true"), parameter("value", "type: string, required: true")];
    assert_eq!(check_parameters::<One>(&tool(&twice.join(", "))), ["the parameter value is declared twice"]);
}

#[test]
fn another_type_is_found() {
    let not = |kind: &str| {
        format!("the parameter value: it is declared as {kind}, and the struct does not take such a value")
    };
    let also = |kind: &str, value: &str| {
        format!("the parameter value: it is declared as {kind}, and the struct also takes {value}")
    };
    assert_eq!(check_one!("type: string, required: true", Vec<String>), [not("Text")]);
    assert_eq!(check_one!("type: string, required: true", bool), [not("Text"), also("Text", "true")]);
    assert_eq!(check_one!("type: number, required: true", String), [not("Number"), also("Number", "\"another type\"")]);
    assert_eq!(check_one!("type: boolean", Option<u8>), [not("Boolean")]);
    assert_eq!(check_one!("type: files, required: true", Picture)[0], not("Files"));
    assert_eq!(check_one!("type: file, required: true", Vec<Picture>)[0], not("File"));
    assert_eq!(check_one!("type: object, required: true", u8)[0], not("Object"));
}

#[test]
fn a_field_that_takes_anything_is_found() {
    assert_eq!(
        check_one!("type: number, required: true", Value),
        [
            r#"the parameter value: it is declared as Number, and the struct also takes {"another":"type"}"#,
            r#"the parameter value: it is declared as Number, and the struct also takes "another type""#,
        ]
    );
}

#[test]
fn an_option_a_bound_and_a_default_that_are_not_taken_are_found() {
    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Tone {
        Dry,
        Warm,
    }
    let option = |value: &str| format!("{{value: {value}, label: {{en_US: a}}}}");
    let options =
        |values: [&str; 2]| format!("type: select, required: true, options: [{}]", values.map(option).join(", "));
    assert_eq!(check_one!(&options(["dry", "warm"]), Tone), NOTHING);
    assert_eq!(check_one!(&options(["dry", "wet"]), Tone), [r#"the parameter value: the struct does not take "wet""#]);
    assert_eq!(
        check_one!("type: number, required: true, min: -1", u32),
        ["the parameter value: the struct does not take -1"]
    );
    assert_eq!(
        check_one!("type: number, required: true, default: '20'", u32),
        [r#"the parameter value: the struct does not take "20""#]
    );
}

#[test]
fn several_choices_are_a_list() {
    let options = "type: select, multiple: true, required: true, options: [{value: dry, label: {en_US: a}}]";
    assert_eq!(check_one!(options, Vec<String>), NOTHING);
    assert_ne!(check_one!(options, String), NOTHING);
}

#[test]
fn a_required_parameter_that_can_be_left_out_is_found() {
    let finding = ["the parameter value: it is required, and the struct does without it"];
    assert_eq!(check_one!("type: string, required: true", Option<String>), finding);
    assert_eq!(
        check_one!(
            "type: string, required: true",
            #[serde(default)]
            String
        ),
        finding
    );
}

#[test]
fn an_optional_parameter_that_cannot_be_left_out_is_found() {
    assert_eq!(
        check_one!("type: string", String),
        ["the parameter value: it is optional, and the struct requires it: missing field `value`"]
    );
}

#[test]
fn an_error_that_does_not_name_what_is_missing_is_found() {
    #[derive(Debug, Deserialize)]
    struct Raw {
        value: Option<String>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Raw")]
    struct Checked;
    impl TryFrom<Raw> for Checked {
        type Error = &'static str;

        fn try_from(raw: Raw) -> Result<Self, Self::Error> {
            raw.value.map(|_| Self).ok_or("something is missing")
        }
    }
    assert_eq!(
        check_parameters::<Checked>(&tool(&parameter("value", "type: string, required: true"))),
        ["the parameter value: the error when it is missing does not name it: something is missing"]
    );
}

#[test]
fn another_default_is_found() {
    let finding = |default: &str| {
        [format!("the parameter value: its default is {default}, and the struct has another one when it is absent")]
    };
    assert_eq!(
        check_one!(
            "type: boolean, default: true",
            #[serde(default)]
            bool
        ),
        finding("true")
    );
    assert_eq!(
        check_one!(
            "type: boolean, default: false",
            #[serde(default = "yes")]
            bool
        ),
        finding("false")
    );
    assert_eq!(check_one!("type: number, default: 20", Option<u32>), finding("20"));
    assert_eq!(
        check_one!(
            "type: string, default: dry",
            #[serde(default)]
            String
        ),
        finding("\"dry\"")
    );
}

#[test]
fn a_default_that_nobody_can_see_is_found() {
    assert_eq!(
        check_one!(
            "type: secret-input, default: x",
            #[serde(default = "secret")]
            SecretString
        ),
        ["the parameter value: its default cannot be compared, because the struct's Debug form hides it"]
    );
}

#[test]
fn what_is_no_struct_is_found() {
    #[derive(Debug, Deserialize)]
    struct Flat {
        #[serde(flatten)]
        _rest: Map<String, Value>,
    }
    let finding = ["what decodes the parameters is not a struct whose fields are known"];
    assert_eq!(check_parameters::<Map<String, Value>>(&tool("")), finding);
    assert_eq!(check_parameters::<Flat>(&tool("")), finding);
}

#[test]
fn a_struct_in_a_newtype_is_looked_into() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only decoded")]
    struct Inner {
        value: String,
    }
    #[derive(Debug, Deserialize)]
    struct Outer(#[expect(dead_code, reason = "only decoded")] Inner);
    assert_eq!(check_parameters::<Outer>(&tool(&parameter("value", "type: string, required: true"))), NOTHING);
}

#[test]
fn fields_that_only_decode_together_are_found() {
    #[derive(Debug, Deserialize)]
    struct Raw {
        _value: Option<String>,
    }
    #[derive(Debug, Deserialize)]
    #[serde(try_from = "Raw")]
    struct Never;
    impl TryFrom<Raw> for Never {
        type Error = &'static str;

        fn try_from(_: Raw) -> Result<Self, Self::Error> {
            Err("never")
        }
    }
    assert_eq!(
        check_parameters::<Never>(&tool(&parameter("_value", "type: string"))),
        ["the struct does not take parameters of the declared types: never"]
    );
}

#[test]
fn credentials_are_checked_as_parameters_are() {
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only decoded")]
    struct Credentials {
        base_url: String,
        api_key: Option<SecretString>,
        #[serde(default = "five_minutes")]
        expire_after: String,
    }
    fn five_minutes() -> String {
        "300".to_owned()
    }
    let schema = |key_required: bool, default: u32| {
        credentials(&format!(
            "base_url: {{type: text-input, required: true, label: {{en_US: a}}}}, \
             api_key: {{type: secret-input, required: {key_required}, label: {{en_US: b}}}}, \
             expire_after: {{type: text-input, default: '{default}', label: {{en_US: c}}}}"
        ))
    };
    assert_eq!(check_credentials::<Credentials>(&schema(false, 300)), NOTHING);
    assert_eq!(
        check_credentials::<Credentials>(&schema(true, 60)),
        [
            "the credential api_key: it is required, and the struct does without it",
            "the credential expire_after: its default is \"60\", and the struct has another one when it is absent",
        ]
    );
}

#[test]
fn a_text_may_have_a_form_of_its_own() {
    fn from_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
    assert_eq!(
        check_one!(
            "type: string, required: true",
            #[serde(deserialize_with = "from_text")]
            u64
        ),
        NOTHING
    );
}

fn yes() -> bool {
    true
}

fn secret() -> SecretString {
    "y".into()
}
