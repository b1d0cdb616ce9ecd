use std::sync::{Arc, OnceLock};

use rustls::{ClientConfig, RootCertStore};

/// Why TLS could not be set up.
#[derive(Clone, Debug, thiserror::Error)]
#[error("TLS could not be set up: {0}")]
pub struct TlsError(String);

/// The TLS settings of every connection: the system's roots, read once, when a connection first needs them.
///
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` replace the system's roots, as for OpenSSL (rustls-native-certs). A machine
/// without any root gets an empty store: plain HTTP works there, and HTTPS fails as an unknown issuer.
pub(crate) fn client_config() -> Result<Arc<ClientConfig>, TlsError> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, TlsError>> = OnceLock::new();
    CONFIG.get_or_init(build).clone()
}

fn build() -> Result<Arc<ClientConfig>, TlsError> {
    let mut roots = RootCertStore::empty();
    // A root that cannot be parsed is left out: one odd file must not take all of HTTPS away.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
