use std::fmt;
use std::sync::Arc;

use origin_client::{Connections, OriginClient};
use reqwest::header::HeaderMap;

use crate::{ClientError, Credentials, ServerAddress};

/// A ComfyUI server. Cheap to clone; clones share connections.
///
/// Every call has a deadline, every answer a bound on its size, and nothing goes to any other origin than the server's.
#[derive(Clone)]
pub struct ComfyUi {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) address: ServerAddress,
    pub(super) http: OriginClient,
    pub(super) credentials: Credentials,
    pub(super) headers: HeaderMap,
}

impl ComfyUi {
    /// A client for the server at `address`. No connection is made yet.
    ///
    /// # Errors
    /// [`ClientError::TwoCredentials`] and [`ClientError::KeyNotSendable`] for credentials that cannot be sent,
    /// [`ClientError::Origin`] when the address cannot be called.
    pub fn new(
        address: ServerAddress,
        credentials: Credentials,
        connections: &Connections,
    ) -> Result<Self, ClientError> {
        let headers = credentials.headers(&address)?;
        let http = connections.to(address.base())?;
        Ok(Self { inner: Arc::new(Inner { address, http, credentials, headers }) })
    }

    /// Where the server is.
    #[must_use]
    pub fn address(&self) -> &ServerAddress {
        &self.inner.address
    }

    /// All that is sent to be let in, for a hash of it.
    pub(super) fn credential_bytes(&self) -> Vec<(&str, &[u8])> {
        self.inner.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
    }

    pub(super) fn redact(&self, text: String) -> String {
        self.inner.credentials.redact(text, &self.inner.address)
    }
}

impl fmt::Debug for ComfyUi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComfyUi").field("address", &self.inner.address).finish_non_exhaustive()
    }
}
