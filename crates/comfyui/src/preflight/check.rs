use std::collections::HashSet;
use std::fmt;

use serde_json::Value;

use super::reach::with_all_behind;
use super::value::refusal;
use super::{Certainty, Finding, MissingModel, Problem, Provenance};
use crate::{InputDeclaration, InputType, Node, NodeClass, NodeClasses, NodeLabel, Workflow};

/// The most findings that one text lists.
const MAX_LISTED: usize = 20;
/// The most findings about inputs. No more are looked for: names that are like a wrong one cost time.
const MAX_KEPT: usize = 200;

/// What is wrong with a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// All that was found, in the workflow's order.
    pub findings: Vec<Finding>,
    /// Whether the server is sure to refuse the prompt as a whole: it runs what it can as soon as one output is valid.
    pub is_refused: bool,
    /// Whether nothing in it is an output, which the server refuses as well.
    pub has_no_outputs: bool,
}

/// Checks a prompt by the server's own rules (`execution.py`, `validate_prompt` and `validate_inputs`), as far as
/// `/object_info` tells them.
///
/// `classes` must have been asked for all classes of the prompt: one that is missing there is unknown to the server.
/// `replaced` are those that it replaces by others ([`replaced_classes`](crate::ComfyUi::replaced_classes)).
#[must_use]
pub fn preflight(
    workflow: &Workflow,
    classes: &NodeClasses,
    replaced: &[String],
    provenance: &Provenance,
) -> Preflight {
    let mut findings = Vec::new();
    let mut is_replaced = false;
    let mut is_unknown = false;
    for (id, node) in workflow.nodes() {
        match classes.get(&node.class_type) {
            Some(_) if findings.len() >= MAX_KEPT => {}
            Some(class) => Checked { workflow, classes, provenance, id, node, class }.add_to(&mut findings),
            None if replaced.contains(&node.class_type) => is_replaced = true,
            None => {
                is_unknown = true;
                if findings.len() >= MAX_KEPT {
                    continue;
                }
                let pack = provenance.pack(&node.class_type).cloned();
                let problem = Problem::UnknownClass { pack };
                let node = workflow.node_label(id);
                findings.push(Finding { node, input: None, problem, certainty: Certainty::Sure });
            }
        }
    }
    let is_output = |node: &Node| classes.get(&node.class_type).is_some_and(NodeClass::is_output);
    let outputs: Vec<&str> =
        workflow.nodes().iter().filter(|(_, node)| is_output(node)).map(|(id, _)| id.as_str()).collect();
    let sure: HashSet<&str> = findings
        .iter()
        .filter(|finding| finding.certainty == Certainty::Sure)
        .filter_map(|finding| workflow.nodes().get_key_value(&finding.node.id).map(|(id, _)| id.as_str()))
        .collect();
    let failing = with_all_behind(sure, workflow, classes);
    let has_no_outputs = outputs.is_empty() && !is_replaced && !is_unknown;
    let all_fail = !failing.is_empty() && outputs.iter().all(|output| failing.contains(output));
    // What a replaced node is in the end, and what feeds it then, is not known.
    let is_refused = is_unknown || (!is_replaced && (has_no_outputs || all_fail));
    Preflight { findings, is_refused, has_no_outputs }
}

struct Checked<'a> {
    workflow: &'a Workflow,
    classes: &'a NodeClasses,
    provenance: &'a Provenance,
    id: &'a str,
    node: &'a Node,
    class: &'a NodeClass,
}

impl Checked<'_> {
    fn add_to(&self, findings: &mut Vec<Finding>) {
        for (input, declaration) in self.class.inputs() {
            let found = match self.node.inputs.get(input) {
                None if declaration.is_required && !is_dynamic(declaration) => {
                    Some((Problem::MissingInput, Certainty::Sure))
                }
                None => None,
                Some(Value::Array(link)) => self.link(link, declaration),
                Some(value) => self.value(input, value, declaration),
            };
            if let Some((problem, certainty)) = found {
                let node = self.label(self.id);
                findings.push(Finding { node, input: Some(input.clone()), problem, certainty });
            }
        }
    }

    fn label(&self, id: &str) -> NodeLabel {
        self.workflow.node_label(id)
    }

    fn value(&self, input: &str, value: &Value, declaration: &InputDeclaration) -> Option<(Problem, Certainty)> {
        let (error, certainty) = refusal(declaration, value)?;
        let certainty = if self.class.is_base() { certainty } else { Certainty::Possible };
        let choices = match &declaration.kind {
            InputType::Choice(Some(choices)) => choices.as_slice(),
            _ => return Some((Problem::Value(error), certainty)),
        };
        // `nodes.py` looks for files by itself in these.
        let certainty = if matches!(input, "image" | "latent") { Certainty::Possible } else { certainty };
        let missing = value
            .as_str()
            .and_then(|name| MissingModel::of(name, &self.node.class_type, input, choices, self.provenance));
        Some((missing.map_or(Problem::Value(error), Problem::MissingModel), certainty))
    }

    /// The server takes every list for a link.
    fn link(&self, link: &[Value], declaration: &InputDeclaration) -> Option<(Problem, Certainty)> {
        let [source, slot] = link else { return Some((Problem::NoLink, Certainty::Sure)) };
        let Some(source) = source.as_str() else { return Some((Problem::NoLink, Certainty::Sure)) };
        let Some(node) = self.workflow.node(source) else {
            return Some((Problem::MissingNode { id: source.to_owned() }, Certainty::Sure));
        };
        // One that is unknown is told of where it stands.
        let outputs = self.classes.get(&node.class_type)?.outputs();
        let gives = slot.as_u64().and_then(|slot| outputs.get(usize::try_from(slot).ok()?));
        let Some(gives) = gives else {
            // Python counts negative ones from the end.
            let is_odd = slot.as_i64().is_some_and(|slot| slot < 0);
            let problem =
                Problem::MissingOutput { from: self.label(source), slot: slot.to_string(), count: outputs.len() };
            return (!is_odd).then_some((problem, Certainty::Sure));
        };
        let takes = type_name(declaration);
        if goes_into(gives, takes) {
            return None;
        }
        let problem = Problem::TypeMismatch { from: self.label(source), gives: gives.clone(), takes: takes.to_owned() };
        // Nodes may compare types by themselves, and some do so by odd classes of texts.
        Some((problem, if self.class.is_base() { Certainty::Sure } else { Certainty::Possible }))
    }
}

fn type_name(declaration: &InputDeclaration) -> &str {
    match &declaration.kind {
        InputType::Int { .. } => "INT",
        InputType::Float { .. } => "FLOAT",
        InputType::Text => "STRING",
        InputType::Boolean => "BOOLEAN",
        InputType::Choice(_) => "COMBO",
        InputType::Other(name) => name,
    }
}

/// Whether its inputs are made of what the prompt holds (`comfy_api/latest/_io.py`): `COMFY_AUTOGROW_V3` and its like.
fn is_dynamic(declaration: &InputDeclaration) -> bool {
    matches!(&declaration.kind, InputType::Other(name) if name.starts_with("COMFY_"))
}

/// As `comfy_execution/validation.py` has it, but what concerns lists of choices: those are compared there in ways that
/// depend on how a node declares them.
fn goes_into(gives: &str, takes: &str) -> bool {
    let parts = |types: &str| types.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
    let (gives, takes) = (parts(gives), parts(takes));
    let is_open = |part: &String| part == "*" || part == "COMBO" || part.is_empty() || part.starts_with("COMFY_");
    gives.iter().chain(&takes).any(is_open) || gives.iter().any(|part| takes.contains(part))
}

impl Preflight {
    /// The models that are missing, with the nodes that want them.
    pub fn missing_models(&self) -> impl Iterator<Item = (&Finding, &MissingModel)> {
        self.findings.iter().filter_map(|finding| match &finding.problem {
            Problem::MissingModel(model) => Some((finding, model)),
            _ => None,
        })
    }
}

/// All that was found, as one line.
impl fmt::Display for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_no_outputs {
            f.write_str("it needs a node that saves or previews something, such as SaveImage")?;
        }
        for (index, finding) in self.findings.iter().take(MAX_LISTED).enumerate() {
            write!(f, "{}{finding}", if index > 0 || self.has_no_outputs { "; " } else { "" })?;
        }
        match self.findings.len().checked_sub(MAX_LISTED) {
            Some(more) if more > 0 => write!(f, "; and {more} more"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn classes() -> NodeClasses {
        let class = |name: &str, entry: Value| (name.to_owned(), NodeClass::read(&entry));
        [
            class(
                "Load",
                json!({"python_module": "nodes", "output": ["MODEL", "VAE"],
                "input": {"required": {"ckpt_name": [["a.safetensors", "styles/b.safetensors"]]}}}),
            ),
            class(
                "Paint",
                json!({"python_module": "nodes", "output": ["IMAGE"],
                "input": {"required": {"model": ["MODEL"], "steps": ["INT", {"min": 1, "max": 10}]},
                    "optional": {"mask": ["MASK"]}}}),
            ),
            class(
                "Save",
                json!({"python_module": "nodes", "output": [], "output_node": true,
                "input": {"required": {"images": ["IMAGE"]}}}),
            ),
            class(
                "Custom",
                json!({"python_module": "custom_nodes.x", "output": [["a", "b"]], "output_node": true,
                "input": {"required": {"many": ["COMFY_AUTOGROW_V3", {}], "lora_name": [["l.pt"]],
                    "number": ["INT", {"max": 5}]}}}),
            ),
        ]
        .into_iter()
        .collect()
    }

    fn checked(workflow: Value, text: &str) -> Preflight {
        let workflow = Workflow::parse(&workflow.to_string()).unwrap();
        preflight(&workflow, &classes(), &["Old".to_owned()], &Provenance::read(text))
    }

    fn painting() -> Value {
        json!({
            "1": {"class_type": "Load", "inputs": {"ckpt_name": "a.safetensors"}},
            "2": {"class_type": "Paint", "inputs": {"model": ["1", 0], "steps": 5, "unknown": ["9", 0]}},
            "3": {"class_type": "Save", "inputs": {"images": ["2", 0]}},
        })
    }

    #[test]
    fn a_good_workflow_has_no_findings() {
        assert_eq!(checked(painting(), ""), Preflight::default());
    }

    #[test]
    fn an_unknown_class_is_refused_wherever_it_stands_unless_the_server_replaces_it() {
        let mut workflow = painting();
        workflow["7"] = json!({"class_type": "Old", "inputs": {}});
        assert!(!checked(workflow.clone(), "").is_refused);
        workflow["8"] = json!({"class_type": "New", "inputs": {}});
        let text = r#"{"nodes": [{"type": "New", "properties": {"aux_id": "me/pack"}}]}"#;
        let found = checked(workflow, text);
        assert!(found.is_refused);
        assert_eq!(found.to_string(), "node 8 (New): the server has no such node class; it comes with me/pack");
    }

    #[test]
    fn one_good_output_is_enough() {
        let mut workflow = painting();
        workflow["4"] = json!({"class_type": "Load", "inputs": {"ckpt_name": "b.safetensors"}});
        workflow["5"] = json!({"class_type": "Paint", "inputs": {"model": ["4", 0], "steps": 11}});
        let found = checked(workflow.clone(), "");
        assert_eq!((found.findings.len(), found.is_refused), (2, false), "{found}");
        workflow["3"]["inputs"]["images"] = json!(["5", 0]);
        let found = checked(workflow, "");
        assert!(found.is_refused);
        let said = found.to_string();
        assert!(said.contains("no model \"b.safetensors\" in models/checkpoints; did you mean styles/b.safetensors?"));
        assert!(said.contains("node 5 (Paint): steps: takes 1 to 10, and got 11"), "{said}");
    }

    #[test]
    fn what_nodes_may_check_themselves_is_a_doubt() {
        let custom = json!({"1": {"class_type": "Custom", "inputs": {"lora_name": "x.pt", "number": 6}}});
        let text = r#"{"models": [{"name": "x.pt", "url": "https://example.com/x", "directory": "loras"}]}"#;
        let found = checked(custom, text);
        assert!(found.findings.iter().all(|finding| finding.certainty == Certainty::Possible), "{found}");
        assert_eq!((found.findings.len(), found.is_refused), (2, false));
        let (_, model) = found.missing_models().next().unwrap();
        assert_eq!((model.folder.as_deref(), model.url.as_deref()), (Some("loras"), Some("https://example.com/x")));
        let found = checked(json!({"1": {"class_type": "Custom", "inputs": {"lora_name": "l.pt"}}}), "");
        assert!(found.is_refused, "what is required is required of all");
    }

    #[test]
    fn links_lead_somewhere_and_fit() {
        let said = |link: Value| {
            let mut workflow = painting();
            workflow["3"]["inputs"]["images"] = link;
            let found = checked(workflow, "");
            assert_eq!(found.is_refused, !found.findings.is_empty());
            found.to_string()
        };
        assert!(said(json!(["1", 0])).contains("takes IMAGE, and node 1 (Load) gives MODEL"));
        assert!(said(json!(["2", 1])).contains("linked to output 1 of node 2 (Paint), which has 1"));
        assert!(said(json!(["9", 0])).contains("linked to node 9, which is not there"));
        assert!(said(json!(["2"])).contains("has to be [node id, output number]"));
        assert_eq!(said(json!(["2", -1])), "");
        assert!(goes_into("IMAGE", "MASK,IMAGE") && goes_into("*", "X") && !goes_into("A", "B,C"));
    }

    #[test]
    fn a_circle_and_a_workflow_without_outputs_end() {
        let circle = json!({"1": {"class_type": "Paint", "inputs": {"model": ["1", 0], "steps": 1}}});
        let found = checked(circle, "");
        assert!(found.is_refused && found.has_no_outputs);
        assert!(found.to_string().starts_with("it needs a node that saves or previews something"));
    }
}
