//! Calls to the ComfyUI plugin, with an emulated server.

use std::io::Cursor;
use std::time::Instant;

use comfyui_emulator::ComfyUiEmulator;
use dify_plugin_host::FileServer;
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};

use crate::api::{Api, Messages};

const PLUGIN_ID: &str = "oxidify/comfyui";
const TOKEN: &str = "gateway-token";
const SIZE: u32 = 640;

pub(crate) struct ComfyUi {
    server: ComfyUiEmulator,
    files: FileServer,
}

impl ComfyUi {
    pub(crate) async fn start() -> Self {
        let server = ComfyUiEmulator::builder().bearer_token(TOKEN).start().await.unwrap();
        Self { server, files: FileServer::start().await.unwrap() }
    }

    /// Every kind of call.
    pub(crate) async fn calls(&self, api: &Api) {
        self.validate(api).await.unwrap();
        let first = Instant::now();
        self.workflow(api).await;
        let second = Instant::now();
        self.workflow(api).await;
        let milliseconds = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1000.0;
        println!(
            "  workflow: {:.1} ms, then {:.1} ms",
            milliseconds(first, second),
            milliseconds(second, Instant::now())
        );
        let refused = self.call(
            api,
            "workflow",
            json!({"workflow_json": "{\"1\": {\"class_type\": \"NoSuch\", \"inputs\": {}}}"}),
        );
        let Err(error) = refused.await else { panic!("an unknown node ran") };
        assert!(error.contains("NoSuch"), "{error}");
    }

    pub(crate) async fn validate(&self, api: &Api) -> Result<(), String> {
        let data = json!({"provider": "comfyui", "credentials": self.credentials()});
        api.dispatch(PLUGIN_ID, "tool/validate_credentials", data).await.map(drop)
    }

    /// A picture in, its negative out.
    pub(crate) async fn workflow(&self, api: &Api) {
        let photo = RgbImage::from_fn(SIZE, SIZE, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]));
        let mut png = Cursor::new(Vec::new());
        photo.write_to(&mut png, ImageFormat::Png).unwrap();
        let input = self.files.parameter_json(&self.files.add("photo.png", "image/png", png.into_inner()));
        let workflow = json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": "replaced.png"}},
            "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
            "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "negative"}},
        });
        let parameters = json!({"workflow_json": workflow.to_string(), "images": [input]});
        let answer = self.call(api, "workflow", parameters).await.unwrap();
        let [(meta, bytes)] = answer.files.as_slice() else { panic!("{} files", answer.files.len()) };
        assert_eq!(meta["mime_type"], "image/png", "{meta}");
        let negative = image::load_from_memory(bytes).unwrap().to_rgb8();
        let worst = photo.as_raw().iter().zip(negative.as_raw()).map(|(a, b)| (255 - a).abs_diff(*b)).max();
        assert!(worst <= Some(1), "off by {worst:?}");
        assert!(answer.messages.iter().any(|message| message["type"] == "json"), "{:?}", answer.messages);
    }

    async fn call(&self, api: &Api, tool: &str, parameters: Value) -> Result<Messages, String> {
        let data = json!({
            "provider": "comfyui", "tool": tool, "credentials": self.credentials(), "credential_type": "api-key",
            "tool_parameters": parameters,
        });
        api.dispatch(PLUGIN_ID, "tool/invoke", data).await
    }

    fn credentials(&self) -> Value {
        json!({"base_url": self.server.url(), "comfyui_api_key": TOKEN})
    }
}
