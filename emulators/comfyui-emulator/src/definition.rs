//! The definition of a node class, and its `/object_info` entry.

use serde_json::{Map, Value, json};

/// Which generation of ComfyUI's node API a class is written in; their entries differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Schema {
    /// A class with `INPUT_TYPES`.
    V1,
    /// A class with `define_schema`.
    V3,
}

/// The type of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputKind {
    /// A ComfyUI type: `"INT"`, `"IMAGE"`, ... or `"*"` for any.
    Type(&'static str),
    /// One of these texts.
    Choice(Vec<String>),
}

/// One input.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct InputDefinition {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: InputKind,
    /// Default, range and so on, as ComfyUI writes them.
    pub options: Map<String, Value>,
    /// Whether a prompt must give it.
    pub required: bool,
}

impl InputDefinition {
    /// A required input of a ComfyUI type.
    #[must_use]
    pub fn new(name: &'static str, kind: &'static str) -> Self {
        Self { name, kind: InputKind::Type(kind), options: Map::new(), required: true }
    }

    /// A required choice.
    #[must_use]
    pub fn choice<T: Into<String>>(name: &'static str, options: impl IntoIterator<Item = T>) -> Self {
        let options = options.into_iter().map(Into::into).collect();
        Self { name, kind: InputKind::Choice(options), options: Map::new(), required: true }
    }

    /// The same input with one more option.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.options.insert(key.to_owned(), value.into());
        self
    }

    /// The same input, not required.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    /// An INT with a default and a range.
    #[must_use]
    pub fn int(name: &'static str, default: i64, min: i64, max: i64) -> Self {
        Self::new(name, "INT").with("default", default).with("min", min).with("max", max)
    }

    /// A FLOAT with a default, a range and a step.
    #[must_use]
    pub fn float(name: &'static str, default: f64, min: f64, max: f64, step: f64) -> Self {
        Self::new(name, "FLOAT").with("default", default).with("min", min).with("max", max).with("step", step)
    }

    /// The options as validation sees them: V3 classes keep the choices here.
    pub(crate) fn validation_options(&self, schema: Schema) -> Map<String, Value> {
        match (&self.kind, schema) {
            (InputKind::Choice(choices), Schema::V3) => {
                let mut options = Map::new();
                options.insert("multiselect".to_owned(), Value::from(false));
                options.insert("options".to_owned(), json!(choices));
                options.extend(self.options.clone());
                options
            }
            _ => self.options.clone(),
        }
    }

    /// `[type, options]`, as errors show it.
    pub(crate) fn config(&self, schema: Schema) -> Value {
        json!([self.type_json(schema), self.validation_options(schema)])
    }

    fn type_json(&self, schema: Schema) -> Value {
        match (&self.kind, schema) {
            (InputKind::Type(name), _) => Value::from(*name),
            (InputKind::Choice(_), Schema::V3) => Value::from("COMBO"),
            (InputKind::Choice(choices), Schema::V1) => json!(choices),
        }
    }

    /// As `/object_info` shows it: V1 classes leave empty options out.
    fn object_info(&self, schema: Schema) -> Value {
        let options = self.validation_options(schema);
        if options.is_empty() && schema == Schema::V1 {
            json!([self.type_json(schema)])
        } else {
            json!([self.type_json(schema), options])
        }
    }
}

/// One output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutputDefinition {
    /// Its ComfyUI type.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// What ComfyUI tells about a node class.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct NodeDefinition {
    /// The name that prompts use.
    pub class_type: &'static str,
    /// The name that people see.
    pub display_name: &'static str,
    /// What it does. The emulator's stand-ins say so here.
    pub description: &'static str,
    /// Where people find it.
    pub category: &'static str,
    /// Where ComfyUI has it.
    pub python_module: &'static str,
    /// Its generation.
    pub schema: Schema,
    /// Whether a prompt can end in it.
    pub output_node: bool,
    /// Whether its display name or entry says that it is deprecated.
    pub deprecated: bool,
    /// What a prompt gives it.
    pub inputs: Vec<InputDefinition>,
    /// What the server gives it, by name.
    pub hidden: Vec<(&'static str, &'static str)>,
    /// What it gives.
    pub outputs: Vec<OutputDefinition>,
    /// Other words under which people find it.
    pub search_aliases: &'static [&'static str],
    /// Its group in the short list of nodes.
    pub essentials_category: Option<&'static str>,
}

impl NodeDefinition {
    /// A class with nothing but names.
    #[must_use]
    pub fn new(class_type: &'static str, display_name: &'static str, schema: Schema) -> Self {
        Self {
            class_type,
            display_name,
            description: "",
            category: "",
            python_module: "nodes",
            schema,
            output_node: false,
            deprecated: false,
            inputs: Vec::new(),
            hidden: Vec::new(),
            outputs: Vec::new(),
            search_aliases: &[],
            essentials_category: None,
        }
    }

    /// With this category.
    #[must_use]
    pub fn category(mut self, category: &'static str) -> Self {
        self.category = category;
        self
    }

    /// With this description.
    #[must_use]
    pub fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// From this Python module.
    #[must_use]
    pub fn python_module(mut self, module: &'static str) -> Self {
        self.python_module = module;
        self
    }

    /// With one more input.
    #[must_use]
    pub fn input(mut self, input: InputDefinition) -> Self {
        self.inputs.push(input);
        self
    }

    /// With one more hidden input.
    #[must_use]
    pub fn hidden(mut self, name: &'static str, kind: &'static str) -> Self {
        self.hidden.push((name, kind));
        self
    }

    /// With one more output, named as its type.
    #[must_use]
    pub fn output(self, kind: &'static str) -> Self {
        self.named_output(kind, kind)
    }

    /// With one more output.
    #[must_use]
    pub fn named_output(mut self, kind: &'static str, name: &'static str) -> Self {
        self.outputs.push(OutputDefinition { kind, name });
        self
    }

    /// As an output node.
    #[must_use]
    pub fn output_node(mut self) -> Self {
        self.output_node = true;
        self
    }

    /// As deprecated.
    #[must_use]
    pub fn deprecated(mut self) -> Self {
        self.deprecated = true;
        self
    }

    /// With these aliases.
    #[must_use]
    pub fn search_aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.search_aliases = aliases;
        self
    }

    /// In this group of the short list.
    #[must_use]
    pub fn essentials(mut self, category: &'static str) -> Self {
        self.essentials_category = Some(category);
        self
    }

    pub(crate) fn input_named(&self, name: &str) -> Option<&InputDefinition> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The entry of `/object_info` (ComfyUI's `node_info` in `server.py` and `get_v1_info` in
    /// `comfy_api/latest/_io.py`).
    pub(crate) fn object_info(&self) -> Value {
        let mut groups: Vec<(&str, Map<String, Value>)> = Vec::new();
        for (group, required) in [("required", true), ("optional", false)] {
            let inputs: Map<String, Value> = self
                .inputs
                .iter()
                .filter(|input| input.required == required)
                .map(|input| (input.name.to_owned(), input.object_info(self.schema)))
                .collect();
            if !inputs.is_empty() {
                groups.push((group, inputs));
            }
        }
        if !self.hidden.is_empty() {
            let hidden = |kind: &str| match self.schema {
                Schema::V1 => json!(kind),
                Schema::V3 => json!([kind]),
            };
            let inputs = self.hidden.iter().map(|&(name, kind)| (name.to_owned(), hidden(kind)));
            groups.push(("hidden", inputs.collect()));
        }
        let order: Map<String, Value> = groups
            .iter()
            .map(|(group, inputs)| ((*group).to_owned(), inputs.keys().map(String::as_str).collect()))
            .collect();
        let input: Map<String, Value> =
            groups.into_iter().map(|(group, inputs)| (group.to_owned(), Value::Object(inputs))).collect();
        let kinds: Vec<&str> = self.outputs.iter().map(|output| output.kind).collect();
        let names: Vec<&str> = self.outputs.iter().map(|output| output.name).collect();
        let lists = vec![false; kinds.len()];

        let mut info = json!({
            "input": input,
            "input_order": order,
            "is_input_list": false,
            "output": kinds,
            "output_is_list": lists,
            "output_name": names,
        });
        let Some(entry) = info.as_object_mut() else { return info };
        let mut add = |key: &str, value: Value| {
            entry.insert(key.to_owned(), value);
        };
        if self.schema == Schema::V3 {
            add("output_tooltips", self.outputs.iter().map(|_| Value::Null).collect());
            add("output_matchtypes", Value::Null);
        }
        add("name", json!(self.class_type));
        add("display_name", json!(self.display_name));
        add("description", json!(self.description));
        add("python_module", json!(self.python_module));
        add("category", json!(self.category));
        add("output_node", json!(self.output_node));
        match self.schema {
            Schema::V1 => {
                add("has_intermediate_output", json!(false));
                if self.deprecated {
                    add("deprecated", json!(true));
                }
                add("search_aliases", json!(self.search_aliases));
                if let Some(category) = self.essentials_category {
                    add("essentials_category", json!(category));
                }
            }
            Schema::V3 => {
                add("deprecated", json!(self.deprecated));
                for flag in ["experimental", "dev_only", "api_node"] {
                    add(flag, json!(false));
                }
                add("price_badge", Value::Null);
                let aliases = self.search_aliases;
                add("search_aliases", if aliases.is_empty() { Value::Null } else { json!(aliases) });
                add("essentials_category", json!(self.essentials_category));
                add("has_intermediate_output", json!(false));
            }
        }
        info
    }
}
