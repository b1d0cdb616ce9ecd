//! A server with ComfyUI's routes that runs nothing: it plays a script of frames and records for each prompt.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::ListenerExt;
use comfyui::{ComfyUi, Credentials, ServerAddress, Workflow};
use origin_client::Connections;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::sleep;

/// How a prompt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Success,
    Failure,
    /// It runs until it is cancelled.
    Never,
    /// It waits, and then somebody deletes it.
    Deleted,
    /// It succeeds, and somebody wipes the history at that moment.
    SuccessWiped,
}

/// What the WebSocket does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Socket {
    Works,
    /// The handshake is answered with 404.
    Refused,
    /// The first connection is cut off after so many frames of a run.
    CutAfter(usize),
    /// It opens, and never says anything.
    Silent,
    /// Between the frames come some that make no sense.
    Garbage,
}

/// What becomes of the answers to `POST /prompt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    Arrive,
    /// The prompt is taken, and a gateway answers 502.
    GetLost,
    /// A gateway answers the first time with 502 and takes nothing.
    NotTakenOnce,
    /// The answer comes so much later, and says that a part of the workflow was left out.
    ComeLate(Duration),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Script {
    pub(crate) prefix: &'static str,
    pub(crate) bearer: Option<&'static str>,
    pub(crate) ending: Ending,
    pub(crate) socket: Socket,
    pub(crate) answers: Answers,
    /// From `executing {node: null}` to the history entry.
    pub(crate) history_lag: Duration,
    /// Whether there are `/api/jobs` and its cancel.
    pub(crate) job_routes: bool,
    /// Between two frames of a run.
    pub(crate) step: Duration,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            prefix: "",
            bearer: None,
            ending: Ending::Success,
            socket: Socket::Works,
            answers: Answers::Arrive,
            history_lag: Duration::ZERO,
            job_routes: true,
            step: Duration::from_millis(5),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Pending,
    Running,
    Recorded(Value),
    Deleted,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) line: String,
    pub(crate) authorization: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) content_length: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

#[derive(Default)]
struct World {
    seen: Vec<Seen>,
    sockets: HashMap<String, UnboundedSender<Message>>,
    sockets_opened: usize,
    prompts: HashMap<String, Phase>,
}

#[derive(Clone)]
pub(crate) struct ScriptedServer {
    script: Script,
    world: Arc<Mutex<World>>,
    url: String,
}

impl ScriptedServer {
    pub(crate) async fn start(script: Script) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{}", listener.local_addr().unwrap(), script.prefix);
        let server = Self { script, world: Arc::default(), url };
        let router = Router::new().fallback(answer).with_state(server.clone());
        // As aiohttp does: without it, small frames wait 40 ms for each other.
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        server
    }

    pub(crate) fn client(&self) -> ComfyUi {
        self.client_with(Credentials::default())
    }

    pub(crate) fn client_with(&self, credentials: Credentials) -> ComfyUi {
        ComfyUi::new(ServerAddress::parse(&self.url).unwrap(), credentials, &Connections::new().unwrap()).unwrap()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// The requests whose method and path begin like this, the prefix left out.
    pub(crate) fn seen(&self, line: &str) -> Vec<Seen> {
        self.world().seen.iter().filter(|seen| seen.line.starts_with(line)).cloned().collect()
    }

    pub(crate) fn sockets_opened(&self) -> usize {
        self.world().sockets_opened
    }

    fn phase(&self, id: &str) -> Option<Phase> {
        self.world().prompts.get(id).cloned()
    }

    fn set_phase(&self, id: &str, phase: Phase) {
        self.world().prompts.insert(id.to_owned(), phase);
    }

    fn send(&self, client_id: &str, kind: &str, data: &Value) {
        let frame = Message::text(json!({"type": kind, "data": data}).to_string());
        let world = self.world();
        if let Some(socket) = world.sockets.get(client_id) {
            let _ = socket.send(frame);
            if self.script.socket == Socket::Garbage {
                for garbage in ["", "not json", "[1]", r#"{"type": 7}"#, r#"{"type": "executing", "data": "x"}"#] {
                    let _ = socket.send(Message::text(garbage));
                }
                let _ = socket.send(Message::binary(vec![0, 0, 0, 1]));
                let _ = socket.send(Message::binary(vec![0, 0, 0, 4, 255, 255, 255, 255]));
                let _ = socket.send(Message::text(r#"{"type": "from.the.future", "data": [NaN]}"#));
            }
        }
    }

    /// Plays a prompt from the queue to its end.
    async fn play(self, id: String, client_id: String) {
        let Script { step, ending, history_lag, .. } = self.script;
        let say = |kind: &'static str, data: Value| {
            let mut data = data;
            data["prompt_id"] = json!(id);
            let (server, client_id) = (self.clone(), client_id.clone());
            async move {
                server.send(&client_id, kind, &data);
                sleep(step).await;
            }
        };
        self.send(&client_id, "status", &json!({"status": {"exec_info": {"queue_remaining": 1}}}));
        if ending == Ending::Deleted {
            sleep(Duration::from_millis(100)).await;
            self.set_phase(&id, Phase::Deleted);
            self.send(&client_id, "status", &json!({"status": {"exec_info": {"queue_remaining": 0}}}));
            return;
        }
        self.set_phase(&id, Phase::Running);
        say("execution_start", json!({})).await;
        say("execution_cached", json!({"nodes": []})).await;
        say("executing", json!({"node": "1", "display_node": "1"})).await;
        while ending == Ending::Never && self.phase(&id) == Some(Phase::Running) {
            say("progress", json!({"node": "1", "value": 1, "max": 100})).await;
        }
        say("progress", json!({"node": "1", "value": 1, "max": 2})).await;
        say("executing", json!({"node": "3", "display_node": "3"})).await;
        let images = json!({"images": [{"filename": "result_00001_.png", "subfolder": "sub", "type": "output"}]});
        let (last, status, outputs) = match ending {
            Ending::Failure => {
                let error = json!({"prompt_id": id, "node_id": "3", "node_type": "SaveImage", "executed": ["1"],
                    "exception_message": "disk full\n", "exception_type": "OSError", "traceback": ["File \"nodes.py\""],
                    "current_inputs": {"filename_prefix": ["private"]}, "current_outputs": []});
                (("execution_error", error), "error", json!({"1": images}))
            }
            Ending::Never => (("execution_interrupted", json!({"node_id": "1", "prompt_id": id})), "error", json!({})),
            _ => {
                say("executed", json!({"node": "3", "display_node": "3", "output": images})).await;
                (("execution_success", json!({"prompt_id": id})), "success", json!({"3": images}))
            }
        };
        self.send(&client_id, last.0, &last.1);
        if ending == Ending::SuccessWiped {
            self.set_phase(&id, Phase::Deleted);
            say("executing", json!({"node": null})).await;
            return;
        }
        let record = json!({"prompt": [1, id, {}, {}, ["3"]], "outputs": outputs, "status": {
            "status_str": status, "completed": status == "success", "messages": [[last.0, last.1]]}, "meta": {}});
        if history_lag.is_zero() {
            self.set_phase(&id, Phase::Recorded(record));
            say("executing", json!({"node": null})).await;
        } else {
            say("executing", json!({"node": null})).await;
            sleep(history_lag).await;
            self.set_phase(&id, Phase::Recorded(record));
        }
    }

    async fn post_prompt(&self, body: &[u8]) -> Response {
        let body: Value = serde_json::from_slice(body).unwrap();
        if self.script.answers == Answers::NotTakenOnce && self.seen("POST /prompt").len() == 1 {
            return bad_gateway();
        }
        let id = body["prompt_id"].as_str().unwrap().to_owned();
        let client_id = body["client_id"].as_str().unwrap_or_default().to_owned();
        if body["prompt"]["1"]["class_type"] == "Refused" {
            return (
                StatusCode::BAD_REQUEST,
                axum_json(&json!({"error": {"type": "prompt_outputs_failed_validation", "message": "Prompt outputs failed validation",
                    "details": "", "extra_info": {}}, "node_errors": {"1": {"errors": [{"type": "required_input_missing",
                    "message": "Required input is missing", "details": "width", "extra_info": {"input_name": "width"}}],
                    "dependent_outputs": ["3"], "class_type": "Refused"}}})),
            )
                .into_response();
        }
        self.set_phase(&id, Phase::Pending);
        tokio::spawn(self.clone().play(id.clone(), client_id));
        if self.script.answers == Answers::GetLost {
            return bad_gateway();
        }
        if let Answers::ComeLate(delay) = self.script.answers {
            sleep(delay).await;
            let node_errors = json!({"9": {"errors": [], "dependent_outputs": ["9"], "class_type": "LeftOut"}});
            return axum_json(&json!({"prompt_id": id, "number": 1, "node_errors": node_errors}));
        }
        axum_json(&json!({"prompt_id": id, "number": 1, "node_errors": {}}))
    }

    fn cancel(&self, id: &str) -> bool {
        let mut world = self.world();
        match world.prompts.get_mut(id) {
            Some(phase @ (Phase::Pending | Phase::Running)) => {
                *phase = Phase::Deleted;
                true
            }
            _ => false,
        }
    }

    fn queue(&self) -> Value {
        let world = self.world();
        let of = |wanted: &Phase| -> Vec<Value> {
            let found = world.prompts.iter().filter(|(_, phase)| *phase == wanted);
            found.map(|(id, _)| json!([1, id, {}, {}, ["3"]])).collect()
        };
        json!({"queue_running": of(&Phase::Running), "queue_pending": of(&Phase::Pending)})
    }

    fn job(&self, id: &str) -> Response {
        let status = match self.phase(id) {
            Some(Phase::Pending) => "pending",
            Some(Phase::Running) => "in_progress",
            Some(Phase::Recorded(_)) => "completed",
            Some(Phase::Deleted) | None => {
                return (StatusCode::NOT_FOUND, axum_json(&json!({"error": "Job not found"}))).into_response();
            }
        };
        axum_json(&json!({"id": id, "status": status}))
    }

    async fn feed(self, mut socket: WebSocket, client_id: String) {
        let (sender, mut frames): (_, UnboundedReceiver<Message>) = unbounded_channel();
        let nth = {
            let mut world = self.world();
            world.sockets.insert(client_id.clone(), sender);
            world.sockets_opened += 1;
            world.sockets_opened
        };
        if self.script.socket != Socket::Silent {
            let status =
                json!({"type": "status", "data": {"status": {"exec_info": {"queue_remaining": 0}}, "sid": client_id}});
            let _ = socket.send(Message::text(status.to_string())).await;
        }
        let mut sent = 0;
        loop {
            tokio::select! {
                frame = frames.recv() => {
                    let Some(frame) = frame else { return };
                    if self.script.socket == Socket::Silent {
                        continue;
                    }
                    if socket.send(frame).await.is_err() {
                        return;
                    }
                    sent += 1;
                    if matches!(self.script.socket, Socket::CutAfter(frames) if nth == 1 && sent >= frames) {
                        return; // Without a close frame.
                    }
                }
                received = socket.recv() => {
                    if !matches!(received, Some(Ok(_))) {
                        return;
                    }
                }
            }
        }
    }
}

async fn answer(State(server): State<ScriptedServer>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let Some(route) = path.strip_prefix(server.script.prefix).map(str::to_owned) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let authorization = text(header::AUTHORIZATION);
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let seen = Seen {
        line: format!("{} {route}?{query}", parts.method),
        authorization: authorization.clone(),
        content_type: text(header::CONTENT_TYPE),
        content_length: text(header::CONTENT_LENGTH),
        body: to_bytes(body, 64 << 20).await.unwrap().to_vec(),
    };
    let body = seen.body.clone();
    server.world().seen.push(seen);
    let expected = server.script.bearer.map(|key| format!("Bearer {key}"));
    if expected.is_some() && authorization != expected {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let segments: Vec<&str> = route.trim_start_matches('/').split('/').collect();
    match (parts.method.as_str(), segments.as_slice()) {
        ("GET", ["ws"]) => {
            if server.script.socket == Socket::Refused {
                return StatusCode::NOT_FOUND.into_response();
            }
            let client_id = query.strip_prefix("clientId=").unwrap_or_default().to_owned();
            let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await.unwrap();
            upgrade.on_upgrade(move |socket| server.feed(socket, client_id))
        }
        ("POST", ["prompt"]) => server.post_prompt(&body).await,
        ("GET", ["history", id]) => match server.phase(id) {
            Some(Phase::Recorded(record)) => axum_json(&json!({*id: record})),
            _ => axum_json(&json!({})),
        },
        ("GET", ["api", "jobs", id]) if server.script.job_routes => server.job(id),
        ("POST", ["api", "jobs", id, "cancel"]) if server.script.job_routes => {
            axum_json(&json!({"cancelled": server.cancel(id)}))
        }
        ("GET", ["queue"]) => axum_json(&server.queue()),
        ("POST", ["queue"]) => {
            let body: Value = serde_json::from_slice(&body).unwrap();
            for id in body["delete"].as_array().unwrap() {
                let id = id.as_str().unwrap();
                if server.phase(id) == Some(Phase::Pending) {
                    server.cancel(id);
                }
            }
            StatusCode::OK.into_response()
        }
        ("POST", ["interrupt"]) => {
            let body: Value = serde_json::from_slice(&body).unwrap();
            server.cancel(body["prompt_id"].as_str().unwrap());
            StatusCode::OK.into_response()
        }
        ("POST", ["upload", "image"]) => {
            axum_json(&json!({"name": "cat (1).png", "subfolder": "dify", "type": "input"}))
        }
        ("GET", ["view"]) if query.contains("gone") => StatusCode::NOT_FOUND.into_response(),
        ("GET", ["view"]) => ([(header::CONTENT_TYPE, "image/png")], vec![7_u8; 300_000]).into_response(),
        ("GET", ["system_stats"]) => axum_json(&json!({"system": {"os": "posix", "comfyui_version": "0.33.0"},
            "devices": [{"name": "cpu", "type": "cpu", "index": null, "vram_total": 5, "vram_free": 4}]})),
        ("GET", _) => StatusCode::NOT_FOUND.into_response(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn axum_json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], Body::from(value.to_string())).into_response()
}

fn bad_gateway() -> Response {
    (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], "<html><h1>502 Bad Gateway</h1></html>")
        .into_response()
}

pub(crate) fn workflow() -> Workflow {
    Workflow::parse(
        r#"{"1": {"class_type": "EmptyImage", "inputs": {"width": 64}, "_meta": {"title": "Canvas"}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}, "_meta": {"title": "Result"}}}"#,
    )
    .unwrap()
}
