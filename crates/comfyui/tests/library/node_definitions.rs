use crate::any_server::AnyServer;

#[tokio::test]
async fn all_definitions_and_those_of_some_classes_are_the_same() {
    let server = AnyServer::start().await;
    let all = server.client.node_definitions().await.unwrap();
    let some = server.client.node_definitions_of(&["KSampler", "SaveImage", "No such class"]).await.unwrap();
    assert_eq!(some.len(), 2);
    for class in ["KSampler", "SaveImage"] {
        assert_eq!(some.get(class), all.get(class), "{class}");
        assert!(!all.get(class).unwrap().inputs.is_empty(), "{class}");
    }
    let names: Vec<&str> = all.names().collect();
    assert_eq!(server.client.node_definitions_of(&names).await.unwrap().len(), all.len());
}
