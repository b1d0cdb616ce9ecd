//! A workflow may come in each format that ComfyUI writes, and in the files that it makes.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;

use dify_plugin_host::Answer;
use on_emulator::{OnEmulator, colour, refusal, save, summary};
use pictures::pixels;
use serde_json::{Value, json};

fn editor(class: &str) -> Value {
    json!({"last_node_id": 2, "last_link_id": 1, "version": 0.4, "nodes": [
        {"id": 1, "type": class, "mode": 0, "inputs": [], "properties": {"cnr_id": "some-pack", "ver": "1.2.3"},
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}], "widgets_values": [8, 8, 1, 255, "more"]},
        {"id": 2, "type": "SaveImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
         "outputs": [], "widgets_values": ["painted"]},
    ], "links": [[1, 1, 0, 2, 0, "IMAGE"]]})
}

fn first_pixel(answer: &Answer) -> [u8; 3] {
    let [file] = &answer.files[..] else { panic!("{answer:?}") };
    pixels(file.content.as_deref().unwrap()).get_pixel(0, 0).0
}

async fn run(on: &OnEmulator, parameters: Value) -> Answer {
    on.plugin.invoke_tool(on.call_with(parameters.as_object().unwrap().clone())).await.unwrap()
}

#[tokio::test]
async fn the_editors_format_and_every_wrapping_run() {
    let on = OnEmulator::start().await;
    let prompt = json!({"1": colour(255), "2": save("1")});
    let wrapped = [
        prompt.clone(),
        json!({"prompt": prompt, "extra_data": {}}),
        json!({"8c1f": {"prompt": [3, "8c1f", prompt, {}, ["2"]], "outputs": {}, "status": {}}}),
        editor("EmptyImage"),
        json!({"workflow": editor("EmptyImage")}),
    ];
    for workflow in wrapped {
        let answer = on.run(&workflow, json!({})).await.unwrap();
        assert_eq!(first_pixel(&answer), [0, 0, 255], "{workflow}");
    }
    let answer = on.run(&editor("EmptyImage"), json!({})).await.unwrap();
    let warnings = &summary(&answer)["warnings"];
    assert_eq!(warnings.as_array().unwrap().len(), 1, "{warnings}");
    assert!(warnings[0].as_str().unwrap().contains("1 more value in the file"), "{warnings}");
    assert!(answer.text().contains("Note: node 1 (EmptyImage)"), "{}", answer.text());
    on.assert_well_behaved();
}

#[tokio::test]
async fn files_of_comfyui_are_workflows() {
    let on = OnEmulator::start().await;
    let picture = include_bytes!("../../../crates/comfyui/tests/data/carried/picture.png");
    let webp = include_bytes!("../../../crates/comfyui/tests/data/carried/picture.webp");
    let prompt = json!({"1": colour(255), "2": save("1")}).to_string().into_bytes();
    let file = on.file("made.png", "image/png", picture.to_vec());
    let answer = run(&on, json!({"workflow_file": file})).await;
    let [red, green, blue] = [12_524_071_u32 >> 16, (12_524_071 >> 8) & 255, 12_524_071 & 255];
    assert_eq!(first_pixel(&answer).map(u32::from), [red, green, blue]);
    for (name, bytes) in [("flow.json", prompt.clone()), ("flow.txt", [b"\xef\xbb\xbf\n", &prompt[..]].concat())] {
        let file = on.file(name, "text/plain", bytes);
        assert_eq!(first_pixel(&run(&on, json!({"workflow_file": file})).await), [0, 0, 255]);
    }
    // The emulator has no animated pictures: that it is asked for one shows that the workflow was found.
    let file = on.file("made.webp", "image/webp", webp.to_vec());
    let call = on.call_with(json!({"workflow_file": file}).as_object().unwrap().clone());
    let error = refusal(on.plugin.invoke_tool(call).await);
    assert!(error.message.starts_with("workflow_file: ComfyUI would refuse"), "{}", error.message);
    assert!(error.message.contains("SaveAnimatedWEBP"), "{}", error.message);
    on.assert_well_behaved();
}

#[tokio::test]
async fn exactly_one_workflow_is_given() {
    let on = OnEmulator::start().await;
    let refused = async |parameters: Value| {
        let call = on.call_with(parameters.as_object().unwrap().clone());
        refusal(on.plugin.invoke_tool(call).await).message
    };
    assert!(refused(json!({})).await.contains("no workflow is given"));
    let file = on.file("flow.json", "application/json", b"{}".to_vec());
    let both = refused(json!({"workflow_json": "{}", "workflow_file": file})).await;
    assert!(both.starts_with("workflow_json and workflow_file are both given"), "{both}");
    let file = on.file("photo.png", "image/png", pictures::png(&pictures::photo(4, 4)));
    let plain = refused(json!({"workflow_file": file})).await;
    assert!(plain.starts_with("workflow_file: photo.png: the PNG picture carries no workflow"), "{plain}");
}

#[tokio::test]
async fn a_node_that_the_server_lacks_is_told_with_its_pack() {
    let on = OnEmulator::start().await;
    let error = refusal(on.run(&editor("FancyNode"), json!({})).await);
    let expected = "workflow_json: ComfyUI would refuse the workflow: node 1 (FancyNode): the server has no such node \
                    class; it comes with some-pack 1.2.3";
    assert_eq!(error.message, expected);
    assert_eq!(on.comfyui.output_names(), [""; 0]);
}
