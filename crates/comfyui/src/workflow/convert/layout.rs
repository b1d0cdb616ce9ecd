//! From the declaration of a class to the widgets and slots that the editor gives its nodes.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::class_extras::{self, Extra};
use super::saved_values::{Saved, SavedValues};
use super::widget::{Widget, WidgetKind};
use crate::{Control, InputDefinition, NodeDefinition};

/// How many combos may stand inside of each other.
const MAX_COMBO_DEPTH: usize = 16;
/// The most inputs that one growing input is given without being asked.
const MAX_GROWN: usize = 100;

/// The widget that changes a value after each run.
const CONTROL: &str = "control_after_generate";

/// The widgets of a node, and its slots in the editor's order: those that only take links, then those of widgets.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout<'d> {
    pub(super) widgets: Vec<Widget<'d>>,
    pub(super) slots: Vec<LayoutSlot>,
    /// The prefixes, such as `resize_type.`, whose inputs are those of a chosen option only.
    pub(super) combo_prefixes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LayoutSlot {
    pub(super) name: String,
    pub(super) kind: String,
    /// The place of its widget.
    pub(super) widget: Option<usize>,
}

/// Lays a node out, with its saved values. `saved_inputs` are the names of the slots that the file has, of which a
/// growing input takes its own.
pub(super) fn layout<'d>(
    class: &str,
    definition: &'d NodeDefinition,
    values: &mut SavedValues<'_>,
    saved_inputs: &[&str],
) -> Layout<'d> {
    let mut builder = Builder { class, values, saved_inputs, layout: Layout::default(), widget_slots: Vec::new() };
    let required = definition.inputs.iter().filter(|input| !input.is_optional);
    for input in required {
        builder.input("", input, 0);
        for extra in class_extras::after_input(class, &input.name) {
            builder.extra(extra);
        }
    }
    for extra in class_extras::after_required(class, definition) {
        builder.extra(extra);
    }
    for input in definition.inputs.iter().filter(|input| input.is_optional) {
        builder.input("", input, 0);
    }
    for extra in class_extras::at_the_end(class) {
        builder.extra(extra);
    }
    if class == class_extras::CUSTOM_COMBO {
        builder.custom_combo();
    }
    let Builder { mut layout, widget_slots, .. } = builder;
    layout.slots.extend(widget_slots);
    layout
}

struct Builder<'d, 'v, 's> {
    class: &'s str,
    values: &'s mut SavedValues<'v>,
    saved_inputs: &'s [&'s str],
    layout: Layout<'d>,
    widget_slots: Vec<LayoutSlot>,
}

impl<'d> Builder<'d, '_, '_> {
    fn input(&mut self, prefix: &str, input: &'d InputDefinition, depth: usize) {
        let name = format!("{prefix}{}", input.name);
        let kind = input.options.widget_type.as_deref().unwrap_or(&input.kind);
        let widget = WidgetKind::of(kind).filter(|_| !input.options.force_input);
        match (widget, &*input.kind) {
            (Some(widget), _) => self.widget(name, kind, widget, input, depth),
            (None, "COMFY_AUTOGROW_V3") => self.growing(&name, input, depth),
            (None, "COMFY_MATCHTYPE_V3") => {
                self.socket(name, input.options.allowed_types.as_deref().unwrap_or("*").to_owned(), depth);
            }
            (None, kind) => self.socket(name, kind.to_owned(), depth),
        }
    }

    fn socket(&mut self, name: String, kind: String, depth: usize) {
        let slot = LayoutSlot { name, kind, widget: None };
        // Those of a combo's option stand with the combo.
        if depth == 0 { self.layout.slots.push(slot) } else { self.widget_slots.push(slot) }
    }

    fn widget(&mut self, name: String, kind: &str, widget: WidgetKind, input: &'d InputDefinition, depth: usize) {
        let options = &input.options;
        let default = options.default.clone().or_else(|| match widget {
            WidgetKind::Combo if options.is_remote => Some(json!("Loading...")),
            // Its choices are what the user writes, and a new node has none.
            WidgetKind::Combo if self.class == class_extras::CUSTOM_COMBO => Some(json!("")),
            WidgetKind::Combo => options.first_choice.clone(),
            WidgetKind::DynamicCombo => options.dynamic.first().map(|option| json!(option.key)),
            widget => widget.default_value(kind),
        });
        let has_place = kind != "AUDIO_UI" && kind != "IMAGECOMPARE";
        let default = if kind == "IMAGECOMPARE" { Some(json!(["", ""])) } else { default };
        let at = self.layout.widgets.len();
        self.push(&name, widget, default, Place { has_place, is_emitted: true }, Some(input));
        if widget == WidgetKind::DynamicCombo {
            self.chosen(&name, at, input, depth);
        }
        let kind_of_slot = class_extras::slot_type(self.class, &input.kind).to_owned();
        self.widget_slots.push(LayoutSlot { name: name.clone(), kind: kind_of_slot, widget: Some(at) });
        self.followers(&name, kind, widget, input);
    }

    /// The inputs of the option that a dynamic combo has chosen.
    fn chosen(&mut self, name: &str, at: usize, input: &'d InputDefinition, depth: usize) {
        let prefix = format!("{name}.");
        let value = self.layout.widgets.get(at).and_then(|widget| widget.value.as_ref());
        let option = value.and_then(|value| {
            let chosen = |key: &str| value.as_str() == Some(key);
            input.options.dynamic.iter().find(|option| chosen(&option.key))
        });
        self.layout.combo_prefixes.push(prefix.clone());
        if let Some(option) = option
            && depth < MAX_COMBO_DEPTH
        {
            for inner in &option.inputs {
                self.input(&prefix, inner, depth + 1);
            }
        }
    }

    /// The widgets that come with one.
    fn followers(&mut self, name: &str, kind: &str, widget: WidgetKind, input: &InputDefinition) {
        let hidden = Place { has_place: true, is_emitted: false };
        let control = match &input.options.control {
            Control::On(said) => Some(said.as_deref().unwrap_or(CONTROL)),
            Control::Unsaid if widget == WidgetKind::Integer && matches!(name, "seed" | "noise_seed") => Some(CONTROL),
            Control::Unsaid | Control::Off => None,
        };
        if let Some(control) = control
            && matches!(widget, WidgetKind::Integer | WidgetKind::Float | WidgetKind::Combo)
        {
            let default = if control == CONTROL { "randomize" } else { control };
            self.push(control, WidgetKind::Combo, Some(json!(default)), hidden, None);
            if widget == WidgetKind::Combo {
                self.push("control_filter_list", WidgetKind::Text, Some(json!("")), hidden, None);
            }
        }
        if kind == "BOUNDING_BOX" {
            for (part, default) in [("x", 0), ("y", 0), ("width", 512), ("height", 512)] {
                self.push(part, WidgetKind::Integer, Some(json!(default)), hidden, None);
            }
        }
        if widget == WidgetKind::Combo && input.options.is_remote {
            self.push("Auto-refresh after generation", WidgetKind::Other, Some(json!(false)), hidden, None);
            if input.options.has_refresh_button {
                let shown = Place { has_place: true, is_emitted: true };
                self.push("refresh", WidgetKind::Other, Some(json!("refresh")), shown, None);
            }
        }
    }

    /// The slots of an input that grows with its links: those that a new node has, and those that the file has.
    fn growing(&mut self, name: &str, input: &'d InputDefinition, depth: usize) {
        let Some(grown) = &input.options.autogrow else { return };
        let prefix = format!("{name}.");
        let shown = grown.min.saturating_add(1).min(grown.max).min(MAX_GROWN);
        let mut names: Vec<String> = match &grown.names {
            Some(names) => names.iter().take(shown).map(|name| format!("{prefix}{name}")).collect(),
            None => (0..shown).map(|number| format!("{prefix}{}{number}", grown.prefix)).collect(),
        };
        let known: HashSet<&str> = names.iter().map(String::as_str).collect();
        let saved = self.saved_inputs.iter().filter(|saved| saved.starts_with(&prefix) && !known.contains(**saved));
        let more: Vec<String> = saved.map(|saved| (*saved).to_owned()).collect();
        names.extend(more);
        for name in names {
            self.socket(name, grown.kind.to_string(), depth);
        }
    }

    fn extra(&mut self, extra: Extra) {
        let at = self.layout.widgets.len();
        self.push(extra.name, WidgetKind::Other, Some(extra.value), extra.place, None);
        if let Some(kind) = extra.slot {
            let slot = LayoutSlot { name: extra.name.to_owned(), kind: kind.to_owned(), widget: Some(at) };
            self.widget_slots.push(slot);
        }
    }

    /// What the editor adds to `CustomCombo`: the place of the choice, and the options that the user has written, with
    /// an empty one at the end.
    fn custom_combo(&mut self) {
        let shown = Place { has_place: true, is_emitted: true };
        self.push("index", WidgetKind::Other, Some(json!(0)), shown, None);
        let index = self.layout.widgets.len() - 1;
        let mut options = Vec::new();
        loop {
            let name = format!("option{}", options.len() + 1);
            self.push(&name, WidgetKind::Text, Some(json!("")), shown, None);
            let value = self.layout.widgets.last().and_then(|widget| widget.value.clone()).unwrap_or_default();
            let is_last = value == json!("");
            options.push(value);
            if is_last && self.values.left() == 0 {
                break;
            }
        }
        let choice = self.layout.widgets.iter().find(|widget| widget.name == "choice").and_then(|it| it.value.clone());
        if let Some(choice) = choice.filter(|choice| *choice != json!("")) {
            let place = options.iter().position(|option| *option == choice);
            let place = place.map_or(json!(-1), |place| json!(place));
            if let Some(widget) = self.layout.widgets.get_mut(index) {
                widget.value = Some(place);
            }
        }
    }

    fn push(
        &mut self,
        name: &str,
        kind: WidgetKind,
        default: Option<Value>,
        place: Place,
        input: Option<&'d InputDefinition>,
    ) {
        let saved = if place.has_place { self.values.next(name) } else { Saved::Default };
        let is_multiline = kind == WidgetKind::Text && input.is_some_and(|input| input.options.is_multiline);
        let first = || match kind {
            WidgetKind::Combo => input.and_then(|input| input.options.first_choice.clone()),
            WidgetKind::DynamicCombo => input.and_then(|input| Some(json!(input.options.dynamic.first()?.key))),
            _ => None,
        };
        let value = match saved {
            Saved::Default => default,
            // A text area shows what JavaScript makes of nothing.
            Saved::Undefined if is_multiline => Some(json!("undefined")),
            Saved::Undefined => first(),
            Saved::Value(Value::Null) if is_multiline => Some(json!("")),
            Saved::Value(Value::Null) => first().or(Some(Value::Null)),
            Saved::Value(value) => Some(value.clone()),
        };
        let Place { has_place, is_emitted } = place;
        self.layout.widgets.push(Widget { name: name.to_owned(), kind, value, has_place, is_emitted, input });
    }
}

/// Where a widget shows up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// In `widgets_values`.
    pub(super) has_place: bool,
    /// In the prompt.
    pub(super) is_emitted: bool,
}
