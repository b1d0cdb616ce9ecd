use serde::Serialize;

use super::input::{InputDescription, inputs_of};
use super::made::{OutputDescription, outputs_of};
use crate::error::one_line;
use crate::preflight::{folder_of, is_model_name};
use crate::{FileKind, NodeClasses, PackOrigin, Preflight, Problem, Provenance, Workflow};

/// The most entries of each list.
const MAX_ENTRIES: usize = 300;

/// A workflow in the words of those who fill it in.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Description {
    /// How many nodes it has.
    pub nodes: usize,
    /// Values that can be set, in the workflow's order; at most 300.
    pub inputs: Vec<InputDescription>,
    /// Inputs that a file can be uploaded for.
    pub files: Vec<FileDescription>,
    /// What it makes.
    pub outputs: Vec<OutputDescription>,
    /// The model files that it names.
    pub models: Vec<ModelDescription>,
    /// The node classes that it uses, each once.
    pub classes: Vec<String>,
    /// Those of them that this server does not have.
    pub missing_classes: Vec<MissingClass>,
    /// What the server would refuse, or may: one sentence each.
    pub problems: Vec<String>,
    /// Whether the server can run it as it stands, as far as can be told.
    pub is_runnable: bool,
}

/// An input that names an uploaded file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileDescription {
    /// What a value is given by: `10.image`.
    pub key: String,
    /// The node's title, where it has one.
    pub title: Option<String>,
    /// `image`, `audio`, `video` or `file`.
    pub takes: &'static str,
    /// The file that stands there.
    pub value: Option<String>,
}

/// A model file that a workflow names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelDescription {
    /// The input that names it: `4.ckpt_name`.
    pub key: String,
    /// The file.
    pub name: String,
    /// The folder of models that it belongs to, as far as that is known.
    pub folder: Option<String>,
    /// Whether the server has it; not known where the input has no list.
    pub is_on_server: Option<bool>,
    /// Where the workflow says that it can be had.
    pub url: Option<String>,
    /// Names like it that the server has, where it does not have this one.
    pub near: Vec<String>,
}

/// A class that the server does not have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MissingClass {
    /// The class.
    pub class_type: String,
    /// The pack that has it, as far as the workflow tells.
    pub pack: Option<PackOrigin>,
}

/// Describes a prompt by what the server declares of its classes.
#[must_use]
pub fn describe(
    workflow: &Workflow,
    classes: &NodeClasses,
    provenance: &Provenance,
    preflight: &Preflight,
) -> Description {
    let mut names: Vec<String> = workflow.nodes().values().map(|node| node.class_type.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let mut missing_classes: Vec<MissingClass> = Vec::new();
    for finding in &preflight.findings {
        let Problem::UnknownClass { pack } = &finding.problem else { continue };
        let class_type = &finding.node.class_type;
        if !missing_classes.iter().any(|known| known.class_type == *class_type) {
            missing_classes.push(MissingClass { class_type: class_type.clone(), pack: pack.clone() });
        }
    }
    let inputs = inputs_of(workflow, classes, MAX_ENTRIES);
    let files = workflow.file_inputs(classes).into_iter().take(MAX_ENTRIES).map(|input| {
        let value = workflow.node(&input.place.node_id).and_then(|node| node.inputs.get(&input.place.input));
        FileDescription {
            key: format!("{}.{}", input.place.node_id, input.place.input),
            title: input.node.title,
            takes: FileKind::as_str(input.takes),
            value: value.and_then(serde_json::Value::as_str).map(|value| one_line(value, 200)),
        }
    });
    Description {
        nodes: workflow.nodes().len(),
        inputs,
        files: files.collect(),
        outputs: outputs_of(workflow, classes).into_iter().take(MAX_ENTRIES).collect(),
        models: models_of(workflow, classes, provenance, preflight),
        classes: names.into_iter().take(MAX_ENTRIES).collect(),
        missing_classes: missing_classes.into_iter().take(MAX_ENTRIES).collect(),
        problems: preflight.findings.iter().take(MAX_ENTRIES).map(ToString::to_string).collect(),
        is_runnable: !preflight.is_refused,
    }
}

fn models_of(
    workflow: &Workflow,
    classes: &NodeClasses,
    provenance: &Provenance,
    preflight: &Preflight,
) -> Vec<ModelDescription> {
    let mut models = Vec::new();
    for (id, node) in workflow.nodes() {
        for (input, value) in &node.inputs {
            if models.len() >= MAX_ENTRIES {
                return models;
            }
            let Some(name) = value.as_str().filter(|name| is_model_name(name)) else { continue };
            let declared = classes.input(&node.class_type, input);
            let missing = preflight
                .missing_models()
                .find(|(finding, _)| finding.node.id == *id && finding.input.as_deref() == Some(input.as_str()));
            let origin = provenance.model(name, folder_of(&node.class_type, input));
            let said = origin.and_then(|origin| origin.directory.clone());
            models.push(ModelDescription {
                key: format!("{id}.{input}"),
                name: one_line(name, 200),
                folder: said.or_else(|| folder_of(&node.class_type, input).map(str::to_owned)),
                is_on_server: declared
                    .filter(|declared| matches!(declared.kind, crate::InputType::Choice(Some(_))))
                    .map(|_| missing.is_none()),
                url: origin.and_then(|origin| origin.url.clone()),
                near: missing.map(|(_, model)| model.near.clone()).unwrap_or_default(),
            });
        }
    }
    models
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{NodeClass, preflight};

    fn described() -> Description {
        let class = |name: &str, entry| (name.to_owned(), NodeClass::read(&entry));
        let many: Vec<String> = (0..50).map(|number| format!("s{number}")).collect();
        let classes: NodeClasses = [
            class("Load", json!({"python_module": "nodes", "output": ["MODEL"],
                "input": {"required": {"ckpt_name": [["a.safetensors"]]}}})),
            class("LoadImage", json!({"python_module": "nodes", "output": ["IMAGE"],
                "input": {"required": {"image": [["x.png"], {"image_upload": true}]}}})),
            class("Paint", json!({"python_module": "nodes", "output": ["IMAGE"], "input": {"required": {
                "model": ["MODEL"], "seed": ["INT", {"min": 0, "max": u64::MAX}], "sampler": [many], "text": ["STRING"]}}})),
            class("PreviewImage", json!({"python_module": "nodes", "output": [], "output_node": true,
                "input": {"required": {"images": ["IMAGE"]}}})),
        ]
        .into_iter()
        .collect();
        let workflow = json!({
            "1": {"class_type": "Load", "inputs": {"ckpt_name": "b.safetensors"}},
            "2": {"class_type": "LoadImage", "inputs": {"image": "x.png"}, "_meta": {"title": "Photo"}},
            "3": {"class_type": "Paint", "_meta": {"title": "Painter"}, "inputs": {
                "model": ["1", 0], "seed": u64::MAX, "sampler": "s1", "text": "a\n".repeat(400)}},
            "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
            "5": {"class_type": "Fancy", "inputs": {}},
        });
        let provenance = Provenance::read(
            r#"{"models": [{"name": "b.safetensors", "url": "https://example.com/b", "directory": "checkpoints"}]}"#,
        );
        let workflow = Workflow::parse(&workflow.to_string()).unwrap();
        let found = preflight(&workflow, &classes, &[], &provenance);
        describe(&workflow, &classes, &provenance, &found)
    }

    #[test]
    fn inputs_outputs_files_models_and_gaps_are_told() {
        let described = described();
        let keys: Vec<&str> = described.inputs.iter().map(|input| input.key.as_str()).collect();
        assert_eq!(keys, ["1.ckpt_name", "3.seed", "3.sampler", "3.text"]);
        assert_eq!(described.inputs[1].value, json!("18446744073709551615"), "numbers lose digits on their way");
        assert_eq!((described.inputs[2].choices.len(), described.inputs[2].more_choices), (20, 30));
        assert!(described.inputs[3].value.as_str().unwrap().chars().count() <= 301);
        assert_eq!((described.files[0].key.as_str(), described.files[0].takes), ("2.image", "image"));
        assert_eq!((described.outputs[0].kind, described.outputs[0].is_preview), ("image", true));
        let model = &described.models[0];
        assert_eq!((model.is_on_server, model.folder.as_deref()), (Some(false), Some("checkpoints")));
        assert_eq!(described.missing_classes[0].class_type, "Fancy");
        assert!(!described.is_runnable);
    }

    #[test]
    fn the_text_has_a_line_for_each() {
        let text = described().to_string();
        for line in [
            "- 3.sampler: choice of s0, s1, s2",
            "- 2.image: image [Photo], now \"x.png\"",
            "- node 4 (PreviewImage): image, only shown",
            "- 1.ckpt_name = b.safetensors in checkpoints: MISSING on the server, to be had at https://example.com/b",
            "- Fancy\n",
            "The server cannot run it as it stands.",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        assert!(text.lines().all(|line| line.len() < 700), "{text}");
    }
}
