use serde_json::{Value, json};

use crate::InputDefinition;

/// One widget of a node of the editor.
#[derive(Clone, Debug)]
pub(super) struct Widget<'d> {
    pub(super) name: String,
    pub(super) kind: WidgetKind,
    /// Nothing is JavaScript's `undefined`: such a widget is left out of the prompt.
    pub(super) value: Option<Value>,
    /// Whether it takes a place in `widgets_values`.
    pub(super) has_place: bool,
    /// Whether it is in the prompt.
    pub(super) is_emitted: bool,
    /// What it was made of, where that is an input of the class.
    pub(super) input: Option<&'d InputDefinition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WidgetKind {
    Integer,
    Float,
    Text,
    Combo,
    DynamicCombo,
    Curve,
    Other,
}

impl WidgetKind {
    /// The widget that the editor has for inputs of this type; nothing for types that are slots only.
    pub(super) fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "INT" => Self::Integer,
            "FLOAT" => Self::Float,
            "STRING" => Self::Text,
            "COMBO" => Self::Combo,
            "COMFY_DYNAMICCOMBO_V3" => Self::DynamicCombo,
            "CURVE" => Self::Curve,
            "BOOLEAN" | "COLOR" | "BOUNDING_BOX" | "BOUNDING_BOXES" | "COLORS" | "RANGE" | "IMAGECOMPARE"
            | "PAINTER" | "COMPOSITOR" | "MARKDOWN" | "TEXTAREA" | "CHART" | "GALLERIA" | "IMAGEUPLOAD"
            | "AUDIOUPLOAD" | "AUDIO_UI" | "AUDIO_RECORD" | "WEBCAM" | "LOAD_3D" | "PREVIEW_3D"
            | "LOAD_3D_ADVANCED" => Self::Other,
            _ => return None,
        })
    }

    /// The value of a new widget, where the declaration has none.
    pub(super) fn default_value(self, kind: &str) -> Option<Value> {
        match (self, kind) {
            (Self::Integer | Self::Float, _) => Some(json!(0)),
            (Self::Text, _) => Some(json!("")),
            (Self::Other, "BOOLEAN") => Some(json!(false)),
            (Self::Other, "COLOR") => Some(json!("#000000")),
            (Self::Other, "BOUNDING_BOX") => Some(json!({"x": 0, "y": 0, "width": 512, "height": 512})),
            (Self::Other, "BOUNDING_BOXES" | "COLORS") => Some(json!([])),
            (Self::Other, "COMPOSITOR") => Some(json!({})),
            (Self::Curve, _) => Some(json!({"points": [[0, 0], [1, 1]], "interpolation": "monotone_cubic"})),
            (Self::Other, _) => Some(json!("")),
            (Self::Combo | Self::DynamicCombo, _) => None,
        }
    }
}

impl Widget<'_> {
    /// The value as it stands in a prompt: the server takes a bare list for a link.
    pub(super) fn in_prompt(&self, value: Value) -> Value {
        match value {
            Value::Array(_) if self.kind == WidgetKind::Curve => json!({"__type__": "CURVE", "__value__": value}),
            Value::Array(_) => json!({"__value__": value}),
            value => value,
        }
    }

    /// Whether the declaration says that comments and choices in the text are resolved.
    pub(super) fn has_dynamic_prompts(&self) -> bool {
        self.kind == WidgetKind::Text && self.input.is_some_and(|input| input.options.has_dynamic_prompts)
    }
}
