use comfyui::LibraryError;
use comfyui_emulator::ComfyUiEmulator;
use serde_json::Value;

use crate::any_server::{AnyServer, client};

#[tokio::test]
async fn templates_are_listed_and_read() {
    let server = AnyServer::start().await;
    let templates = server.client.templates().await.unwrap();
    assert!(templates.templates.len() >= 2 && templates.left_out == 0, "{}", templates.templates.len());
    let own = templates.templates.iter().filter(|template| template.pack.is_none());
    let mut read = 0;
    for template in own.take(5) {
        assert_eq!(templates.find(&template.name).unwrap(), template);
        assert!(template.title.is_some() && template.category.is_some(), "{template:?}");
        let text = server.client.template(template).await.unwrap_or_else(|error| panic!("{template:?}: {error}"));
        let workflow: Value = serde_json::from_str(&text).unwrap();
        assert!(workflow["nodes"].is_array(), "{}", template.name);
        read += 1;
    }
    assert!(read >= 2);
    let mut gone = templates.templates[0].clone();
    gone.name = "oxidify none".to_owned();
    let error = server.client.template(&gone).await.unwrap_err();
    assert!(matches!(error, LibraryError::NoSuchTemplate { .. }), "{error}");
}

#[tokio::test]
async fn examples_of_custom_nodes_are_templates_too() {
    let builder = ComfyUiEmulator::builder().path_prefix("/comfy").bearer_token("k3y");
    let server = builder.example_workflow("film pack", "cut & dry 50%", "{\"nodes\": [1]}").start().await.unwrap();
    let client = client(server.url(), "k3y");
    let templates = client.templates().await.unwrap();
    let example = templates.find("film pack/cut & dry 50%").unwrap();
    assert_eq!(example.pack.as_deref(), Some("film pack"));
    assert_eq!(client.template(example).await.unwrap(), "{\"nodes\": [1]}");
}
