mod blotting;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    TRANSFER_ENCODING, UPGRADE,
};
use secrecy::{ExposeSecret, SecretString};

use self::blotting::blot_out;
use crate::{ClientError, ServerAddress};

/// What a server, or the gateway in front of it, wants to see. ComfyUI itself has no authentication.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    bearer: Option<SecretString>,
    comfy_org_key: Option<SecretString>,
    header: Option<(HeaderName, SecretString)>,
    hidden: Vec<SecretString>,
}

/// Headers that the connection itself needs, so that no other value can be sent.
const TAKEN_HEADERS: [HeaderName; 6] = [HOST, CONNECTION, UPGRADE, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING];

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

    /// Takes a key out of what the server says, which is not sent by this client but may be a part of a workflow. An empty
    /// key is none.
    #[must_use]
    pub fn hiding(mut self, key: &SecretString) -> Self {
        self.hidden.extend(some_secret(key.expose_secret().trim()));
        self
    }

    /// One more header for every HTTP request and the WebSocket, written `Name: value`, as some gateways ask for. An empty
    /// text is none.
    ///
    /// # Errors
    /// [`ClientError::HeaderNotSendable`] when it is no header, or one that the connection itself needs.
    pub fn with_header(mut self, header: &SecretString) -> Result<Self, ClientError> {
        let refused = |reason| ClientError::HeaderNotSendable { reason };
        let header = header.expose_secret().trim();
        if header.is_empty() {
            return Ok(self);
        }
        let (name, value) = header
            .split_once(':')
            .ok_or(refused("write it as a name, a colon and a value, such as \"X-Api-Key: abc\""))?;
        let name: HeaderName =
            name.trim().parse().map_err(|_| refused("its name has characters that no header has"))?;
        let value = value.trim();
        if TAKEN_HEADERS.contains(&name) || name.as_str().starts_with("sec-websocket-") {
            return Err(refused("the connection itself needs a header of this name"));
        }
        HeaderValue::from_str(value).map_err(|_| refused("its value has characters that cannot be sent"))?;
        self.header = some_secret(value).map(|value| (name, value));
        Ok(self)
    }

    /// All headers for `address`, marked as sensitive.
    pub(crate) fn headers(&self, address: &ServerAddress) -> Result<HeaderMap, ClientError> {
        let mut headers = HeaderMap::new();
        if let Some(authorization) = self.authorization(address)? {
            headers.insert(AUTHORIZATION, authorization);
        }
        if let Some((name, value)) = &self.header {
            if headers.contains_key(name) {
                return Err(ClientError::TwoCredentials);
            }
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| {
                ClientError::HeaderNotSendable { reason: "its value has characters that cannot be sent" }
            })?;
            value.set_sensitive(true);
            headers.insert(name.clone(), value);
        }
        Ok(headers)
    }

    pub(crate) fn comfy_org_key(&self) -> Option<&str> {
        self.comfy_org_key.as_ref().map(ExposeSecret::expose_secret)
    }

    /// The `Authorization` header for `address`, marked as sensitive: the Bearer key, else what the address itself
    /// held as `name:password@`.
    fn authorization(&self, address: &ServerAddress) -> Result<Option<HeaderValue>, ClientError> {
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

    /// `text` without any key and without the password of `address`.
    pub(crate) fn redact(&self, text: String, address: &ServerAddress) -> String {
        let header = self.header.as_ref().map(|(_, value)| value.expose_secret());
        let sent = [self.bearer.as_ref(), self.comfy_org_key.as_ref()].into_iter().flatten();
        let keys = sent.chain(&self.hidden).map(ExposeSecret::expose_secret);
        // Of `Bearer abc`, the key alone may be repeated.
        let last_word = header.and_then(|value| value.rsplit_once(' ')).map(|(_, word)| word);
        let pair = address.user_info();
        let password = pair.and_then(|pair| pair.split_once(':')).map(|(_, password)| password);
        blot_out(text, keys.chain(header).chain(last_word).chain(pair).chain(password))
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
        let address = ServerAddress::parse("http://me:p4ssword@host").unwrap();
        assert_eq!(keys.redact("Bearer s3cret, org-key".to_owned(), &address), "Bearer ***, ***");
        assert_eq!(keys.redact("p4ssword, Basic bWU6cDRzc3dvcmQ=".to_owned(), &address), "***, Basic ***=");
        let keys = keys.with_header(&"X-Auth: Token abcdef".into()).unwrap().hiding(&"civitai-key".into());
        assert_eq!(keys.redact("Token abcdef or abcdef or civitai-key".to_owned(), &address), "*** or *** or ***");
        let debug = format!("{keys:?}");
        assert!(!debug.contains("s3cret") && !debug.contains("org-key"));
    }

    fn with_header(header: &str) -> Result<HeaderMap, ClientError> {
        let address = ServerAddress::parse("host").unwrap();
        Credentials::default().with_bearer(&"key".into()).with_header(&header.into())?.headers(&address)
    }

    #[test]
    fn one_more_header_is_sent_as_it_is_written() {
        let headers = with_header(" X-Api-Key : a:b ").unwrap();
        assert_eq!(
            (headers["x-api-key"].as_bytes(), headers["authorization"].as_bytes()),
            (&b"a:b"[..], &b"Bearer key"[..])
        );
        assert!(headers["x-api-key"].is_sensitive());
        assert_eq!(with_header("").unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_header_is_told_without_its_value() {
        for header in [
            "s3cret",
            "a b: s3cret",
            "Host: s3cret",
            "Sec-WebSocket-Key: s3cret",
            "X: s3cret\nY: z",
            "authorization: s3cret",
        ] {
            let error = with_header(header).unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{header}: {error}");
        }
    }
}
