//! Workflows to begin with.

use comfyui_emulator::ComfyUiEmulator;
use serde_json::{Value, json};

use crate::driver::{get, get_json, start};

#[tokio::test]
async fn the_index_names_templates_that_are_there() {
    let server = start().await;
    let index = get(&server, "/templates/index.json").send().await.unwrap();
    assert_eq!(index.headers()["cache-control"], "no-store");
    let index: Value = index.json().await.unwrap();
    let nodes = get_json(&server, "/object_info").await;
    for template in index[0]["templates"].as_array().unwrap() {
        let name = template["name"].as_str().unwrap();
        let workflow = get_json(&server, &format!("/templates/{name}.json")).await;
        for node in workflow["nodes"].as_array().unwrap() {
            assert!(nodes[node["type"].as_str().unwrap()].is_object(), "{name}: {node}");
        }
    }
    assert_eq!(get(&server, "/templates/none.json").send().await.unwrap().text().await.unwrap(), "404: Not Found");
    assert_eq!(get(&server, "/api/templates/index.json").send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn examples_of_custom_nodes_are_listed_by_pack() {
    assert_eq!(get_json(&start().await, "/workflow_templates").await, json!({}));
    let server =
        ComfyUiEmulator::builder().example_workflow("film pack", "cut", "{\"nodes\": []}").start().await.unwrap();
    assert_eq!(get_json(&server, "/workflow_templates").await, json!({"film pack": ["cut"]}));
    assert_eq!(get_json(&server, "/api/workflow_templates/film%20pack/cut.json").await, json!({"nodes": []}));
    for missing in ["/workflow_templates/film%20pack/cut.json", "/api/workflow_templates/film%20pack/x.json"] {
        assert_eq!(get(&server, missing).send().await.unwrap().status(), 404, "{missing}");
    }
}
