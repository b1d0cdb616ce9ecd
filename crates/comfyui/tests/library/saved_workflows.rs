use comfyui::LibraryError;

use crate::any_server::AnyServer;

/// Names that a path, a URL or the server's two decodings could break.
const NAMES: [&str; 8] = [
    "oxidify plain.json",
    "oxidify folder/inner folder/deep.json",
    "oxidify 保存 é ñ 🌊.json",
    "oxidify 100% wool.json",
    "oxidify %41 %2F %25.json",
    "oxidify a+b&c=d;e,f.json",
    "oxidify #1 'x' (2) [3] {4}.json",
    "oxidify ~tilde^caret`tick.json",
];

#[tokio::test]
async fn workflows_of_all_names_are_listed_and_read() {
    let server = AnyServer::start().await;
    for (number, name) in NAMES.iter().enumerate() {
        server.save(name, Some(&format!("{{\"nodes\": [], \"extra\": {{\"number\": {number}}}}}"))).await;
    }
    let files = server.client.user_data(server.user.as_deref()).await.unwrap();
    let saved = files.workflows().await.unwrap();
    assert_eq!(saved.left_out, 0);
    for (number, name) in NAMES.iter().enumerate() {
        let workflow = saved.find(name).unwrap();
        assert_eq!(workflow.path, *name);
        assert!(workflow.size > 20 && workflow.modified.unwrap() > 1_700_000_000, "{workflow:?}");
        let text = files.workflow(&workflow.path).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.contains(&format!("\"number\": {number}")), "{name}: {text}");
    }
    assert_eq!(saved.find("deep").unwrap().path, NAMES[1]);
    for name in NAMES {
        server.save(name, None).await;
    }
    let error = files.workflow(NAMES[0]).await.unwrap_err();
    assert!(matches!(error, LibraryError::NoSuchWorkflow { .. }), "{error}");
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_said_so() {
    let server = AnyServer::start().await;
    let files = server.client.user_data(server.user.as_deref()).await.unwrap();
    for path in ["oxidify none.json", "../comfy.settings.json/none", "../../../etc/passwd", "oxidify/../../../../x"] {
        let error = files.workflow(path).await.unwrap_err();
        assert!(matches!(error, LibraryError::NoSuchWorkflow { .. }), "{path}: {error}");
        assert!(error.to_string().starts_with("the server has no saved workflow"), "{error}");
    }
}
