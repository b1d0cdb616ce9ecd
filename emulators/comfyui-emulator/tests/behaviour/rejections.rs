//! What is refused, and how it says why.

use serde_json::{Value, json};

use crate::driver::{client, empty_image, get_json, post, save, start};

#[tokio::test]
async fn every_wrong_input_is_named() {
    let server = start().await;
    let cases = [
        (json!({"1": {"class_type": "NoSuchNode", "inputs": {}}}), "missing_node_type", None),
        (json!({"1": empty_image(8, 0)}), "prompt_no_outputs", None),
        (
            json!({"1": {"class_type": "EmptyImage", "inputs": {}}, "3": save("1")}),
            "prompt_outputs_failed_validation",
            Some(("1", "required_input_missing")),
        ),
        (
            json!({"1": empty_image(0, 0), "3": save("1")}),
            "prompt_outputs_failed_validation",
            Some(("1", "value_smaller_than_min")),
        ),
        (
            json!({"1": empty_image(16_385, 0), "3": save("1")}),
            "prompt_outputs_failed_validation",
            Some(("1", "value_bigger_than_max")),
        ),
        (
            json!({"1": {"class_type": "LoadImage", "inputs": {"image": "no.png"}}, "3": save("1")}),
            "prompt_outputs_failed_validation",
            Some(("1", "custom_validation_failed")),
        ),
        (json!({"3": save("9")}), "prompt_outputs_failed_validation", Some(("3", "exception_during_validation"))),
    ];
    for (prompt, kind, node) in cases {
        let response = post(&server, "/prompt", &json!({"prompt": prompt})).await;
        assert_eq!(response.status(), 400, "{prompt}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["error"]["type"], kind, "{prompt}");
        match node {
            None => assert_eq!(body["node_errors"], json!({})),
            Some((id, kind)) => assert_eq!(body["node_errors"][id]["errors"][0]["type"], kind),
        }
    }
    assert_eq!(get_json(&server, "/prompt").await["exec_info"]["queue_remaining"], 0);
    assert_eq!(get_json(&server, "/history").await, json!({}));
}

#[tokio::test]
async fn what_is_no_prompt_crashes_a_handler_and_not_the_server() {
    let server = start().await;
    for body in ["", "hello{", "7", r#"{"prompt": null}"#, r#"{"prompt": {"1": 5}}"#] {
        let request = client().post(format!("{}/prompt", server.url())).body(body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 500, "{body}");
        assert!(response.text().await.unwrap().starts_with("500 Internal Server Error"));
    }
    assert_eq!(get_json(&server, "/prompt").await["exec_info"]["queue_remaining"], 0);
}

#[tokio::test]
async fn a_node_that_fails_ends_its_prompt_with_what_it_said() {
    let server = start().await;
    server.put_input("notes.txt", "no picture").unwrap();
    let load = json!({"class_type": "LoadImage", "inputs": {"image": "notes.txt"}});
    let entry = crate::driver::run(&server, &json!({"1": load, "3": save("1")})).await;
    assert_eq!(entry["status"]["status_str"], "error");
    assert_eq!(entry["status"]["completed"], false);
    let [event, data] = [&entry["status"]["messages"][2][0], &entry["status"]["messages"][2][1]];
    assert_eq!(event, "execution_error");
    assert_eq!(data["node_id"], "1");
    assert!(data["exception_message"].as_str().unwrap().ends_with("'data/input/notes.txt'\n"));
}
