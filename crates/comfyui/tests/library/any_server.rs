use std::env;

use comfyui::{ComfyUi, Credentials, ServerAddress};
use comfyui_emulator::ComfyUiEmulator;
use origin_client::Connections;
use reqwest::{Method, Url};

/// A client, and the emulator that it speaks with unless the environment names a server.
pub(crate) struct AnyServer {
    pub(crate) client: ComfyUi,
    /// On a server that keeps users apart.
    pub(crate) user: Option<String>,
    _emulator: Option<ComfyUiEmulator>,
}

pub(crate) fn client(url: &str, key: &str) -> ComfyUi {
    let credentials = Credentials::default().with_bearer(&key.into());
    ComfyUi::new(ServerAddress::parse(url).unwrap(), credentials, &Connections::new().unwrap()).unwrap()
}

impl AnyServer {
    pub(crate) async fn start() -> Self {
        match env::var("OXIDIFY_COMFYUI_URL") {
            Ok(url) => {
                let key = env::var("OXIDIFY_COMFYUI_KEY").unwrap_or_default();
                let user = env::var("OXIDIFY_COMFYUI_USER").ok();
                Self { client: client(&url, &key), user, _emulator: None }
            }
            Err(_) => {
                let emulator = ComfyUiEmulator::builder().start().await.unwrap();
                Self { client: client(emulator.url(), ""), user: None, _emulator: Some(emulator) }
            }
        }
    }

    /// Saves a workflow as the editor does, or removes it. The client itself only reads.
    pub(crate) async fn save(&self, path: &str, json: Option<&str>) {
        // The path in one segment; a % outlives two decodings, and braces one.
        let path = format!("workflows/{path}").replace('%', "%25").replace('{', "%7B").replace('}', "%7D");
        let mut url: Url = self.client.address().base().clone();
        url.path_segments_mut().unwrap().pop_if_empty().extend(["userdata", &path]);
        let method = if json.is_some() { Method::POST } else { Method::DELETE };
        let http = Connections::new().unwrap().to(&url).unwrap();
        let mut request = http.request(method, url).unwrap().body(json.unwrap_or_default().to_owned());
        let users = self.client.users().await.unwrap();
        if let Some(user) = users.find(self.user.as_deref()).unwrap() {
            request = request.header("Comfy-User", &user.id);
        }
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
    }
}
