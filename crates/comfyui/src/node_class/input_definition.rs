use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use super::definitions::{Groups, Key, read};

/// One input of a node class as the editor sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputDefinition {
    /// Its name.
    pub name: Box<str>,
    /// The type, such as `INT`, `IMAGE` or `INT,FLOAT`. A list of choices is `COMBO`.
    pub kind: Box<str>,
    /// Whether the node runs without it.
    pub is_optional: bool,
    /// The second half of the declaration.
    pub options: InputOptions,
}

/// The settings of an input, as far as they shape the editor's widget.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputOptions {
    /// `default`.
    pub default: Option<Value>,
    /// The first of the choices.
    pub first_choice: Option<Value>,
    /// `widgetType`: the widget of an input that takes several types.
    pub widget_type: Option<Box<str>>,
    /// `forceInput`: a slot, and no widget.
    pub force_input: bool,
    /// `multiline`.
    pub is_multiline: bool,
    /// `dynamicPrompts`: comments and `{a|b}` are resolved by the editor.
    pub has_dynamic_prompts: bool,
    /// The button that uploads a file for it.
    pub upload: Option<UploadButton>,
    /// `control_after_generate`.
    pub control: Control,
    /// `remote`: the choices come from elsewhere.
    pub is_remote: bool,
    /// `remote.refresh_button`.
    pub has_refresh_button: bool,
    /// `min`, `max`, `step` and `round`.
    pub numbers: Option<Box<NumberOptions>>,
    /// The options of a `COMFY_DYNAMICCOMBO_V3`.
    pub dynamic: Vec<DynamicOption>,
    /// `template` of `COMFY_MATCHTYPE_V3`: the types that it takes.
    pub allowed_types: Option<Box<str>>,
    /// `template` of `COMFY_AUTOGROW_V3`.
    pub autogrow: Option<Box<Autogrow>>,
}

/// The button that uploads a file for an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UploadButton {
    /// `image_upload`, `video_upload` or `animated_image_upload`.
    Image,
    /// `audio_upload`.
    Audio,
}

/// An input that becomes one more whenever its last one is linked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Autogrow {
    /// The type of each.
    pub kind: Box<str>,
    /// What their names begin with; a number follows.
    pub prefix: Box<str>,
    /// Their names, where they are not numbered.
    pub names: Option<Vec<Box<str>>>,
    /// How many there are at least.
    pub min: usize,
    /// How many there are at most.
    pub max: usize,
}

/// Whether a widget that changes the value after each run follows the value's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Control {
    /// Nothing is said: by the name.
    #[default]
    Unsaid,
    /// No.
    Off,
    /// Yes, and it is called `control_after_generate`, or as the declaration says.
    On(Option<Box<str>>),
}

/// The bounds of a number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NumberOptions {
    /// The least value.
    pub min: Option<Number>,
    /// The greatest value.
    pub max: Option<Number>,
    /// What the editor's arrows add.
    pub step: Option<Number>,
    /// What the editor rounds to, where it is not the step.
    pub round: Option<Number>,
    /// Whether `round` is `false`: the editor keeps all digits.
    pub keeps_digits: bool,
}

/// One choice of a dynamic combo, and the inputs that it brings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DynamicOption {
    /// The choice.
    pub key: Box<str>,
    /// Its inputs, named without the combo's own name.
    pub inputs: Vec<InputDefinition>,
}

impl InputDefinition {
    /// Reads `[type, options]`.
    pub(super) fn read(name: Box<str>, declaration: &RawValue) -> Option<Self> {
        let parts: Vec<&RawValue> = read(declaration)?;
        let (kind, options) = (parts.first()?, parts.get(1));
        let mut options = options.and_then(|options| read::<InputOptions>(options)).unwrap_or_default();
        let kind = match kind.get().as_bytes().first()? {
            b'[' => {
                options.first_choice = read::<First>(kind)?.0;
                "COMBO".into()
            }
            _ => read(kind)?,
        };
        Some(Self { name, kind, is_optional: false, options })
    }
}

impl<'de> Deserialize<'de> for InputOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OptionsVisitor)
    }
}

struct OptionsVisitor;

impl<'de> Visitor<'de> for OptionsVisitor {
    type Value = InputOptions;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the settings of an input")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut options = InputOptions::default();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            let key = key.0.as_ref();
            match key {
                "default" => options.default = Some(map.next_value()?),
                "options" => {
                    let raw = map.next_value()?;
                    options.first_choice = read::<First>(raw).and_then(|first| first.0);
                    if options.first_choice.as_ref().is_some_and(|first| first.get("inputs").is_some()) {
                        options.dynamic = dynamic(raw);
                    }
                }
                "widgetType" => options.widget_type = read(map.next_value()?),
                "forceInput" => options.force_input = is_truthy(map.next_value()?),
                "multiline" => options.is_multiline = is_truthy(map.next_value()?),
                "dynamicPrompts" => options.has_dynamic_prompts = is_truthy(map.next_value()?),
                "image_upload" | "video_upload" | "animated_image_upload" => {
                    if is_truthy(map.next_value()?) {
                        options.upload = Some(UploadButton::Image);
                    }
                }
                "audio_upload" => {
                    if is_truthy(map.next_value()?) {
                        options.upload = options.upload.or(Some(UploadButton::Audio));
                    }
                }
                "remote" => {
                    #[derive(serde::Deserialize)]
                    struct Remote {
                        #[serde(default)]
                        refresh_button: bool,
                    }
                    let raw: &RawValue = map.next_value()?;
                    options.is_remote = is_truthy(raw);
                    options.has_refresh_button = read::<Remote>(raw).is_some_and(|remote| remote.refresh_button);
                }
                "control_after_generate" => {
                    let raw: &RawValue = map.next_value()?;
                    let name = || read::<Box<str>>(raw);
                    options.control = if is_truthy(raw) { Control::On(name()) } else { Control::Off };
                }
                "min" | "max" | "step" | "round" => {
                    let raw: &RawValue = map.next_value()?;
                    let number = read::<Number>(raw);
                    let numbers = options.numbers.get_or_insert_default();
                    numbers.keeps_digits |= key == "round" && raw.get() == "false";
                    match key {
                        "min" => numbers.min = number,
                        "max" => numbers.max = number,
                        "step" => numbers.step = number,
                        _ => numbers.round = number,
                    }
                }
                "template" => {
                    if let Some(template) = read::<Template<'_>>(map.next_value()?) {
                        options.autogrow = template.autogrow();
                        options.allowed_types = template.allowed_types;
                    }
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(options)
    }
}

/// What a `template` says, of either type that has one.
#[derive(serde::Deserialize)]
struct Template<'a> {
    allowed_types: Option<Box<str>>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    prefix: Option<Box<str>>,
    names: Option<Vec<Box<str>>>,
    min: Option<usize>,
    max: Option<usize>,
}

impl Template<'_> {
    fn autogrow(&self) -> Option<Box<Autogrow>> {
        let input = read::<Groups>(self.input?)?.0.into_iter().next()?;
        let kind = input.options.allowed_types.unwrap_or(input.kind);
        let max = self.max.or(self.names.as_ref().map(Vec::len)).unwrap_or(usize::MAX);
        Some(Box::new(Autogrow {
            kind,
            prefix: self.prefix.clone().unwrap_or_default(),
            names: self.names.clone(),
            min: self.min.unwrap_or(0),
            max,
        }))
    }
}

/// The options of a dynamic combo.
fn dynamic(raw: &RawValue) -> Vec<DynamicOption> {
    #[derive(serde::Deserialize)]
    struct Raw<'a> {
        key: Box<str>,
        #[serde(borrow)]
        inputs: Option<&'a RawValue>,
    }
    let options = read::<Vec<&RawValue>>(raw).unwrap_or_default();
    let options = options.into_iter().filter_map(read::<Raw<'_>>);
    options
        .map(|option| DynamicOption {
            key: option.key,
            inputs: option.inputs.and_then(read::<Groups>).unwrap_or_default().0,
        })
        .collect()
}

/// As JavaScript has it.
fn is_truthy(raw: &RawValue) -> bool {
    !matches!(raw.get(), "false" | "null" | "0" | "0.0" | "\"\"")
}

/// The first entry of a list.
struct First(Option<Value>);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FirstVisitor;
        impl<'de> Visitor<'de> for FirstVisitor {
            type Value = First;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let first = list.next_element()?;
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }
        deserializer.deserialize_seq(FirstVisitor)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(declaration: &Value) -> InputDefinition {
        let raw = serde_json::value::to_raw_value(declaration).unwrap();
        InputDefinition::read("x".into(), &raw).unwrap()
    }

    #[test]
    fn both_shapes_of_choices_keep_their_first() {
        assert_eq!(input(&json!([["a", "b"], {"default": "b"}])).options.first_choice, Some(json!("a")));
        assert_eq!(input(&json!(["COMBO", {"options": ["a", "b"]}])).options.first_choice, Some(json!("a")));
        assert_eq!(input(&json!(["COMBO", {"options": []}])).options.first_choice, None);
    }

    #[test]
    fn control_is_said_or_not() {
        let control = |options| input(&json!(["INT", options])).options.control;
        assert_eq!(control(json!({})), Control::Unsaid);
        assert_eq!(control(json!({"control_after_generate": false})), Control::Off);
        assert_eq!(control(json!({"control_after_generate": true})), Control::On(None));
        assert_eq!(control(json!({"control_after_generate": "fixed"})), Control::On(Some("fixed".into())));
    }

    #[test]
    fn a_dynamic_combo_has_the_inputs_of_each_choice() {
        let combo = input(&json!(["COMFY_DYNAMICCOMBO_V3", {"options": [
            {"key": "a", "inputs": {"required": {"w": ["INT", {"min": 1, "max": u64::MAX}]}}},
            {"key": "b", "inputs": {"optional": {"i": ["IMAGE"]}}}]}]));
        let [a, b] = &combo.options.dynamic[..] else { panic!("{combo:?}") };
        assert_eq!((&*a.key, &*a.inputs[0].name), ("a", "w"));
        assert_eq!(a.inputs[0].options.numbers.as_ref().unwrap().max, Some(u64::MAX.into()));
        assert_eq!((&*b.key, &*b.inputs[0].kind, b.inputs[0].is_optional), ("b", "IMAGE", true));
    }
}
