//! Servers whose certificates no public authority signed: refused, unless the user says whom to trust.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use origin_client::{Connections, OriginError, TlsError, TlsOptions, TransportError, TransportFailure};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use url::Url;

/// A server with a certificate of its own for these names, and that certificate in PEM form.
async fn server(names: &[&str]) -> (Url, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], signing_key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // A client that does not trust the certificate hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi").await;
            let _ = stream.shutdown().await;
        }
    });
    (Url::parse(&url).unwrap(), cert.pem())
}

async fn get(url: &Url, options: &TlsOptions) -> Result<String, TransportFailure> {
    let client = Connections::with_tls(options).unwrap().to(url).unwrap();
    let failure = |error: &reqwest::Error| TransportError::new(client.origin(), error).failure;
    let answer = client.get(url.clone()).unwrap().send().await.map_err(|error| failure(&error))?;
    answer.text().await.map_err(|error| failure(&error))
}

fn trusting(pem: &str) -> TlsOptions {
    TlsOptions { ca_certificate: Some(pem.to_owned()), ..TlsOptions::default() }
}

#[tokio::test]
async fn an_unknown_certificate_is_refused_and_a_given_one_is_trusted() {
    let (url, pem) = server(&["localhost"]).await;
    assert!(matches!(get(&url, &TlsOptions::default()).await, Err(TransportFailure::Tls(_))));
    assert_eq!(get(&url, &trusting(&pem)).await.unwrap(), "hi");
    // As it comes out of a form's single line.
    assert_eq!(get(&url, &trusting(&pem.replace('\n', "\\n"))).await.unwrap(), "hi");
}

#[tokio::test]
async fn a_trusted_certificate_is_good_for_its_names_only() {
    let (url, pem) = server(&["elsewhere.example"]).await;
    assert!(matches!(get(&url, &trusting(&pem)).await, Err(TransportFailure::Tls(_))));
    let anything = TlsOptions { accept_invalid_certificates: true, ..TlsOptions::default() };
    assert_eq!(get(&url, &anything).await.unwrap(), "hi");
}

#[tokio::test]
async fn another_authority_is_not_good_enough() {
    let (url, _) = server(&["localhost"]).await;
    let (_, other) = server(&["localhost"]).await;
    assert!(matches!(get(&url, &trusting(&other)).await, Err(TransportFailure::Tls(_))));
}

#[test]
fn what_is_no_certificate_is_said() {
    for faulty in ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"] {
        let refused = Connections::with_tls(&trusting(faulty));
        assert!(matches!(refused, Err(OriginError::Tls(TlsError::CaCertificate(_)))), "{refused:?}");
    }
}
