//! The files of users, and the users.

use comfyui_emulator::ComfyUiEmulator;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::driver::{client, get, get_json, start};

async fn send(server: &ComfyUiEmulator, method: Method, path: &str, body: &str) -> Response {
    client().request(method, format!("{}{path}", server.url())).body(body.to_owned()).send().await.unwrap()
}

async fn save(server: &ComfyUiEmulator, file: &str) {
    let response = send(server, Method::POST, &format!("/userdata/workflows%2F{file}"), "{}").await;
    assert_eq!(response.status(), 200, "{file}");
}

#[tokio::test]
async fn files_are_listed_in_all_forms() {
    let server = start().await;
    save(&server, "a.json").await;
    save(&server, "deep%2Fer%2Fb.json").await;
    save(&server, ".index.json").await;
    assert_eq!(get_json(&server, "/userdata?dir=workflows").await, json!(["a.json"]));
    let all = get_json(&server, "/api/userdata?dir=workflows&recurse=TRUE").await;
    assert_eq!(all, json!(["a.json", "deep/er/b.json"]));
    let split = get_json(&server, "/userdata?dir=workflows/deep&recurse=true&split=true").await;
    assert_eq!(split, json!([["er/b.json", "er", "b.json"]]));
    let full = get_json(&server, "/userdata?dir=workflows&full_info=true&split=true").await;
    assert_eq!(full[0]["path"], "a.json");
    assert!(full[0]["size"] == 2 && full[0]["modified"].is_u64() && full[0]["created"].is_u64(), "{full}");

    let everything = get_json(&server, "/v2/userdata").await;
    let paths: Vec<&str> = everything.as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    let expected = ["workflows/deep", "workflows/deep/er", "workflows"];
    assert_eq!(paths[..3], expected, "folders first, by name");
    assert_eq!(paths[3..], ["workflows/.index.json", "workflows/a.json", "workflows/deep/er/b.json"]);
    assert_eq!(get(&server, "/v2/userdata?path=nowhere").send().await.unwrap().status(), 404);
    assert_eq!(get(&server, "/v2/userdata?path=workflows/a.json").send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_percent_sign_that_is_left_is_decoded_once_more() {
    let server = start().await;
    save(&server, "100%2525%20wool.json").await;
    assert_eq!(get_json(&server, "/userdata?dir=workflows").await, json!(["100% wool.json"]));
    assert!(get(&server, "/userdata/workflows%2F100%2525%20wool.json").send().await.unwrap().status().is_success());
    // The router takes no braces, but where the second decoding makes them.
    let refused = send(&server, Method::POST, "/userdata/workflows%2F%7Ba%7D.json", "{}").await;
    assert_eq!((refused.status().as_u16(), refused.headers()["allow"].to_str().unwrap()), (405, "GET,HEAD"));
    save(&server, "%257Ba%257D.json").await;
    assert!(server.save_workflow(None, "50%41.json", "{}"));
    assert_eq!(get(&server, "/userdata/workflows%2F50%2541.json").send().await.unwrap().status(), 404);
    assert_eq!(get(&server, "/userdata/workflows%2F50%252541.json").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn files_are_moved_and_removed() {
    let server = start().await;
    save(&server, "a.json").await;
    save(&server, "b.json").await;
    let from = "/userdata/workflows%2Fa.json";
    let refused = send(&server, Method::POST, &format!("{from}/move/workflows%2Fb.json?overwrite=false"), "").await;
    assert_eq!(refused.status(), 409);
    let moved = send(&server, Method::POST, &format!("{from}/move/old%2Fa.json?full_info=true"), "").await;
    assert_eq!(moved.json::<Value>().await.unwrap()["path"], "old/a.json");
    assert_eq!(get(&server, from).send().await.unwrap().status(), 404);
    assert_eq!(send(&server, Method::DELETE, "/userdata/old%2Fa.json", "").await.status(), 204);
    assert_eq!(send(&server, Method::DELETE, "/userdata/old%2F..%2F..%2F..%2Fx", "").await.status(), 403);
}

#[tokio::test]
async fn users_have_files_of_their_own() {
    let server = ComfyUiEmulator::builder().multi_user().start().await.unwrap();
    let ann = server.add_user("Ann").unwrap();
    assert!(server.add_user("Ann").is_none());
    assert!(server.save_workflow(Some(&ann), "hers.json", "{}"));
    let bob: String = client()
        .post(format!("{}/users", server.url()))
        .json(&json!({"username": "Bob"}))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(get_json(&server, "/users").await["users"], json!({ann.as_str(): "Ann", bob.as_str(): "Bob"}));
    let list = |user: String| get(&server, "/userdata?dir=workflows").header("Comfy-User", user).send();
    assert_eq!(list(ann).await.unwrap().json::<Value>().await.unwrap(), json!(["hers.json"]));
    assert_eq!(list(bob).await.unwrap().status(), 404);
    assert_eq!(list("nobody".into()).await.unwrap().status(), 500);
}
