use std::sync::{Arc, OnceLock};

use dify_plugin::Error;
use tencent_cos::{Connections, Cos};

use crate::credentials::Credentials;

/// Makes the client of each call. Connections outlive the calls, so that the next page does not wait for another TLS
/// handshake; credentials do not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clients {
    /// Opened by the first call: the heartbeat does not wait for TLS roots to be read.
    connections: Arc<OnceLock<Connections>>,
}

impl Clients {
    /// A client for one call.
    ///
    /// # Errors
    /// When the credentials cannot be used, or TLS cannot be set up.
    pub(crate) fn client(&self, credentials: Credentials) -> Result<Cos, Error> {
        let config = credentials.into_config()?;
        Cos::with_connections(config, self.connections()?).map_err(|error| Error::credentials(error.to_string()))
    }

    fn connections(&self) -> Result<Connections, Error> {
        if let Some(connections) = self.connections.get() {
            return Ok(connections.clone());
        }
        let opened = Connections::new().map_err(|error| Error::failed(error.to_string()))?;
        Ok(self.connections.get_or_init(|| opened).clone())
    }
}
