//! A server behind HTTPS with a certificate of its own: refused with a word on what to enter, and then reached over HTTP
//! and the WebSocket alike.

#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use std::sync::Arc;

use on_emulator::{OnEmulator, colour, refusal, save};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Puts TLS in front of the server. Gives the certificate in PEM form.
async fn behind_tls(on: &mut OnEmulator) -> String {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], signing_key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (inner, prefix) = on.comfyui.url().strip_prefix("http://").unwrap().split_once('/').unwrap();
    let (inner, url) = (inner.to_owned(), format!("https://localhost:{port}/{prefix}"));
    tokio::spawn(async move {
        while let Ok((outside, _)) = listener.accept().await {
            let (acceptor, inner) = (acceptor.clone(), inner.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate hangs up.
                let Ok(mut outside) = acceptor.accept(outside).await else { return };
                let mut inside = TcpStream::connect(inner).await.unwrap();
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    on.fill_in("base_url", url);
    cert.pem()
}

/// Runs with the socket: the pictures come over nothing else.
async fn run_with_the_socket(on: &OnEmulator) {
    let sends = json!({"class_type": "SaveImageWebsocket", "inputs": {"images": ["1", 0]}});
    let answer = on.run(&json!({"1": colour(3), "2": sends, "3": save("1")}), json!({})).await.unwrap();
    assert_eq!(answer.files.len(), 2, "{answer:?}");
}

#[tokio::test]
async fn a_private_certificate_is_refused_with_advice_and_then_trusted() {
    let mut on = OnEmulator::start().await;
    let pem = behind_tls(&mut on).await;
    let message = refusal(on.validate().await).message;
    assert!(message.contains("TLS failed") && message.contains("(ca_certificate)"), "{message}");

    // As it is pasted, and as it may come out of a form's single line.
    let pasted = ["\n", "\\n", " ", ""].map(|line_break| pem.replace('\n', line_break));
    for pem in pasted {
        on.fill_in("ca_certificate", pem);
        on.validate().await.unwrap();
        run_with_the_socket(&on).await;
    }
    assert!(!on.plugin.stderr().contains("WebSocket"), "{}", on.plugin.stderr());
    on.assert_well_behaved();
}

#[tokio::test]
async fn checking_can_be_turned_off_and_only_then_is() {
    let mut on = OnEmulator::start().await;
    behind_tls(&mut on).await;
    on.fill_in("verify_tls", false);
    on.validate().await.unwrap();
    run_with_the_socket(&on).await;
    on.fill_in("verify_tls", true);
    assert!(refusal(on.validate().await).message.contains("TLS failed"));
}
