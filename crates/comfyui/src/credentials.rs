use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::{ClientError, ServerAddress};

/// What a server, or the gateway in front of it, wants to see. ComfyUI itself has no authentication.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    bearer: Option<SecretString>,
    comfy_org_key: Option<SecretString>,
}

impl Credentials {
    /// Sends `Authorization: Bearer <key>` with every HTTP request and on the WebSocket. An empty key is none, and a
    /// `Bearer ` typed in front of it is taken off.
    #[must_use]
    pub fn with_bearer(mut self, key: &SecretString) -> Self {
        let key = key.expose_secret().trim();
        let bare = match key.get(..7) {
            Some(scheme) if scheme.eq_ignore_ascii_case("bearer ") => key.get(7..).unwrap_or_default().trim(),
            _ => key,
        };
        self.bearer = some_secret(bare);
        self
    }

    /// The user's key for the paid API nodes of Comfy Org. It travels in `extra_data.api_key_comfy_org` of a submitted
    /// prompt and nowhere else. An empty key is none.
    #[must_use]
    pub fn with_comfy_org_key(mut self, key: &SecretString) -> Self {
        self.comfy_org_key = some_secret(key.expose_secret().trim());
        self
    }

    pub(crate) fn comfy_org_key(&self) -> Option<&str> {
        self.comfy_org_key.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The `Authorization` header for `address`, marked as sensitive: the Bearer key, else what the address itself
    /// held as `name:password@`.
    pub(crate) fn authorization(&self, address: &ServerAddress) -> Result<Option<HeaderValue>, ClientError> {
        let value = match (&self.bearer, address.user_info()) {
            (Some(_), Some(_)) => return Err(ClientError::TwoCredentials),
            (Some(key), None) => format!("Bearer {}", key.expose_secret()),
            (None, Some(pair)) => format!("Basic {}", STANDARD.encode(pair)),
            (None, None) => return Ok(None),
        };
        let mut header = HeaderValue::from_str(&value).map_err(|_| ClientError::KeyNotSendable)?;
        header.set_sensitive(true);
        Ok(Some(header))
    }

    /// `text` with every key in it blotted out: some gateways and nodes repeat what they were sent.
    pub(crate) fn redact(&self, text: String) -> String {
        [&self.bearer, &self.comfy_org_key].into_iter().flatten().fold(text, |text, key| {
            let key = key.expose_secret();
            // A key of two or three characters is no secret, and would blot out half of every sentence.
            if key.len() > 3 && text.contains(key) { text.replace(key, "***") } else { text }
        })
    }
}

fn some_secret(key: &str) -> Option<SecretString> {
    (!key.is_empty()).then(|| SecretString::from(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(bearer: &str, address: &str) -> Result<Option<String>, ClientError> {
        let address = ServerAddress::parse(address).unwrap();
        let header = Credentials::default().with_bearer(&bearer.into()).authorization(&address)?;
        Ok(header.map(|value| value.to_str().unwrap().to_owned()))
    }

    #[test]
    fn a_bearer_key_is_sent_with_or_without_the_word_typed_in_front() {
        assert_eq!(header("abc", "host").unwrap().unwrap(), "Bearer abc");
        assert_eq!(header(" bearer abc\n", "host").unwrap().unwrap(), "Bearer abc");
        assert_eq!(header("  ", "host").unwrap(), None);
    }

    #[test]
    fn user_info_becomes_basic_authentication() {
        assert_eq!(header("", "http://me:pass@host").unwrap().unwrap(), "Basic bWU6cGFzcw==");
        assert!(matches!(header("abc", "http://me:pass@host"), Err(ClientError::TwoCredentials)));
    }

    #[test]
    fn a_key_that_no_header_can_carry_is_an_error_that_does_not_show_it() {
        let error = header("first\nsecond", "host").unwrap_err();
        assert!(matches!(error, ClientError::KeyNotSendable));
        assert!(!error.to_string().contains("second"));
    }

    #[test]
    fn keys_are_blotted_out_and_never_printed() {
        let keys = Credentials::default().with_bearer(&"s3cret".into()).with_comfy_org_key(&"org-key".into());
        assert_eq!(keys.redact("Bearer s3cret, org-key".to_owned()), "Bearer ***, ***");
        let debug = format!("{keys:?}");
        assert!(!debug.contains("s3cret") && !debug.contains("org-key"));
    }
}
