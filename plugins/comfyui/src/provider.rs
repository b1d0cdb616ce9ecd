use dify_plugin::{Error, ValidateCredentials};
use uuid::Uuid;

use crate::credentials::Credentials;
use crate::failure::unusable_server;
use crate::servers::Servers;

/// Checks what the user fills in.
#[derive(Debug)]
pub(crate) struct ComfyUiProvider {
    servers: Servers,
}

impl ComfyUiProvider {
    pub(crate) const fn new(servers: Servers) -> Self {
        Self { servers }
    }
}

impl ValidateCredentials for ComfyUiProvider {
    type Credentials = Credentials;

    /// Asks the server what it is, and opens its WebSocket: gateways treat the two differently. One that lets no WebSocket
    /// through is no reason to refuse the credentials; the log says so.
    async fn validate_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        credentials.check_form()?;
        let server = self.servers.server(&credentials).map_err(|error| Error::credentials(error.message()))?;
        server.system_stats().await.map_err(|error| unusable_server(&server, &error))?;
        let client_id = Uuid::new_v4().to_string();
        // Without it the run is followed by polling.
        if let Err(error) = server.open_events(&client_id).await {
            tracing::warn!(%error, "the server answers over HTTP, but its WebSocket at /ws cannot be opened");
        }
        Ok(())
    }
}
