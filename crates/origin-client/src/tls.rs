use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Whose certificates are accepted, beside the system's roots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Certificates in PEM form, one or several, that are trusted like the system's roots: those of a private
    /// authority, or a server's own.
    pub ca_certificate: Option<String>,
    /// Whether any certificate of any name is accepted. What is sent can then be read by whoever is in between.
    pub accept_invalid_certificates: bool,
}

/// Why TLS could not be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The CA certificate is not one.
    #[error(
        "the CA certificate cannot be used: {0}. It must be in PEM form, from BEGIN CERTIFICATE to END CERTIFICATE"
    )]
    CaCertificate(String),
    /// The TLS library refused its settings.
    #[error("TLS could not be set up: {0}")]
    Settings(String),
}

/// The TLS settings of connections with these options.
///
/// The system's roots are read once, when a connection first needs them. `SSL_CERT_FILE` and `SSL_CERT_DIR` replace
/// them, as for OpenSSL (rustls-native-certs). A machine without any root gets an empty store: plain HTTP works there,
/// and HTTPS fails as an unknown issuer.
pub(crate) fn client_config(options: &TlsOptions) -> Result<Arc<ClientConfig>, TlsError> {
    static DEFAULT: OnceLock<Result<Arc<ClientConfig>, TlsError>> = OnceLock::new();
    if *options == TlsOptions::default() {
        return DEFAULT.get_or_init(|| build(options)).clone();
    }
    build(options)
}

fn build(options: &TlsOptions) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Settings(error.to_string()))?;
    let config = if options.accept_invalid_certificates {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAnything(provider))).with_no_client_auth()
    } else {
        let mut roots = system_roots().clone();
        if let Some(pem) = &options.ca_certificate {
            add(&mut roots, pem)?;
        }
        builder.with_root_certificates(roots).with_no_client_auth()
    };
    Ok(Arc::new(config))
}

fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // A root that cannot be parsed is left out: one odd file must not take all of HTTPS away.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    })
}

fn add(roots: &mut RootCertStore, pem: &str) -> Result<(), TlsError> {
    // A form's single line holds the breaks as \n, or as nothing at all.
    let pem = pem.replace("\\n", "\n");
    let refused = |reason: String| TlsError::CaCertificate(reason);
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| refused(error.to_string()))?;
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
        found = true;
    }
    if found { Ok(()) } else { Err(refused("there is none in it".to_owned())) }
}

/// Accepts any certificate. That the server holds its key is still checked.
#[derive(Debug)]
struct AcceptAnything(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
