//! The daemon's HTTP API, as Dify calls it (dify-plugin-daemon, `internal/server/http_server.go`).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::multipart::{Form, Part};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

const TENANT: &str = "00000000-0000-4000-8000-000000000001";

/// How long an installation may take.
const PATIENCE: Duration = Duration::from_secs(240);

#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    url: String,
    key: String,
}

/// What came of a call to a plugin.
#[derive(Default)]
pub(crate) struct Messages {
    pub(crate) messages: Vec<Value>,
    /// Files that came in chunks or in one piece, with their meta.
    pub(crate) files: Vec<(Value, Vec<u8>)>,
}

impl Api {
    pub(crate) fn new(origin: &str, key: &str) -> Self {
        // Whichever comes first: they are the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(120)).build().unwrap();
        Self { client, url: format!("{origin}/plugin/{TENANT}"), key: key.to_owned() }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, String> {
        let response = request.header("X-Api-Key", &self.key).send().await.map_err(|error| error.to_string())?;
        let text = response.text().await.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&text).map_err(|_| text.clone())?;
        if answer["code"] == 0 { Ok(answer["data"].clone()) } else { Err(answer.to_string()) }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(self.client.get(format!("{}/{path}", self.url))).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.send(self.client.post(format!("{}/{path}", self.url)).json(body)).await
    }

    /// Uploads a package; its unique identifier.
    pub(crate) async fn upload(&self, package: &[u8], verify: bool) -> Result<String, String> {
        let part = Part::bytes(package.to_vec()).file_name("plugin.difypkg");
        let form = Form::new().part("dify_pkg", part).text("verify_signature", verify.to_string());
        let url = format!("{}/management/install/upload/package", self.url);
        let answer = self.send(self.client.post(url).multipart(form)).await?;
        Ok(answer["unique_identifier"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn install(&self, identifier: &str) -> Value {
        let body = json!({"plugin_unique_identifiers": [identifier], "source": "package", "metas": [{}]});
        self.post("management/install/identifiers", &body).await.unwrap()
    }

    /// Waits until an installation or upgrade is done.
    pub(crate) async fn finish(&self, task: &Value) {
        if task["all_installed"] == true {
            return;
        }
        let id = task["task_id"].as_str().unwrap();
        let started = Instant::now();
        loop {
            let state = self.get(&format!("management/install/tasks/{id}")).await;
            match state["status"].as_str() {
                Some("success") => return,
                Some("failed") => panic!("{state}"),
                _ => assert!(started.elapsed() < PATIENCE, "{state}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until a plugin is listed as installed.
    pub(crate) async fn listed(&self, plugin: &str) {
        let started = Instant::now();
        while self.find(plugin).await.is_none() {
            assert!(started.elapsed() < Duration::from_secs(60), "{plugin} did not come");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn installation_id(&self, plugin: &str) -> String {
        let found = self.find(plugin).await.unwrap();
        found["id"].as_str().unwrap().to_owned()
    }

    async fn find(&self, plugin: &str) -> Option<Value> {
        let listed = self.get("management/list?page=1&page_size=100").await;
        let list = listed["list"].as_array().or_else(|| listed.as_array())?;
        list.iter().find(|listed| listed["name"] == plugin).cloned()
    }

    /// Calls a plugin.
    pub(crate) async fn dispatch(&self, plugin_id: &str, path: &str, data: Value) -> Result<Messages, String> {
        let request = self.client.post(format!("{}/dispatch/{path}", self.url));
        let request = request.header("X-Api-Key", &self.key).header("X-Plugin-ID", plugin_id);
        let body = json!({"user_id": "00000000-0000-4000-8000-000000000002", "data": data});
        let response = request.json(&body).send().await.map_err(|error| error.to_string())?;
        let text = response.text().await.map_err(|error| error.to_string())?;
        let mut answer = Messages::default();
        let mut open: BTreeMap<String, Vec<u8>> = BTreeMap::new();
        let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
        if lines.is_empty() {
            return Err(text);
        }
        for line in lines {
            let line: Value = serde_json::from_str(line).map_err(|_| line.to_owned())?;
            if line["code"] != 0 {
                return Err(line["message"].to_string());
            }
            answer.take(line["data"].clone(), &mut open);
        }
        assert!(open.is_empty(), "files without an end: {:?}", open.keys());
        Ok(answer)
    }
}

impl Messages {
    fn take(&mut self, message: Value, open: &mut BTreeMap<String, Vec<u8>>) {
        let blob = || STANDARD.decode(message["message"]["blob"].as_str().unwrap()).unwrap();
        match message["type"].as_str() {
            Some("blob") => self.files.push((message["meta"].clone(), blob())),
            Some("blob_chunk") => {
                let id = message["message"]["id"].as_str().unwrap();
                open.entry(id.to_owned()).or_default().extend(blob());
                if message["message"]["end"] == true {
                    let bytes = open.remove(id).unwrap();
                    assert_eq!(message["message"]["total_length"], bytes.len());
                    self.files.push((message["meta"].clone(), bytes));
                }
            }
            _ => self.messages.push(message),
        }
    }
}
