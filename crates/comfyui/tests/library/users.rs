use comfyui::{LibraryError, Users};
use comfyui_emulator::ComfyUiEmulator;

use crate::any_server::client;

#[tokio::test]
async fn each_user_has_workflows_of_their_own() {
    let server = ComfyUiEmulator::builder().multi_user().start().await.unwrap();
    let client = client(server.url(), "");
    assert!(matches!(client.user_data(None).await, Err(LibraryError::NoUsers)));
    let ann = server.add_user("Ann O'Nym").unwrap();
    let bob = server.add_user("Bob").unwrap();
    assert!(server.save_workflow(Some(&ann), "hers.json", "{\"nodes\": []}"));

    let Users::Apart(users) = client.users().await.unwrap() else { panic!("they are apart") };
    assert_eq!(users.iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["Ann O'Nym", "Bob"]);
    let hers = client.user_data(Some("Ann O'Nym")).await.unwrap();
    assert_eq!(hers.workflows().await.unwrap().workflows[0].path, "hers.json");
    assert_eq!(hers.workflow("hers.json").await.unwrap(), "{\"nodes\": []}");
    let his = client.user_data(Some(&bob)).await.unwrap();
    assert!(his.workflows().await.unwrap().workflows.is_empty());
    assert!(matches!(his.workflow("hers.json").await, Err(LibraryError::NoSuchWorkflow { .. })));

    let error = client.user_data(None).await.unwrap_err();
    assert!(error.to_string().ends_with("name one of Ann O'Nym, Bob"), "{error}");
    let error = client.user_data(Some("bab")).await.unwrap_err();
    assert_eq!(error.to_string(), "the server has no user \"bab\"; did you mean Bob?");
}

#[tokio::test]
async fn a_name_is_of_no_account_where_all_files_are_together() {
    let server = ComfyUiEmulator::builder().start().await.unwrap();
    assert!(server.save_workflow(None, "ours.json", "{}"));
    let client = client(server.url(), "");
    assert_eq!(client.users().await.unwrap(), Users::Together);
    let files = client.user_data(Some("Ann")).await.unwrap();
    assert_eq!(files.workflows().await.unwrap().workflows.len(), 1);
}
