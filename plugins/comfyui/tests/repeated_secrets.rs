//! What a server repeats of the credentials reaches neither the user nor a log, and no other server is sent any.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;
#[path = "plugin/repeating_server.rs"]
mod repeating_server;

use on_emulator::watched::{COMFYUI, STDERR};
use on_emulator::{OnEmulator, TOKEN, colour, refusal, save};
use repeating_server::{redirecting_to, repeating};
use serde_json::json;
use tokio::net::TcpListener;

const STATUSES: [&str; 6] =
    ["200 OK", "400 Bad Request", "401 Unauthorized", "403 Forbidden", "404 Not Found", "500 Internal Server Error"];

#[tokio::test]
async fn what_a_server_repeats_is_blotted_out() {
    let mut on = OnEmulator::start().await;
    let workflow = json!({"1": colour(1), "2": save("1")});
    for media_type in ["application/json", "text/html", "text/plain"] {
        for status in STATUSES {
            let address = repeating(status, media_type, String::new()).await;
            on.fill_in("base_url", address);
            for error in [refusal(on.validate().await), refusal(on.run(&workflow, json!({})).await)] {
                assert!(!error.message.contains("sesame"), "{status} {media_type}: {}", error.message);
            }
        }
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn no_part_of_a_key_is_left_where_a_text_is_cut() {
    let mut on = OnEmulator::start().await;
    // Wherever the key comes to lie: an error takes 300 characters of a server's words.
    for before in (0..400).step_by(7) {
        let address = repeating("500 Internal Server Error", "text/plain", "x".repeat(before)).await;
        on.fill_in("base_url", address);
        let error = refusal(on.validate().await);
        assert!(!error.message.contains(&TOKEN[..5]), "{before}: {}", error.message);
    }
    on.assert_well_behaved();
}

#[tokio::test]
async fn a_password_in_the_address_is_blotted_out_too() {
    let mut on = OnEmulator::start().await;
    on.fill_in("comfyui_api_key", "");
    let address = repeating("500 Internal Server Error", "text/plain", "password-of-me ".to_owned()).await;
    on.fill_in("base_url", address.replace("http://", "http://me:password-of-me@"));
    let error = refusal(on.validate().await);
    // `me:password-of-me` in base64, as the header has it.
    let pair = "bWU6cGFzc3dvcmQtb2YtbWU";
    assert!(!error.message.contains("password-of-me") && !error.message.contains(pair), "{}", error.message);
    assert!(error.message.contains("***"), "{}", error.message);
    assert!(!on.plugin.stderr().contains("password-of-me") && !on.plugin.stderr().contains(pair));
}

#[tokio::test]
async fn a_redirect_elsewhere_is_refused_and_named_without_its_query() {
    let mut on = OnEmulator::start().await;
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", elsewhere.local_addr().unwrap());
    on.fill_in("base_url", redirecting_to(origin.clone()).await);
    let workflow = json!({"1": colour(1), "2": save("1")});
    for error in [refusal(on.validate().await), refusal(on.run(&workflow, json!({})).await)] {
        assert!(error.message.contains(&format!("redirects to {origin}")), "{}", error.message);
        assert!(!error.message.contains("key="), "{}", error.message);
    }
    let waited = tokio::time::timeout(std::time::Duration::from_millis(50), elsewhere.accept()).await;
    assert!(waited.is_err(), "somebody came");
    on.assert_well_behaved();
}

/// The watch itself: what it must see, it sees.
#[tokio::test]
async fn credentials_are_seen_at_their_own_server() {
    let on = OnEmulator::start().await;
    on.run(&json!({"1": colour(1), "2": save("1")}), json!({})).await.unwrap();
    for secret in ["civitai_api_key", "hf_api_key"] {
        assert!(!on.watch.has_seen(secret, COMFYUI), "{secret} was sent, and no model was to be fetched");
    }
    for secret in ["comfyui_api_key", "extra_header", "api_key_comfy_org"] {
        assert!(on.watch.has_seen(secret, COMFYUI), "{secret}");
        assert!(!on.watch.has_seen(secret, STDERR), "{secret}");
    }
    assert!(!on.plugin.stderr().is_empty(), "nothing was logged at the finest level");
}
