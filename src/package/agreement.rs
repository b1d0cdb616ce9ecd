//! Whether what a package declares is what its executable reads.

use dify_plugin_declaration::{
    DatasourceParameter, Tool, check_credentials, check_parameters, line_of, parse_datasource,
    parse_datasource_provider, parse_tool, parse_tool_provider,
};
use oxidify_comfyui::parameters::{
    Credentials, DescribeWorkflowParameters, GetResultParameters, RunSavedWorkflowParameters, SubmitWorkflowParameters,
    WorkflowParameters,
};

use super::declaration::Declaration;
use crate::Failure;

/// Each disagreement with its file and line.
pub(super) fn disagreements(declaration: &Declaration) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for (path, bytes) in &declaration.files {
        let yaml = std::str::from_utf8(bytes).unwrap_or_default();
        let (section, findings) = match path.split_once('/') {
            Some(("tools", file)) => ("parameters", of_tool(file, &parse_tool(yaml)?)),
            Some(("datasources", _)) => {
                let declared = parse_datasource(yaml)?.parameters;
                let unread = |parameter: &DatasourceParameter| {
                    format!("the parameter {} is declared, and no online drive is asked for any", parameter.name)
                };
                ("parameters", declared.iter().map(unread).collect())
            }
            Some(("provider", "comfyui.yaml")) => {
                let provider = parse_tool_provider(yaml)?;
                ("credentials_for_provider", check_credentials::<Credentials>(&provider.credentials_schema))
            }
            Some(("provider", _)) => {
                let provider = parse_datasource_provider(yaml)?;
                let schema = &provider.credentials_schema;
                ("credentials_schema", check_credentials::<oxidify_tencent_cos::parameters::Credentials>(schema))
            }
            _ => continue,
        };
        found.extend(findings.iter().map(|finding| located(path, yaml, section, finding)));
    }
    Ok(found)
}

fn of_tool(file: &str, tool: &Tool) -> Vec<String> {
    match file {
        "describe_workflow.yaml" => check_parameters::<DescribeWorkflowParameters>(tool),
        "get_result.yaml" => check_parameters::<GetResultParameters>(tool),
        "run_saved_workflow.yaml" => check_parameters::<RunSavedWorkflowParameters>(tool),
        "submit_workflow.yaml" => check_parameters::<SubmitWorkflowParameters>(tool),
        "workflow.yaml" => check_parameters::<WorkflowParameters>(tool),
        _ => vec!["no tool of the executable reads these parameters".to_owned()],
    }
}

/// `tools/workflow.yaml:12: the parameter images: …`. What is not in the file is said of where it would stand.
fn located(path: &str, yaml: &str, section: &str, finding: &str) -> String {
    let subject =
        ["the parameter ", "the credential ", "the field "].iter().find_map(|kind| finding.strip_prefix(kind));
    let name = subject.and_then(|rest| rest.split([' ', ':']).next()).unwrap_or_default();
    let place = if name.is_empty() { section.to_owned() } else { format!("{section}.{name}") };
    match line_of(yaml, &place) {
        Some(line) => format!("{path}:{line}: {finding}"),
        None => format!("{path}: {finding}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::declaration;
    use super::*;

    #[test]
    fn the_plugins_agree_with_their_files() {
        assert_eq!(disagreements(&declaration::comfyui()).unwrap(), [""; 0]);
        assert_eq!(disagreements(&declaration::tencent_cos_storage()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_disagreement_names_file_and_line() {
        let mut declaration = declaration::comfyui();
        let at = declaration.files.iter().position(|(path, _)| path == "tools/get_result.yaml").unwrap();
        let yaml = std::str::from_utf8(declaration.files[at].1).unwrap();
        let line = yaml.lines().position(|line| line.contains("- name: wait")).unwrap() + 1;
        let changed: &'static str = Box::leak(yaml.replace("name: wait", "name: wate").into_boxed_str());
        declaration.files[at].1 = changed.as_bytes();
        let found = disagreements(&declaration).unwrap();
        assert_eq!(
            found[0],
            format!("tools/get_result.yaml:{line}: the parameter wate is declared, and the struct has no such field")
        );
        assert!(found[1].ends_with("the field wait is not declared as a parameter"), "{found:?}");
    }
}
