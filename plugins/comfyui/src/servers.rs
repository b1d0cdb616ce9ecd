use std::sync::{Arc, Mutex, PoisonError};

use comfyui::{ComfyUi, Connections, NodeDefinitionCache, TlsOptions};
use dify_plugin::Error;

use crate::credentials::Credentials;
use crate::declarations::Declarations;
use crate::failure::client_failure;

/// The most pools of connections, each with certificates of its own. Each costs a copy of the system's roots.
const MAX_POOLS: usize = 4;

/// Makes the client of each call. Connections outlive the calls, so that the next one does not wait for another TLS
/// handshake; credentials do not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Servers {
    /// By what is trusted, the last used at the end. Opened by the first call: the heartbeat does not wait for TLS roots
    /// to be read.
    connections: Arc<Mutex<Vec<(TlsOptions, Connections)>>>,
    /// What workflows of the editor are converted by.
    definitions: Arc<NodeDefinitionCache>,
    /// What workflows are checked by.
    declarations: Arc<Declarations>,
}

impl Servers {
    /// The server that the credentials name.
    ///
    /// # Errors
    /// When the credentials cannot be used, or TLS cannot be set up.
    pub(crate) fn server(&self, credentials: &Credentials) -> Result<ComfyUi, Error> {
        let address = credentials.address()?;
        ComfyUi::new(address, credentials.keys()?, &self.connections(credentials.tls()?)?)
            .map_err(|error| client_failure(&error))
    }

    pub(crate) fn definitions(&self) -> &NodeDefinitionCache {
        &self.definitions
    }

    pub(crate) fn declarations(&self) -> &Declarations {
        &self.declarations
    }

    fn connections(&self, tls: TlsOptions) -> Result<Connections, Error> {
        let mut known = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = known.iter().position(|(options, _)| *options == tls) {
            let last = known.remove(at);
            let connections = last.1.clone();
            known.push(last);
            return Ok(connections);
        }
        let connections =
            Connections::with_tls(&tls).map_err(|error| Error::credentials(format!("ca_certificate: {error}")))?;
        if known.len() >= MAX_POOLS {
            known.remove(0);
        }
        known.push((tls, connections.clone()));
        Ok(connections)
    }
}
