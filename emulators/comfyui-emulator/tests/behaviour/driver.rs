//! A minimal client, so that a test reads as what it checks.

use std::io::Cursor;
use std::time::Duration;

use comfyui_emulator::ComfyUiEmulator;
use futures_util::{SinkExt, StreamExt};
use image::{ImageFormat, RgbImage};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Nothing here takes this long.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn start() -> ComfyUiEmulator {
    ComfyUiEmulator::builder().start().await.unwrap()
}

pub(crate) fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().timeout(PATIENCE).build().unwrap()
}

pub(crate) fn get(server: &ComfyUiEmulator, path: &str) -> RequestBuilder {
    client().get(format!("{}{path}", server.url()))
}

pub(crate) async fn get_json(server: &ComfyUiEmulator, path: &str) -> Value {
    get(server, path).send().await.unwrap().json().await.unwrap()
}

pub(crate) async fn post(server: &ComfyUiEmulator, path: &str, body: &Value) -> Response {
    client().post(format!("{}{path}", server.url())).json(body).send().await.unwrap()
}

/// Submits a prompt for a client; its id.
pub(crate) async fn submit(server: &ComfyUiEmulator, prompt: &Value, client_id: &str) -> String {
    let body = json!({"prompt": prompt, "client_id": client_id});
    let response = post(server, "/prompt", &body).await;
    assert_eq!(response.status(), 200);
    let answer: Value = response.json().await.unwrap();
    answer["prompt_id"].as_str().unwrap().to_owned()
}

/// Submits a prompt and waits for its end; its history entry.
pub(crate) async fn run(server: &ComfyUiEmulator, prompt: &Value) -> Value {
    let client_id = uuid::Uuid::new_v4().to_string();
    let mut socket = Socket::open(server, &client_id).await;
    let prompt_id = submit(server, prompt, &client_id).await;
    socket.frames_until_end().await;
    let history = get_json(server, &format!("/history/{prompt_id}")).await;
    history[&prompt_id].clone()
}

pub(crate) async fn upload(server: &ComfyUiEmulator, path: &str, form: Form) -> Response {
    client().post(format!("{}{path}", server.url())).multipart(form).send().await.unwrap()
}

pub(crate) fn file(name: &str, bytes: impl Into<Vec<u8>>) -> Form {
    Form::new().part("image", Part::bytes(bytes.into()).file_name(name.to_owned()))
}

pub(crate) fn png(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

/// A picture in which every pixel is another.
pub(crate) fn test_picture() -> RgbImage {
    RgbImage::from_fn(16, 16, |x, y| image::Rgb([(x * 16 + y) as u8, (255 - x * 16) as u8, y as u8]))
}

/// An image source and a node that saves it, with something between.
pub(crate) fn save(source: &str) -> Value {
    json!({"class_type": "SaveImage", "inputs": {"images": [source, 0], "filename_prefix": "x"}})
}

pub(crate) fn empty_image(side: u32, color: u32) -> Value {
    let inputs = json!({"width": side, "height": side, "batch_size": 1, "color": color});
    json!({"class_type": "EmptyImage", "inputs": inputs})
}

/// Text to image, in as many steps.
pub(crate) fn text_to_image(text: &str, seed: u64, steps: u32) -> Value {
    json!({
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "emulator.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": text, "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
        "3": {"class_type": "KSampler", "inputs": {
            "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
            "seed": seed, "steps": steps, "cfg": 7, "sampler_name": "euler", "scheduler": "normal",
            "denoise": 1,
        }},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": save("8"),
    })
}

/// A WebSocket.
pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects and takes the first `status` frame.
    pub(crate) async fn open(server: &ComfyUiEmulator, client_id: &str) -> Self {
        let mut socket = Self::connect(server, client_id).await.unwrap();
        assert_eq!(socket.next_json().await.unwrap()["data"]["sid"], client_id);
        socket
    }

    pub(crate) async fn connect(
        server: &ComfyUiEmulator,
        client_id: &str,
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let url = server.url().replacen("http", "ws", 1);
        let (socket, _) = connect_async(format!("{url}/ws?clientId={client_id}")).await?;
        Ok(Self(socket))
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    /// The next frame; `None` once the connection is gone.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.0.next()).await.expect("no frame came").and_then(Result::ok)
    }

    /// The next text frame.
    pub(crate) async fn next_json(&mut self) -> Option<Value> {
        loop {
            if let Message::Text(text) = self.next().await? {
                return Some(serde_json::from_str(&text).unwrap());
            }
        }
    }

    /// Every frame up to `executing` of no node.
    pub(crate) async fn frames_until_end(&mut self) -> Vec<Message> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await.expect("the connection is gone");
            let end = as_json(&frame).is_some_and(|json| json["type"] == "executing" && json["data"]["node"].is_null());
            frames.push(frame);
            if end {
                return frames;
            }
        }
    }

    /// Waits for a text frame of this type; its data.
    pub(crate) async fn wait_for(&mut self, kind: &str) -> Value {
        loop {
            let json = self.next_json().await.expect("the connection is gone");
            if json["type"] == kind {
                return json["data"].clone();
            }
        }
    }

    /// Whether nothing comes for a while.
    pub(crate) async fn is_silent(&mut self) -> bool {
        timeout(Duration::from_millis(300), self.0.next()).await.is_err()
    }
}

pub(crate) fn as_json(frame: &Message) -> Option<Value> {
    match frame {
        Message::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// The types of text frames, without `progress_state`, and binary ones as `type N`.
pub(crate) fn types(frames: &[Message]) -> Vec<String> {
    frames
        .iter()
        .filter_map(|frame| match frame {
            Message::Text(_) => Some(as_json(frame)?["type"].as_str()?.to_owned()),
            Message::Binary(bytes) => Some(format!("type {}", bytes[3])),
            _ => None,
        })
        .filter(|kind| kind != "progress_state")
        .collect()
}
