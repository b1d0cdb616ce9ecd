use std::sync::{Arc, Mutex, PoisonError};

use dify_plugin::Error;
use secrecy::ExposeSecret;
use tencent_cos::{Connections, Cos, RequestLimit, TlsOptions};

use crate::account::Account;
use crate::credentials::{Credentials, Settings};
use crate::region_cache::{AccountId, RegionCache};

/// Most sets of connections that are kept open, one for each CA certificate in use.
const MAX_POOLS: usize = 16;

/// Makes the client of each call. Connections outlive the calls, so that the next page does not wait for another TLS
/// handshake, and so do the regions of buckets; credentials do not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    /// Opened by the first call: the heartbeat does not wait for TLS roots to be read.
    pools: Arc<Mutex<Vec<(TlsOptions, Connections)>>>,
    regions: Arc<RegionCache>,
    /// Over all calls: Dify can ask for many files at once.
    limit: RequestLimit,
}

impl Accounts {
    /// The account for one call.
    ///
    /// # Errors
    /// When the credentials cannot be used, or TLS cannot be set up.
    pub(crate) fn open(&self, credentials: Credentials) -> Result<Account, Error> {
        let Settings { config, allowed, tls } = credentials.into_settings()?;
        let id = AccountId::new(&config.endpoint.to_string(), config.secret_id.expose_secret().trim());
        let region = config.region.clone();
        let cos = Cos::with_connections(config, self.connections(&tls)?)
            .map_err(|error| Error::credentials(error.to_string()))?
            .with_limit(self.limit.clone());
        Ok(Account { cos, allowed, region, id, regions: Arc::clone(&self.regions) })
    }

    fn connections(&self, tls: &TlsOptions) -> Result<Connections, Error> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connections)) = pools.iter().find(|(options, _)| options == tls) {
            return Ok(connections.clone());
        }
        let connections = Connections::with_tls(tls).map_err(|error| Error::credentials(error.to_string()))?;
        if pools.len() == MAX_POOLS {
            pools.remove(0);
        }
        pools.push((tls.clone(), connections.clone()));
        Ok(connections)
    }
}
