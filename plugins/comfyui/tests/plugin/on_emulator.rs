//! The plugin, started as Dify's daemon starts it, and a ComfyUI server for it to talk to.

#![allow(dead_code, clippy::unwrap_used)]

#[path = "watched.rs"]
pub(crate) mod watched;

use std::env;
use std::fmt::Debug;
use std::process::Command;
use std::time::Duration;

use comfyui_emulator::{ComfyUiEmulator, ComfyUiEmulatorBuilder};
use dify_plugin_host::{Answer, CallFailure, DifyHost, FileServer, PluginProcess, UploadEndpoint};
use dify_plugin_protocol::{CallError, CredentialType, InvokeTool, ValidateCredentials};
use secret_watch::SecretWatch;
use serde_json::{Map, Value, json};

use watched::{CIVITAI_KEY, COMFY_ORG_KEY, EXTRA_HEADER, HF_KEY};

const NAME: &str = "comfyui";

/// Longer than anything here takes, and short enough to notice a hang.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the emulator asks for, and must show up in no error and no log.
pub(crate) const TOKEN: &str = "open-sesame-of-comfyui";

pub(crate) struct OnEmulator {
    pub(crate) comfyui: ComfyUiEmulator,
    pub(crate) uploads: UploadEndpoint,
    pub(crate) files: FileServer,
    pub(crate) plugin: PluginProcess,
    /// What the user filled in.
    pub(crate) credentials: Map<String, Value>,
    /// Fails the test at its end if a credential was seen where it may not be.
    pub(crate) watch: SecretWatch,
}

impl OnEmulator {
    /// A server that asks for [`TOKEN`], below a path, as behind a gateway.
    pub(crate) async fn start() -> Self {
        Self::start_with(|comfyui| comfyui, |_| ()).await
    }

    /// The server that `OXIDIFY_COMFYUI_URL` names, with the key in `OXIDIFY_COMFYUI_KEY` and the user in
    /// `OXIDIFY_COMFYUI_USER` if it wants them; without it, the emulator.
    pub(crate) async fn start_on_any_server() -> Self {
        let mut on = Self::start().await;
        if let Ok(url) = env::var("OXIDIFY_COMFYUI_URL") {
            on.fill_in("base_url", url);
            on.fill_in("comfyui_api_key", env::var("OXIDIFY_COMFYUI_KEY").unwrap_or_default());
            on.fill_in("comfyui_user", env::var("OXIDIFY_COMFYUI_USER").unwrap_or_default());
        }
        on
    }

    pub(crate) async fn start_with(
        comfyui: impl FnOnce(ComfyUiEmulatorBuilder) -> ComfyUiEmulatorBuilder,
        command: impl FnOnce(&mut Command),
    ) -> Self {
        let uploads = UploadEndpoint::start().await.unwrap();
        let dify = DifyHost::builder().uploads(uploads.clone()).call_limit(PATIENCE).strict(true).build();
        Self::start_in(&dify, uploads, comfyui, command).await
    }

    /// In a Dify of one's own.
    pub(crate) async fn start_in(
        dify: &DifyHost,
        uploads: UploadEndpoint,
        comfyui: impl FnOnce(ComfyUiEmulatorBuilder) -> ComfyUiEmulatorBuilder,
        command: impl FnOnce(&mut Command),
    ) -> Self {
        let builder = ComfyUiEmulator::builder().bearer_token(TOKEN).path_prefix("/comfy");
        let comfyui = comfyui(builder).start().await.unwrap();
        let credentials = json!({
            "base_url": comfyui.url(),
            "comfyui_api_key": TOKEN,
            "extra_header": format!("X-Gate: {EXTRA_HEADER}"),
            "api_key_comfy_org": COMFY_ORG_KEY,
            "civitai_api_key": CIVITAI_KEY,
            "hf_api_key": HF_KEY,
        });
        let credentials = credentials.as_object().unwrap().clone();
        let files = FileServer::start().await.unwrap();
        let watch = watched::watch_over_credentials(dify);
        watched::watch_servers(&watch, &comfyui, &uploads, &files);
        let plugin = start_plugin(dify, command).await;
        Self { comfyui, uploads, files, plugin, credentials, watch }
    }

    /// Runs a workflow with the parameters besides it.
    pub(crate) async fn run(&self, workflow: &Value, parameters: Value) -> Result<Answer, CallFailure> {
        self.plugin.invoke_tool(self.call(workflow, parameters)).await
    }

    pub(crate) fn call(&self, workflow: &Value, parameters: Value) -> InvokeTool {
        let mut tool_parameters = parameters.as_object().unwrap().clone();
        tool_parameters.insert("workflow_json".to_owned(), workflow.to_string().into());
        self.call_with(tool_parameters)
    }

    pub(crate) fn call_with(&self, tool_parameters: Map<String, Value>) -> InvokeTool {
        InvokeTool {
            user_id: "user-1".into(),
            provider: NAME.into(),
            tool: "workflow".into(),
            credentials: self.credentials.clone(),
            credential_type: CredentialType::ApiKey,
            tool_parameters,
        }
    }

    pub(crate) async fn validate(&self) -> Result<(), CallFailure> {
        let fields = ValidateCredentials {
            user_id: "user-1".into(),
            provider: NAME.into(),
            credentials: self.credentials.clone(),
        };
        self.plugin.validate_tool_credentials(&fields).await
    }

    pub(crate) fn fill_in(&mut self, name: &str, value: impl Into<Value>) {
        self.credentials.insert(name.to_owned(), value.into());
    }

    /// A file that a user gave to Dify, as a parameter.
    pub(crate) fn file(&self, name: &str, media_type: &str, bytes: Vec<u8>) -> Value {
        self.files.parameter_json(&self.files.add(name, media_type, bytes))
    }

    /// Asserts what holds after any call: nothing but protocol on standard output, no secret where it may not be, every
    /// file by a way that Dify takes.
    pub(crate) fn assert_well_behaved(&self) {
        assert_eq!(self.plugin.violations(), []);
        self.watch.assert_no_leak();
        assert_eq!(self.uploads.refusals(), [""; 0]);
    }
}

/// Starts the plugin without the proxies of the machine it is tested on, and with all that it logs.
pub(crate) async fn start_plugin(dify: &DifyHost, set_up: impl FnOnce(&mut Command)) -> PluginProcess {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oxidify-comfyui"));
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_ascii_lowercase());
    }
    command.env("LOG_LEVEL", "trace");
    set_up(&mut command);
    PluginProcess::start(command, dify).await.unwrap()
}

/// What the user reads, on one line and without a secret in it.
pub(crate) fn refusal<T: Debug>(outcome: Result<T, CallFailure>) -> CallError {
    match outcome {
        Err(CallFailure::Plugin(error)) => {
            assert!(!error.message.contains(TOKEN) && !error.message.contains('\n'), "{}", error.message);
            error
        }
        other => panic!("{other:?}"),
    }
}

/// The one object of an answer.
pub(crate) fn summary(answer: &Answer) -> &Value {
    let [summary] = answer.json()[..] else { panic!("{:?}", answer.messages) };
    summary
}

/// A node that saves what comes from `node`.
pub(crate) fn save(node: &str) -> Value {
    json!({"class_type": "SaveImage", "inputs": {"images": [node, 0], "filename_prefix": "result"}, "_meta": {"title": "Result"}})
}

/// A node that loads a picture, until the plugin puts another into it.
pub(crate) fn load(title: &str) -> Value {
    json!({"class_type": "LoadImage", "inputs": {"image": "example.png"}, "_meta": {"title": title}})
}

/// A node that paints one colour, such as `0xff0000`, on 8 × 8 pixels.
pub(crate) fn colour(rgb: u32) -> Value {
    json!({"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": rgb}})
}
