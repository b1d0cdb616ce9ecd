use std::fmt;

use http::header::{HOST, HeaderMap, HeaderValue};
use http::{Method, Request};
use reqsign_core::{Context, SignRequest};
use reqsign_tencent_cos::{Credential, RequestSigner};
use secrecy::{ExposeSecret, SecretString};
use url::{Position, Url};

use crate::{CosConfig, CosError};

/// Signs requests in their `Authorization` header (<https://cloud.tencent.com/document/product/436/7778>).
///
/// A signature is valid for an hour from the system's clock on, and covers the method, the decoded path, the query, the
/// host and every header given. The token of a temporary key stands beside it.
pub(crate) struct Signer {
    secret_id: SecretString,
    secret_key: SecretString,
    session_token: Option<SecretString>,
}

impl Signer {
    pub(crate) fn new(config: &CosConfig) -> Result<Self, CosError> {
        let token = config.session_token.as_ref().filter(|token| !token.expose_secret().trim().is_empty());
        Ok(Self {
            secret_id: checked("secret ID", &config.secret_id)?,
            secret_key: checked("secret key", &config.secret_key)?,
            session_token: token.map(|token| checked("session token", token)).transpose()?,
        })
    }

    /// `headers` and those of the signature, among them `Host`: what is signed is what is sent.
    pub(crate) async fn sign(&self, method: &Method, url: &Url, mut headers: HeaderMap) -> Result<HeaderMap, CosError> {
        let host = &url[Position::BeforeHost..Position::AfterPort];
        headers.insert(HOST, HeaderValue::from_str(host).map_err(|_| CosError::Unsignable)?);
        let mut parts = Request::builder()
            .method(method)
            .uri(url.as_str())
            .body(())
            .map_err(|_| CosError::Unsignable)?
            .into_parts()
            .0;
        parts.headers = headers;
        let credential = Credential {
            secret_id: self.secret_id.expose_secret().to_owned(),
            secret_key: self.secret_key.expose_secret().to_owned(),
            // Sent beside the signature and not in it: the signer logs what it signs.
            security_token: self.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
            expires_in: None,
        };
        RequestSigner::new()
            .sign_request(&Context::new(), &mut parts, Some(&credential), None)
            .await
            .map_err(|_| CosError::Unsignable)?;
        Ok(parts.headers)
    }

    /// `text` without the secrets, should a server repeat one.
    pub(crate) fn redact(&self, text: &str) -> String {
        [Some(&self.secret_id), Some(&self.secret_key), self.session_token.as_ref()]
            .into_iter()
            .flatten()
            .fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), "***"))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

fn checked(name: &'static str, secret: &SecretString) -> Result<SecretString, CosError> {
    let secret = secret.expose_secret().trim();
    if secret.is_empty() {
        return Err(CosError::Credential { name, problem: "is empty" });
    }
    // COS makes all three of visible ASCII only, and anything else cannot travel in a header.
    if !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(CosError::Credential { name, problem: "holds a space, a line break or a character outside ASCII" });
    }
    Ok(secret.into())
}

#[cfg(test)]
mod tests;
