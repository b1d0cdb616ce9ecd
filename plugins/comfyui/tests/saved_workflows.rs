//! Workflows that are stored on the server: listed, described, and run by their names.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use dify_plugin_host::{Answer, CallFailure};
use dify_plugin_protocol::{CredentialType, FetchParameterOptions, ParameterOption};
use on_emulator::{OnEmulator, refusal, summary};
use pictures::{photo, pixels, png};
use serde_json::{Value, json};

/// A picture of one colour, as the editor saves it.
fn painting() -> String {
    json!({"last_node_id": 2, "last_link_id": 1, "version": 0.4, "nodes": [
        {"id": 1, "type": "EmptyImage", "title": "Canvas", "mode": 0, "inputs": [],
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}], "widgets_values": [8, 8, 1, 255]},
        {"id": 2, "type": "SaveImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
         "outputs": [], "widgets_values": ["painted"]},
    ], "links": [[1, 1, 0, 2, 0, "IMAGE"]]})
    .to_string()
}

async fn call(on: &OnEmulator, tool: &str, parameters: Value) -> Result<Answer, CallFailure> {
    let mut call = on.call_with(parameters.as_object().unwrap().clone());
    call.tool = tool.into();
    on.plugin.invoke_tool(call).await
}

async fn options(on: &OnEmulator, tool: &str, parameter: &str) -> Result<Vec<ParameterOption>, CallFailure> {
    let fields = FetchParameterOptions {
        user_id: "user-1".into(),
        provider: "comfyui".into(),
        provider_action: tool.into(),
        parameter: parameter.into(),
        credentials: on.credentials.clone(),
        credential_type: CredentialType::ApiKey,
    };
    Ok(on.plugin.fetch_parameter_options(fields).await?.options)
}

#[tokio::test]
async fn a_saved_workflow_is_listed_described_and_run_with_another_value() {
    let on = OnEmulator::start().await;
    assert!(on.comfyui.save_workflow(None, "pictures/one colour.json", painting()));
    for tool in ["run_saved_workflow", "describe_workflow"] {
        let listed = options(&on, tool, "saved_workflow").await.unwrap();
        let listed: Vec<_> = listed.iter().map(|option| (option.value.as_str(), option.label.en_us.as_str())).collect();
        let expected = [
            ("saved:pictures/one colour.json", "Saved: pictures/one colour"),
            ("template:emulator_text_to_image", "Template: Text to Image"),
            ("template:emulator_invert", "Template: Invert a Picture"),
        ];
        assert_eq!(listed, expected);
    }
    let chosen = "saved:pictures/one colour.json";
    let described = call(&on, "describe_workflow", json!({"saved_workflow": chosen})).await.unwrap();
    let workflow = &described.json()[0]["workflow"];
    assert_eq!((&workflow["inputs"][3]["key"], &workflow["inputs"][3]["title"]), (&json!("1.color"), &json!("Canvas")));
    assert_eq!(workflow["inputs"][0]["range"], "1 to 16384");
    assert_eq!(workflow["outputs"][0]["kind"], "image");
    assert!(described.text().contains("- 1.color: integer 0 to 16777215, now 255 [Canvas]"), "{}", described.text());
    assert_eq!(described.variables()["is_runnable"], true);

    let names = [
        ("saved_workflow", chosen),
        ("workflow_name", chosen),
        ("workflow_name", "pictures/one colour"),
        ("workflow_name", "one colour.json"),
    ];
    for (parameter, name) in names {
        let inputs = json!({"Canvas.color": 0xff00}).to_string();
        let answer = call(&on, "run_saved_workflow", json!({(parameter): name, "inputs": inputs})).await.unwrap();
        let [file] = &answer.files[..] else { panic!("{answer:?}") };
        assert_eq!(pixels(file.content.as_deref().unwrap()).get_pixel(0, 0).0, [0, 255, 0]);
        assert!(file.name.as_deref().unwrap().starts_with("painted_"));
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_template_runs_with_a_picture() {
    let on = OnEmulator::start().await;
    let picture = || on.file("photo.png", "image/png", png(&photo(8, 8)));
    for name in ["template:emulator_invert", "emulator_invert", "Invert a Picture"] {
        let parameters = json!({"saved_workflow": name, "images": [picture()]});
        let answer = call(&on, "run_saved_workflow", parameters).await.unwrap();
        assert_eq!((answer.files.len(), &summary(&answer)["warnings"]), (1, &json!([])));
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_name_that_nothing_has_offers_those_like_it() {
    let on = OnEmulator::start().await;
    assert!(on.comfyui.save_workflow(None, "portrait.json", painting()));
    let error = refusal(call(&on, "run_saved_workflow", json!({"workflow_name": "portrat"})).await);
    assert!(error.message.starts_with("workflow_name: "), "{}", error.message);
    assert!(error.message.contains("did you mean portrait.json?"), "{}", error.message);
    let error = refusal(call(&on, "run_saved_workflow", json!({"saved_workflow": "template:emulator_invrt"})).await);
    assert!(error.message.contains("did you mean emulator_invert"), "{}", error.message);
    let error = refusal(call(&on, "run_saved_workflow", json!({"saved_workflow": "saved:../../x.json"})).await);
    assert!(error.message.contains("no saved workflow"), "{}", error.message);
    let both = json!({"saved_workflow": "saved:portrait.json", "workflow_name": "portrait"});
    let error = refusal(call(&on, "run_saved_workflow", both).await);
    assert!(error.message.starts_with("saved_workflow and workflow_name are both given"), "{}", error.message);
    let error = refusal(call(&on, "run_saved_workflow", json!({})).await);
    assert!(error.message.starts_with("saved_workflow, workflow_name: no workflow is given"), "{}", error.message);
    let error = refusal(options(&on, "run_saved_workflow", "inputs").await);
    assert!(error.message.contains("no list of choices"), "{}", error.message);
}

#[tokio::test]
async fn users_who_are_kept_apart_have_workflows_of_their_own() {
    let mut on = OnEmulator::start_with(|comfyui| comfyui.multi_user(), |_| ()).await;
    let ann = on.comfyui.add_user("Ann O'Nym").unwrap();
    let bob = on.comfyui.add_user("Bob").unwrap();
    assert!(on.comfyui.save_workflow(Some(&ann), "hers.json", painting()));
    assert!(on.comfyui.save_workflow(Some(&bob), "his.json", painting()));
    let error = refusal(options(&on, "run_saved_workflow", "saved_workflow").await);
    assert!(error.message.starts_with("comfyui_user: ") && error.message.contains("Bob"), "{}", error.message);
    on.fill_in("comfyui_user", "Ann O'Nym");
    let listed = options(&on, "run_saved_workflow", "saved_workflow").await.unwrap();
    assert_eq!((listed.len(), listed[0].value.as_str()), (3, "saved:hers.json"));
    assert_eq!(call(&on, "run_saved_workflow", json!({"saved_workflow": "hers"})).await.unwrap().files.len(), 1);
    let error = refusal(call(&on, "run_saved_workflow", json!({"saved_workflow": "his"})).await);
    assert!(error.message.starts_with("saved_workflow: "), "{}", error.message);
    on.assert_well_behaved();
}
