//! Every byte that leaves the plugin is searched for what it must not hold.

#![allow(dead_code, clippy::unwrap_used)]

use comfyui_emulator::ComfyUiEmulator;
use dify_plugin_host::{DifyHost, FileServer, Observer, SIGNED_URL_MARK, UploadEndpoint};
use secret_watch::{Secret, SecretWatch, Tap};

use super::TOKEN;

pub(crate) const COMFYUI: &str = "ComfyUI";
pub(crate) const DIFY_UPLOADS: &str = "Dify's upload URL";
pub(crate) const DIFY_FILES: &str = "Dify's file URLs";
pub(crate) const STDOUT: &str = "standard output";
pub(crate) const STDERR: &str = "standard error";

pub(crate) const EXTRA_HEADER: &str = "close-sesame-of-gate";
pub(crate) const COMFY_ORG_KEY: &str = "org-sesame-of-comfy";
pub(crate) const CIVITAI_KEY: &str = "sesame-of-civitai";
pub(crate) const HF_KEY: &str = "sesame-of-hugging-face";

/// Watches over every credential, and over what plugins say that are started by `dify` from now on.
pub(crate) fn watch_over_credentials(dify: &DifyHost) -> SecretWatch {
    let watch = SecretWatch::over(vec![
        Secret::new("comfyui_api_key", TOKEN).only_to(&[COMFYUI]),
        Secret::new("extra_header", EXTRA_HEADER).only_to(&[COMFYUI]),
        Secret::new("api_key_comfy_org", COMFY_ORG_KEY).only_to(&[COMFYUI]),
        // These only where the server is asked to fetch a model.
        Secret::new("civitai_api_key", CIVITAI_KEY).only_to(&[COMFYUI]),
        Secret::new("hf_api_key", HF_KEY).only_to(&[COMFYUI]),
        Secret::new("the signature of a URL of Dify", SIGNED_URL_MARK).only_to(&[DIFY_UPLOADS, DIFY_FILES]),
    ]);
    let taps = watch.taps(STDOUT);
    dify.observe_stdout(move || tap(taps()));
    let taps = watch.taps(STDERR);
    dify.observe_stderr(move || tap(taps()));
    watch
}

/// Watches what goes to these.
pub(crate) fn watch_servers(
    watch: &SecretWatch,
    comfyui: &ComfyUiEmulator,
    uploads: &UploadEndpoint,
    files: &FileServer,
) {
    let taps = watch.taps(COMFYUI);
    comfyui.observe_requests(move || tap(taps()));
    let taps = watch.taps(DIFY_UPLOADS);
    uploads.observe_requests(move || tap(taps()));
    let taps = watch.taps(DIFY_FILES);
    files.observe_requests(move || tap(taps()));
}

fn tap(mut tap: Tap) -> Observer {
    Box::new(move |bytes| tap.write(bytes))
}
