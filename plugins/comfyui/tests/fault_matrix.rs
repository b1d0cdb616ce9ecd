//! What becomes of a run when something goes wrong, case by case: each ends within its deadline with the right files or
//! the right error. The table is printed by
//!
//! ```sh
//! cargo test -p oxidify-comfyui --test fault_matrix -- --nocapture
//! ```

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/pictures.rs"]
mod pictures;
#[path = "plugin/raw_http.rs"]
mod raw_http;

use std::pin::Pin;
use std::time::{Duration, Instant};

use comfyui_emulator::{
    ComfyUiEmulator, Execution, Fault, Faults, Files, Folder, Inputs, Method, Node, NodeDefinition, NodeError,
    NodeOutput, Schema, StatusCode,
};
use dify_plugin_host::{Answer, CallFailure};
use futures_util::{StreamExt, stream};
use on_emulator::{OnEmulator, TOKEN, colour, load, save, summary};
use pictures::{plain, png};
use raw_http::{Slow, get, post, serve_always, slow_proxy};
use serde_json::{Value, json};

/// For a case that has nothing to wait for.
const SOON: u64 = 10;
/// The frames of [`sampled`]'s run, and a few more.
const FRAMES: u64 = 26;

/// How a case has to end.
enum Ends {
    /// With so many files.
    Files(usize),
    /// With an error that says this.
    Error(&'static str),
}

type Outcome = Result<Answer, CallFailure>;

struct Case {
    name: String,
    deadline: Duration,
    ends: Ends,
    run: Pin<Box<dyn Future<Output = Outcome>>>,
}

fn case(name: impl Into<String>, deadline: u64, ends: Ends, run: impl Future<Output = Outcome> + 'static) -> Case {
    Case { name: name.into(), deadline: Duration::from_secs(deadline), ends, run: Box::pin(run) }
}

/// A run of [`sampled`] with faults of the server.
fn faulty(name: impl Into<String>, deadline: u64, ends: Ends, faults: impl FnOnce(&Faults) + 'static) -> Case {
    case(name, deadline, ends, async move {
        let on = start().await;
        faults(on.comfyui.faults());
        on.run(&sampled(3), json!({})).await
    })
}

/// A run of [`sampled`] over a network that is slow.
fn slowed(name: impl Into<String>, deadline: u64, slow: Slow) -> Case {
    case(name, deadline, Ends::Files(1), async move {
        let mut on = start().await;
        let address = slow_proxy(&on, slow).await;
        on.fill_in("base_url", address);
        on.run(&sampled(6), json!({})).await
    })
}

/// A server with steps of 30 ms.
async fn start() -> OnEmulator {
    OnEmulator::start_with(|comfyui| comfyui.step_delay(Duration::from_millis(30)).node(Stubborn), |_| ()).await
}

fn sampled(steps: u32) -> Value {
    json!({
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "emulator.safetensors"}},
        "2": {"class_type": "EmptyLatentImage", "inputs": {"width": 16, "height": 16, "batch_size": 1}},
        "3": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["1", 1]}},
        "4": {"class_type": "KSampler", "inputs": {
            "seed": 5, "steps": steps, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
            "model": ["1", 0], "positive": ["3", 0], "negative": ["3", 0], "latent_image": ["2", 0]}},
        "5": {"class_type": "VAEDecode", "inputs": {"samples": ["4", 0], "vae": ["1", 2]}},
        "6": save("5"),
    })
}

/// A node that no interrupt reaches.
struct Stubborn;

impl Node for Stubborn {
    fn definition(&self, _: &Files<'_>) -> NodeDefinition {
        NodeDefinition::new("Stubborn", "Stubborn", Schema::V1).output_node()
    }

    fn execute(&self, _: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError> {
        execution.pause(Duration::from_secs(3));
        Ok(NodeOutput::default())
    }
}

/// Runs the workflow, and does something once the server has the prompt in this list of its queue.
async fn meanwhile(
    on: &OnEmulator,
    workflow: &Value,
    parameters: Value,
    list: &str,
    then: impl AsyncFnOnce(&OnEmulator, String),
) -> Outcome {
    let run = on.run(workflow, parameters);
    let act = async {
        let begun = Instant::now();
        let id = loop {
            let queue = get(on, "/queue").await;
            if let Some(id) = queue[list][0][1].as_str() {
                break id.to_owned();
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "the prompt did not show up in {list}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        then(on, id).await;
    };
    tokio::join!(run, act).0
}

fn socket_cases() -> Vec<Case> {
    let cut = |frames| {
        faulty(format!("socket cut after frame {frames}"), SOON, Ends::Files(1), move |faults: &Faults| {
            faults.cut_websocket_after(frames);
        })
    };
    let mut cases: Vec<Case> = (0..=FRAMES).map(cut).collect();
    cases.extend(
        [0, 100, 300, 800, 2000]
            .map(|bytes| slowed(format!("socket silent after {bytes} bytes, and open"), 15, Slow::StallAfter(bytes))),
    );
    cases.extend([50, 400].map(|millis| {
        slowed(format!("frames delayed by {millis} ms each"), 15, Slow::Frames(Duration::from_millis(millis)))
    }));
    cases.push(faulty("socket never opened", SOON, Ends::Files(1), Faults::refuse_websocket));
    cases.push(faulty("socket cut three times", SOON, Ends::Files(1), |faults| {
        [4, 2, 2].into_iter().for_each(|frames| faults.cut_websocket_after(frames));
    }));
    cases.push(faulty("socket never opened, submit answered late", SOON, Ends::Files(1), |faults| {
        faults.refuse_websocket();
        faults.plan(Some(Method::POST), "/prompt", Fault::Delay(Duration::from_secs(1)), Some(1));
    }));
    cases.push(case("every connection dropped in the middle", SOON, Ends::Files(1), async {
        let on = start().await;
        meanwhile(&on, &sampled(20), json!({}), "queue_running", async |on, _| on.comfyui.faults().drop_connections())
            .await
    }));
    cases
}

fn record_cases() -> Vec<Case> {
    let late = |millis| {
        faulty(format!("history late by {millis} ms"), SOON, Ends::Files(1), move |faults: &Faults| {
            faults.delay_history(Duration::from_millis(millis));
        })
    };
    let failing = |status: StatusCode| {
        faulty(
            format!("history answers {} four times", status.as_u16()),
            SOON,
            Ends::Files(1),
            move |faults: &Faults| {
                faults.http_status("/history/*", status, 4);
            },
        )
    };
    vec![
        late(300),
        late(1500),
        failing(StatusCode::BAD_GATEWAY),
        failing(StatusCode::SERVICE_UNAVAILABLE),
        failing(StatusCode::GATEWAY_TIMEOUT),
        faulty("history cut in the middle of an answer", SOON, Ends::Files(1), |faults| {
            faults.cut_answer_after("/history/*", 150);
        }),
        faulty("history and socket both away for a while", SOON, Ends::Files(1), |faults| {
            faults.refuse_websocket();
            faults.http_status("/history/*", StatusCode::BAD_GATEWAY, 3);
        }),
        faulty("key no longer accepted while the run goes on", SOON, Ends::Error("refused access"), |faults| {
            faults.plan(Some(Method::GET), "/history/*", Fault::Status(StatusCode::UNAUTHORIZED), None);
        }),
    ]
}

fn submit_cases() -> Vec<Case> {
    let gateway = |status: StatusCode| {
        faulty(
            format!("submit answered {} by a gateway, once", status.as_u16()),
            SOON,
            Ends::Files(1),
            move |faults: &Faults| {
                faults.plan(Some(Method::POST), "/prompt", Fault::Status(status), Some(1));
            },
        )
    };
    vec![
        gateway(StatusCode::BAD_GATEWAY),
        gateway(StatusCode::SERVICE_UNAVAILABLE),
        gateway(StatusCode::GATEWAY_TIMEOUT),
        faulty("answer to the submit lost", SOON, Ends::Files(1), Faults::lose_submit_answer),
        faulty("answer to the submit lost, no socket", SOON, Ends::Files(1), |faults| {
            faults.lose_submit_answer();
            faults.refuse_websocket();
        }),
        faulty("answer to the submit lost three times", 20, Ends::Files(1), |faults| {
            faults.plan(Some(Method::POST), "/prompt", Fault::LoseAnswer, Some(3));
        }),
        faulty("submit answered 502 for good", 20, Ends::Error("HTTP 502"), |faults| {
            faults.plan(Some(Method::POST), "/prompt", Fault::Status(StatusCode::BAD_GATEWAY), None);
        }),
        faulty("submit answered 500", 20, Ends::Error("HTTP 500"), |faults| {
            faults.plan(Some(Method::POST), "/prompt", Fault::Status(StatusCode::INTERNAL_SERVER_ERROR), None);
        }),
        faulty("submit refused as too large", SOON, Ends::Error("--max-upload-size"), |faults| {
            faults.plan(Some(Method::POST), "/prompt", Fault::Status(StatusCode::PAYLOAD_TOO_LARGE), None);
        }),
        case("an HTML page instead of ComfyUI", SOON, Ends::Error("is not ComfyUI's"), async {
            let mut on = start().await;
            let page = "<html><title>Sign in</title>Please sign in</html>";
            on.fill_in("base_url", serve_always("200 OK", page).await);
            on.run(&json!({"1": colour(1), "2": save("1")}), json!({})).await
        }),
        case("an HTML error page of a gateway", 20, Ends::Error("Bad Gateway nginx"), async {
            let mut on = start().await;
            let page = "<html><h1>502 Bad Gateway</h1><hr>nginx</html>";
            on.fill_in("base_url", serve_always("502 Bad Gateway", page).await);
            on.run(&json!({"1": colour(1), "2": save("1")}), json!({})).await
        }),
    ]
}

fn access_cases() -> Vec<Case> {
    let with_key = |name: &str, key: &'static str| {
        case(name, SOON, Ends::Error("HTTP 401"), async move {
            let mut on = start().await;
            on.fill_in("comfyui_api_key", key);
            on.run(&sampled(1), json!({})).await
        })
    };
    vec![
        with_key("wrong key", "another"),
        with_key("missing key", ""),
        faulty("key no longer accepted for the files", SOON, Ends::Error("refused access"), |faults| {
            faults.http_status("/view", StatusCode::UNAUTHORIZED, 1);
        }),
        case("nobody listens", SOON, Ends::Error("connection refused"), async {
            let mut on = start().await;
            on.fill_in("base_url", "http://127.0.0.1:1");
            on.run(&sampled(1), json!({})).await
        }),
    ]
}

fn file_cases() -> Vec<Case> {
    let uploaded = |name: &str, ends, fault: fn(&Faults)| {
        case(name, SOON, ends, async move {
            let on = start().await;
            fault(on.comfyui.faults());
            let photo = on.file("photo.png", "image/png", png(&plain([1, 2, 3])));
            on.run(&json!({"1": load("Photo"), "2": save("1")}), json!({"images": [photo]})).await
        })
    };
    vec![
        faulty("download cut off, and resumed", SOON, Ends::Files(1), |faults| {
            faults.cut_answer_after("/view", 600);
        }),
        faulty("download cut off for good", SOON, Ends::Error("result_00001_.png"), |faults| {
            faults.plan(None, "/view", Fault::CutAnswer { after: 300 }, None);
        }),
        faulty("download slow to begin", SOON, Ends::Files(1), |faults| {
            faults.plan(None, "/view", Fault::Delay(Duration::from_secs(2)), Some(1));
        }),
        slowed("download in drops", SOON, Slow::Files(40, Duration::from_millis(50))),
        faulty("download answered 503", SOON, Ends::Error("result_00001_.png could not be fetched"), |faults| {
            faults.http_status("/view", StatusCode::SERVICE_UNAVAILABLE, 1);
        }),
        faulty("file gone, made again", SOON, Ends::Files(1), |faults| {
            faults.http_status("/view", StatusCode::NOT_FOUND, 1);
        }),
        faulty("file gone, and gone again", SOON, Ends::Error("no longer has the file"), |faults| {
            faults.http_status("/view", StatusCode::NOT_FOUND, 2);
        }),
        uploaded("upload answered 500", Ends::Error("POST /upload/image: HTTP 500"), |faults| {
            faults.http_status("/upload/image", StatusCode::INTERNAL_SERVER_ERROR, 1);
        }),
        uploaded("upload refused as too large", Ends::Error("--max-upload-size"), |faults| {
            faults.http_status("/upload/image", StatusCode::PAYLOAD_TOO_LARGE, 1);
        }),
        uploaded("upload answered late", Ends::Files(1), |faults| {
            faults.plan(None, "/upload/image", Fault::Delay(Duration::from_secs(1)), Some(1));
        }),
        case("broken picture", SOON, Ends::Error("the run failed at node 1 \"Photo\" (LoadImage)"), async {
            let on = start().await;
            let broken = on.file("photo.png", "image/png", b"no picture".to_vec());
            on.run(&json!({"1": load("Photo"), "2": save("1")}), json!({"images": [broken]})).await
        }),
    ]
}

fn server_cases() -> Vec<Case> {
    vec![
        case("server restarted in the middle", 20, Ends::Error("no longer knows the run"), async {
            restarted(true).await
        }),
        case("server gone for good", 20, Ends::Error("may still be running"), async { restarted(false).await }),
        case("deleted by somebody else while it waits", SOON, Ends::Error("no longer knows the run"), async {
            let on = start().await;
            post(&on, "/prompt", &json!({"prompt": sampled(100)})).await;
            while get(&on, "/queue").await["queue_running"][0].is_null() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            meanwhile(&on, &sampled(1), json!({}), "queue_pending", async |on, id| {
                post(on, "/queue", &json!({"delete": [id]})).await;
            })
            .await
        }),
        case("interrupted by somebody else", SOON, Ends::Error("interrupted on the server"), async {
            let on = start().await;
            meanwhile(&on, &sampled(100), json!({}), "queue_running", async |on, id| {
                post(on, "/interrupt", &json!({"prompt_id": id})).await;
            })
            .await
        }),
        case("worker wedged by another prompt", SOON, Ends::Error("it was cancelled on the server"), async {
            let on = start().await;
            let mut wedge = json!({"1": colour(1), "2": save("1")});
            wedge["3"] = json!({"class_type": "EmptyImage"});
            post(&on, "/prompt", &json!({"prompt": wedge})).await;
            on.run(&sampled(1), json!({"timeout": 2})).await
        }),
        case("timeout in a sampler", SOON, Ends::Error("it was cancelled on the server"), async {
            let on = start().await;
            on.run(&sampled(1000), json!({"timeout": 1})).await
        }),
        case("timeout in a node that no interrupt reaches", SOON, Ends::Error("did not finish within 1 s"), async {
            let on = start().await;
            on.run(&json!({"1": {"class_type": "Stubborn", "inputs": {}}}), json!({"timeout": 1})).await
        }),
        case("timeout, and the cancelling refused", SOON, Ends::Error("could not be cancelled"), async {
            let on = start().await;
            on.comfyui.faults().plan(Some(Method::POST), "/jobs/*", Fault::Status(StatusCode::BAD_GATEWAY), None);
            on.run(&sampled(1000), json!({"timeout": 1})).await
        }),
        case("two runs on one server", SOON, Ends::Files(1), async {
            let on = start().await;
            let (workflow, mine) =
                (json!({"1": colour(0xff), "2": save("1")}), json!({"1": colour(0xff00), "2": save("1")}));
            let (other, mine) = tokio::join!(on.run(&workflow, json!({})), on.run(&mine, json!({})));
            assert_ne!(summary(&other.unwrap())["prompt_id"], summary(mine.as_ref().unwrap())["prompt_id"]);
            mine
        }),
        case("a branch that is not valid", SOON, Ends::Files(1), async {
            let on = start().await;
            let mut workflow = json!({"1": colour(1), "2": save("1"), "3": colour(2), "4": save("3")});
            workflow["3"]["inputs"]["width"] = json!(0);
            let answer = on.run(&workflow, json!({})).await;
            let warnings = summary(answer.as_ref().unwrap())["warnings"].to_string();
            assert!(warnings.contains("node 3 (EmptyImage): width"), "{warnings}");
            answer
        }),
        case("a cached file deleted from the disk", SOON, Ends::Files(1), async {
            let on = start().await;
            let workflow = json!({"1": colour(1), "2": save("1")});
            on.run(&workflow, json!({})).await.unwrap();
            assert!(on.comfyui.remove_file(Folder::Output, "result_00001_.png"));
            on.run(&workflow, json!({})).await
        }),
    ]
}

/// Stops the server in the middle of a run, and perhaps starts another one in its place.
async fn restarted(again: bool) -> Outcome {
    let OnEmulator { comfyui, uploads: _uploads, files: _files, plugin, credentials, watch: _watch } = start().await;
    let port = comfyui.url().strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/comfy"));
    let port = port.unwrap().parse().unwrap();
    let parameters = json!({"workflow_json": sampled(300).to_string(), "timeout": if again { 30 } else { 4 }});
    let call = dify_plugin_protocol::InvokeTool {
        user_id: "user-1".into(),
        provider: "comfyui".into(),
        tool: "workflow".into(),
        credentials,
        credential_type: dify_plugin_protocol::CredentialType::ApiKey,
        tool_parameters: parameters.as_object().unwrap().clone(),
    };
    let stop = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        comfyui.stop().await;
        let new = ComfyUiEmulator::builder().bearer_token(TOKEN).path_prefix("/comfy").port(port);
        if again { Some(new.start().await.unwrap()) } else { None }
    };
    let (outcome, _server) = tokio::join!(plugin.invoke_tool(call), stop);
    outcome
}

/// What happened, in a few words; an error if it is not what had to happen.
fn judge(ends: &Ends, outcome: &Outcome) -> Result<String, String> {
    match (ends, outcome) {
        (Ends::Files(count), Ok(answer)) => {
            let delivered = answer.files.iter().all(|file| file.size > 0);
            let said = format!("{} file", answer.files.len());
            if answer.files.len() == *count && delivered { Ok(said) } else { Err(said) }
        }
        (Ends::Error(part), Err(CallFailure::Plugin(error))) => {
            // Where the server was reached before, nothing is said on how to reach it.
            let is_off = error.message.contains("Docker") && *part != "connection refused";
            let is_right = error.message.contains(part) && !error.message.contains(TOKEN) && !is_off;
            if is_right { Ok(error.message.clone()) } else { Err(error.message.clone()) }
        }
        (_, Ok(answer)) => Err(format!("{} files", answer.files.len())),
        (_, Err(failure)) => Err(failure.to_string()),
    }
}

#[tokio::test]
async fn every_case_ends_in_time_with_the_right_files_or_the_right_error() {
    let mut cases = socket_cases();
    cases.extend(record_cases());
    cases.extend(submit_cases());
    cases.extend(access_cases());
    cases.extend(file_cases());
    cases.extend(server_cases());
    let count = cases.len();
    assert!(count >= 30);
    let ran = cases.into_iter().map(|Case { name, deadline, ends, run }| async move {
        let begun = Instant::now();
        let outcome = tokio::time::timeout(deadline, run).await;
        let verdict = match &outcome {
            Ok(outcome) => judge(&ends, outcome),
            Err(_) => Err(format!("still going after {} s", deadline.as_secs())),
        };
        (name, begun.elapsed(), deadline, verdict)
    });
    let rows: Vec<_> = stream::iter(ran).buffered(6).collect().await;
    eprintln!("| case | seconds (of at most) | ends | as it should |\n|---|---|---|---|");
    for (name, took, deadline, verdict) in &rows {
        let (said, right) = match verdict {
            Ok(said) => (said, "yes"),
            Err(said) => (said, "NO"),
        };
        let said: String = said.chars().take(110).collect();
        eprintln!("| {name} | {:.1} ({}) | {said} | {right} |", took.as_secs_f64(), deadline.as_secs());
    }
    let wrong: Vec<_> = rows.iter().filter_map(|(name, _, _, verdict)| Some((name, verdict.as_ref().err()?))).collect();
    assert!(wrong.is_empty(), "{} of {count} cases ended otherwise: {wrong:#?}", wrong.len());
}
