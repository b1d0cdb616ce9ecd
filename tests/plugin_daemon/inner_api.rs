//! The one route of Dify's inner API that our plugins cause the daemon to call.

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use dify_plugin_host::UploadEndpoint;
use dify_plugin_protocol::UploadFileRequest;
use serde_json::{Value, json};
use tokio::net::TcpListener;

pub(crate) struct InnerApi {
    url: String,
}

impl InnerApi {
    pub(crate) async fn start(uploads: UploadEndpoint) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new().route("/inner/api/upload/file/request", post(request)).with_state(uploads);
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

async fn request(State(uploads): State<UploadEndpoint>, Json(body): Json<Value>) -> Json<Value> {
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let request = UploadFileRequest { filename: text("filename"), mimetype: text("mimetype") };
    Json(json!({"data": {"url": uploads.url_for(&request, &text("tenant_id"), &text("user_id"))}}))
}
