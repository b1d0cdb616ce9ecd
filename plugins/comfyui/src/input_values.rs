use comfyui::{InputPlace, NodeClasses, Workflow};
use dify_plugin::Error;
use serde_json::{Map, Value, json};

use crate::input_files::InputFiles;

/// The most problems that one message lists.
const MAX_LISTED: usize = 10;

/// Most values that a call may give, and most characters of a key: every key is looked up at each of its dots.
const MAX_VALUES: usize = 1000;
const MAX_KEY_CHARS: usize = 500;

/// Values for inputs of the workflow, as the parameter `inputs` gives them.
#[derive(Debug, Default)]
pub(crate) struct InputValues {
    values: Vec<(String, InputPlace, Value)>,
}

impl InputValues {
    /// Reads `{"6.text": "a cat", "Sampler.steps": 20}`, and finds the inputs.
    ///
    /// # Errors
    /// When it is no JSON object, or names what the workflow does not have.
    pub(crate) fn new(text: Option<&str>, workflow: &Workflow) -> Result<Self, Error> {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        let Some(text) = text else { return Ok(Self::default()) };
        let values: Map<String, Value> = serde_json::from_str(text).map_err(|error| {
            Error::parameter(format!("inputs: not a JSON object such as {{\"6.text\": \"a cat\"}}: {error}"))
        })?;
        if values.len() > MAX_VALUES {
            return Err(Error::parameter(format!(
                "inputs: {} values are given, and {MAX_VALUES} is the most",
                values.len()
            )));
        }
        if let Some(key) = values.keys().find(|key| key.chars().nth(MAX_KEY_CHARS).is_some()) {
            let start: String = key.chars().take(40).collect();
            return Err(Error::parameter(format!(
                "inputs: the key {start:?}… has more than {MAX_KEY_CHARS} characters"
            )));
        }
        let mut problems = Vec::new();
        let mut found: Vec<(String, InputPlace, Value)> = Vec::new();
        for (key, value) in values {
            match workflow.find_place(&key) {
                Ok(place) if found.iter().any(|(_, other, _)| *other == place) => {
                    problems.push(format!("{key:?} names an input for the second time"));
                }
                Ok(place) => found.push((key, place, value)),
                Err(error) => problems.push(error.to_string()),
            }
        }
        refuse(problems)?;
        Ok(Self { values: found })
    }

    /// The classes by which the values are checked.
    pub(crate) fn classes_needed<'a>(&self, workflow: &'a Workflow) -> Vec<&'a str> {
        let nodes = self.values.iter().filter_map(|(_, place, _)| workflow.node(&place.node_id));
        nodes.map(|node| node.class_type.as_str()).collect()
    }

    /// The inputs that are given a value.
    pub(crate) fn places(&self) -> Vec<InputPlace> {
        self.values.iter().map(|(_, place, _)| place.clone()).collect()
    }

    /// Checks every value and puts it into the workflow; one that stands for a file is left to `files`.
    ///
    /// # Errors
    /// Everything that is wrong, in one message; the workflow is of no use then.
    pub(crate) fn fill_in(
        self,
        workflow: &mut Workflow,
        classes: &NodeClasses,
        files: &mut InputFiles,
    ) -> Result<(), Error> {
        let mut problems = Vec::new();
        for (_, place, value) in self.values {
            if let Err(error) = workflow.check_place(&place, classes) {
                problems.push(error.to_string());
                continue;
            }
            let class_type = workflow.node(&place.node_id).map(|node| node.class_type.clone()).unwrap_or_default();
            let declared = classes.input(&class_type, &place.input);
            let takes_files = declared.is_some_and(|declared| declared.upload.is_some());
            let problem = match refers_to(&value, takes_files, files) {
                Reference::File(Ok(index)) => {
                    files.send_to(index, place);
                    continue;
                }
                Reference::File(Err(error)) => error,
                Reference::None(value) => match declared.map(|declared| declared.accept(value.clone())) {
                    None => {
                        workflow.set_input(&place, unlinked(value));
                        continue;
                    }
                    Some(Ok(value)) => {
                        workflow.set_input(&place, value);
                        continue;
                    }
                    Some(Err(error)) => error.to_string(),
                },
            };
            problems.push(format!("{}: {} {problem}", workflow.node_label(&place.node_id), place.input));
        }
        refuse(problems)
    }
}

enum Reference {
    File(Result<usize, String>),
    None(Value),
}

/// `@1` and `@name.png` stand for files, `@@…` for a text that begins with `@`. A name that no file has is a text, unless
/// the input takes files only.
fn refers_to(value: &Value, takes_files: bool, files: &InputFiles) -> Reference {
    let Some(reference) = value.as_str().and_then(|text| text.strip_prefix('@')) else {
        return Reference::None(value.clone());
    };
    if reference.starts_with('@') {
        return Reference::None(Value::from(reference));
    }
    let is_number = !reference.is_empty() && reference.bytes().all(|byte| byte.is_ascii_digit());
    match files.find(reference) {
        Err(_) if !is_number && !takes_files => Reference::None(value.clone()),
        found => Reference::File(found),
    }
}

/// A list as the server takes it for a value and not for a link (`execution.py`, `__value__`).
fn unlinked(value: Value) -> Value {
    if value.is_array() { json!({"__value__": value}) } else { value }
}

fn refuse(problems: Vec<String>) -> Result<(), Error> {
    if problems.is_empty() {
        return Ok(());
    }
    let more = problems.len().saturating_sub(MAX_LISTED);
    let tail = if more > 0 { format!("; and {more} more") } else { String::new() };
    let listed: Vec<String> = problems.into_iter().take(MAX_LISTED).collect();
    Err(Error::parameter(format!("inputs: {}{tail}", listed.join("; "))))
}

#[cfg(test)]
mod tests {
    use comfyui::NodeClass;
    use dify_plugin::File;

    use super::*;

    fn workflow() -> Workflow {
        Workflow::parse(
            r#"{"6": {"class_type": "Encode", "inputs": {"text": "a", "clip": ["4", 1]}, "_meta": {"title": "Prompt"}},
                "3": {"class_type": "Sampler", "inputs": {"steps": 20, "name": "euler"}},
                "4": {"class_type": "Load", "inputs": {"image": "old.png"}}}"#,
        )
        .unwrap()
    }

    fn classes() -> NodeClasses {
        let sampler =
            json!({"input": {"required": {"steps": ["INT", {"min": 1, "max": 100}], "name": [["euler", "heun"]]}}});
        let load = json!({"input": {"required": {"image": [["old.png"], {"image_upload": true}]}}});
        let class = |name: &str, entry| (name.to_owned(), NodeClass::read(&entry));
        [class("Sampler", sampler), class("Load", load)].into_iter().collect()
    }

    fn file(name: &str) -> File {
        serde_json::from_value(json!({"url": "http://dify/1", "filename": name, "type": "image"})).unwrap()
    }

    fn filled(text: &str) -> Result<Workflow, String> {
        let mut workflow = workflow();
        let mut files = InputFiles::new(vec![file("cat.png")], vec![], None).unwrap();
        let values = InputValues::new(Some(text), &workflow).map_err(|error| error.message().to_owned())?;
        values.fill_in(&mut workflow, &classes(), &mut files).map_err(|error| error.message().to_owned())?;
        Ok(workflow)
    }

    #[test]
    fn values_go_where_their_keys_say() {
        let workflow = filled(r#"{"Prompt.text": "a cat", "3.steps": "30", "3.name": "heun"}"#).unwrap();
        assert_eq!(workflow.node("6").unwrap().inputs["text"], "a cat");
        assert_eq!(workflow.node("3").unwrap().inputs["steps"], 30);
        assert_eq!(workflow.node("3").unwrap().inputs["name"], "heun");
    }

    #[test]
    fn there_is_a_most_of_values_and_of_their_keys() {
        let many: Map<String, Value> = (0..=MAX_VALUES).map(|number| (format!("3.x{number}"), Value::Null)).collect();
        let error = filled(&Value::Object(many).to_string()).unwrap_err();
        assert_eq!(error, "inputs: 1001 values are given, and 1000 is the most");
        let error = filled(&json!({"3.".repeat(MAX_KEY_CHARS): 1}).to_string()).unwrap_err();
        assert!(error.contains("more than 500 characters") && error.len() < 200, "{error}");
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let error = filled(r#"{"3.steps": 0, "3.name": "eulr", "6.clip": "x"}"#).unwrap_err();
        for part in [
            "inputs: node 3 (Sampler): steps takes 1 to 100, and got 0; ",
            "did you mean euler?",
            "clip is filled by node 4",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let error = filled(r#"{"Promt.text": "x", "3.stepps": 1}"#).unwrap_err();
        assert!(error.contains(r#"no node "Promt"; there is node 6 "Prompt" (Encode)"#), "{error}");
        assert!(filled("[1]").unwrap_err().starts_with("inputs: not a JSON object"));
        assert!(filled(r#"{"6.text": "a", "Prompt.text": "b"}"#).unwrap_err().contains("for the second time"));
    }

    #[test]
    fn at_signs_stand_for_files_only_where_they_can() {
        let text = |value: &str| filled(&json!({"6.text": value}).to_string());
        assert_eq!(text("@home").unwrap().node("6").unwrap().inputs["text"], "@home");
        assert_eq!(text("@@1").unwrap().node("6").unwrap().inputs["text"], "@1");
        assert!(text("@2").unwrap_err().contains("there is no file @2: @1 = cat.png"));
        assert!(filled(r#"{"4.image": "@dog.png"}"#).unwrap_err().contains("there is no file @dog.png"));
        // The file itself is put in when it has been uploaded.
        assert_eq!(filled(r#"{"4.image": "@cat.png"}"#).unwrap(), workflow());
    }

    #[test]
    fn a_list_is_no_link() {
        let workflow = filled(r#"{"6.text": ["4", 0]}"#).unwrap();
        assert_eq!(workflow.node("6").unwrap().inputs["text"], json!({"__value__": ["4", 0]}));
    }
}
