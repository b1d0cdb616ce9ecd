use super::parse::{Recognised, recognise};
use super::{UiWorkflow, Workflow, WorkflowError};

/// A workflow in either of ComfyUI's formats.
#[derive(Clone, Debug)]
pub enum WorkflowFile {
    /// What a server runs: "Export (API)".
    Api(Workflow),
    /// What the editor saves; [`convert`](super::convert()) makes it a prompt.
    Ui(UiWorkflow),
}

impl WorkflowFile {
    /// Tells which of the two a text holds, and reads it.
    ///
    /// Besides the files themselves these are looked into: the body of a `POST /prompt`, what pictures carry
    /// (`{"prompt": …, "workflow": …}`, also with texts inside), an entry of `/history`, an item of the queue, and any
    /// of them as one JSON string. Where both formats are there, what was run counts. The rest that is tolerated is
    /// what [`Workflow::parse`] tolerates.
    ///
    /// # Errors
    /// [`WorkflowError`], which says what the text was recognised as.
    pub fn detect(text: &str) -> Result<Self, WorkflowError> {
        match recognise(text)? {
            Recognised::Api(workflow) => Ok(Self::Api(workflow)),
            Recognised::Ui { json, .. } => Ok(Self::Ui(UiWorkflow::parse(&json)?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: &str = r#"{"10": {"class_type": "KSampler", "inputs": {"seed": 18446744073709551615, "a": ["2", 0]}},
        "2": {"class_type": "Load", "inputs": {}}}"#;
    const UI: &str = r#"{"nodes": [{"id": 1, "type": "Load", "widgets_values": [18446744073709551615, NaN]}],
        "links": [], "version": 0.4}"#;

    fn api(text: &str) -> Workflow {
        match WorkflowFile::detect(text) {
            Ok(WorkflowFile::Api(workflow)) => workflow,
            other => panic!("{other:?}"),
        }
    }

    fn ui(text: &str) -> UiWorkflow {
        match WorkflowFile::detect(text) {
            Ok(WorkflowFile::Ui(workflow)) => workflow,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_was_run_is_found_in_all_that_holds_it() {
        let expected = Workflow::parse(API).unwrap();
        let as_text = serde_json::to_string(API).unwrap();
        let ui = UI.replace("NaN", "1");
        let queued = format!(r#"[3, "8c1f", {API}, {{"extra_pnginfo": {{"workflow": {ui}}}}}, ["10"]]"#);
        for text in [
            API.to_owned(),
            format!("\u{feff}{API}"),
            format!(r#"{{"prompt": {API}, "client_id": "x", "extra_data": {{}}}}"#),
            format!(r#"{{"prompt": {API}, "workflow": {ui}}}"#),
            format!(r#"{{"workflow": {{"prompt": {API}, "extra_data": {{}}}}}}"#),
            format!(r#"{{"prompt": {as_text}}}"#),
            format!(r#"{{"8c1f": {{"prompt": {queued}, "outputs": {{}}, "status": {{}}}}}}"#),
            format!(r#"{{"prompt": {queued}, "outputs": {{}}}}"#),
            queued,
        ] {
            assert_eq!(api(&text), expected, "{text}");
        }
    }

    #[test]
    fn the_editors_file_is_known_by_its_nodes() {
        let wrapped = serde_json::to_string(UI).unwrap();
        for text in [UI.to_owned(), format!(r#"{{"workflow": {UI}}}"#), format!("\u{feff}\n{UI}"), wrapped] {
            assert_eq!(ui(&text).node_count(), 1, "{text}");
        }
        assert_eq!(ui(r#"{"nodes": []}"#).node_count(), 0);
        assert_eq!(ui(UI).node_types(), ["Load"]);
    }

    #[test]
    fn anything_else_is_called_by_its_name() {
        let said = |text: &str| WorkflowFile::detect(text).unwrap_err().to_string();
        let a1111 = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7";
        assert!(said(a1111).contains("A1111"), "{}", said(a1111));
        assert!(said(r#"{"KSampler": {"input": {}, "output": [], "name": "KSampler"}}"#).contains("object_info"));
        assert!(said(&format!("[{UI}]").replace("NaN", "1")).contains("a list of 1 workflows"));
        assert!(said(r#"[{"class_type": "A"}]"#).contains("a list of 1 nodes without their ids"));
        assert!(said("[]").contains("an empty list"));
        let run = format!(r#"{{"prompt": [1, "a", {API}, {{}}, []]}}"#);
        assert!(said(&format!(r#"{{"a": {run}, "b": {run}}}"#)).contains("the history of 2 runs"));
        assert!(said("7").contains("a number") && said("null").contains("null"));
        assert!(said(r#"{"nodes": [{"id": {}}]}"#).contains("cannot be read"));
    }
}
