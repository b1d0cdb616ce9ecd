//! An endpoint whose certificate no public authority signed is used where the user gives its authority's certificate, for
//! the buckets of that account alone.
#![allow(clippy::unwrap_used)]

#[path = "plugin/on_emulator.rs"]
mod on_emulator;

use std::net::SocketAddr;
use std::sync::Arc;

use on_emulator::{BUCKET, OnEmulator, refusal};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// TLS in front of `behind`: its endpoint, and the certificate to trust in PEM form.
async fn tls_in_front_of(behind: SocketAddr) -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], signing_key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://localhost:{}/{{bucket}}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate hangs up.
                let Ok(mut front) = acceptor.accept(stream).await else { return };
                let mut back = TcpStream::connect(behind).await.unwrap();
                let _ = copy_bidirectional(&mut front, &mut back).await;
            });
        }
    });
    (endpoint, cert.pem())
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_given() {
    let mut on = OnEmulator::start().await;
    on.put("a.txt", "private");
    let (endpoint, pem) = tls_in_front_of(on.cos.address()).await;
    on.fill_in("endpoint", endpoint);
    for _ in 0..2 {
        on.leave_out("ca_certificate");
        let error = refusal(&on.cos, on.validate().await);
        assert!(error.message.contains("localhost") && error.message.contains("TLS failed"), "{}", error.message);
        // As Dify's form gives it: in one line.
        on.fill_in("ca_certificate", format!(" {} ", pem.replace('\n', "\\n")));
        on.validate().await.unwrap();
        assert_eq!(on.download(BUCKET, "a.txt").await.unwrap().content.as_deref(), Some(&b"private"[..]));
    }
    on.assert_well_behaved();
}
