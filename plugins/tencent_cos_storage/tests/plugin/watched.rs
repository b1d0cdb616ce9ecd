//! Every byte that leaves the plugin is searched for what it must not hold.

#![allow(dead_code, clippy::unwrap_used)]

use cos_emulator::CosEmulator;
use dify_plugin_host::{DifyHost, Observer, SIGNED_URL_MARK, UploadEndpoint};
use secret_watch::{Secret, SecretWatch, Tap};

pub(crate) const COS: &str = "COS";
pub(crate) const DIFY_UPLOADS: &str = "Dify's upload URL";
pub(crate) const STDOUT: &str = "standard output";
pub(crate) const STDERR: &str = "standard error";

/// What the tests of temporary keys fill in.
pub(crate) const SESSION_TOKEN: &str = "sesame-token-of-a-session";

/// A watch over one account's secrets. The key is to be seen nowhere, not even at COS.
pub(crate) fn watch_over(secret_id: &str, secret_key: &str) -> SecretWatch {
    SecretWatch::over(vec![
        Secret::new("secret_key", secret_key),
        Secret::new("secret_id", secret_id).only_to(&[COS]),
        Secret::new("session_token", SESSION_TOKEN).only_to(&[COS]),
        Secret::new("the signature of a request", "q-signature=").only_to(&[COS]),
        Secret::new("the signature of an upload URL", SIGNED_URL_MARK).only_to(&[DIFY_UPLOADS]),
    ])
}

/// Shows the watch what plugins say that are started by `dify` from now on.
pub(crate) fn watch_output(watch: &SecretWatch, dify: &DifyHost) {
    let taps = watch.taps(STDOUT);
    dify.observe_stdout(move || tap(taps()));
    let taps = watch.taps(STDERR);
    dify.observe_stderr(move || tap(taps()));
}

pub(crate) fn watch_uploads(watch: &SecretWatch, uploads: &UploadEndpoint) {
    let taps = watch.taps(DIFY_UPLOADS);
    uploads.observe_requests(move || tap(taps()));
}

pub(crate) fn watch_cos(watch: &SecretWatch, cos: &CosEmulator) {
    let taps = watch.taps(COS);
    cos.observe_requests(move || tap(taps()));
}

fn tap(mut tap: Tap) -> Observer {
    Box::new(move |bytes| tap.write(bytes))
}
