use std::sync::{Arc, OnceLock};

use comfyui::{ComfyUi, Connections};
use dify_plugin::Error;

use crate::credentials::Credentials;
use crate::failure::client_failure;

/// Makes the client of each call. Connections outlive the calls, so that the next one does not wait for another TLS
/// handshake; credentials do not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    /// Opened by the first call: the heartbeat does not wait for TLS roots to be read.
    connections: Arc<OnceLock<Connections>>,
}

impl Servers {
    /// The server that the credentials name.
    ///
    /// # Errors
    /// When the credentials cannot be used, or TLS cannot be set up.
    pub(crate) fn server(&self, credentials: &Credentials) -> Result<ComfyUi, Error> {
        let address = credentials.address()?;
        ComfyUi::new(address, credentials.keys(), self.connections()?).map_err(|error| client_failure(&error))
    }

    fn connections(&self) -> Result<&Connections, Error> {
        if let Some(connections) = self.connections.get() {
            return Ok(connections);
        }
        let opened = Connections::new().map_err(|error| Error::failed(error.to_string()))?;
        Ok(self.connections.get_or_init(|| opened))
    }
}
