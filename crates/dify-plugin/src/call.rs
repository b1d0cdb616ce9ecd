use std::sync::Arc;

use crate::backwards::Storage;
use crate::session::{CallContext, Session};
use crate::{Error, File, FileBody};

/// What a tool or datasource is called with: its own credentials and parameters, decoded.
#[derive(Debug)]
pub struct Call<C, P> {
    /// The credentials that the user filled in.
    pub credentials: C,
    /// The parameters, or the request of a datasource.
    pub parameters: P,
    /// Where and for whom the call is made.
    pub context: CallContext,
    /// The way back into Dify.
    pub dify: Dify,
}

/// The way back into Dify: its storage, and the files it gave.
#[derive(Clone, Debug)]
pub struct Dify {
    session: Arc<Session>,
}

impl Dify {
    pub(crate) const fn new(session: Arc<Session>) -> Self {
        Self { session }
    }

    /// The plugin's own storage in Dify.
    #[must_use]
    pub fn storage(&self) -> Storage<'_> {
        Storage::new(&self.session)
    }

    /// Fetches a file that Dify gave. No credentials travel with the request but those in its URL.
    ///
    /// # Errors
    /// When the file cannot be fetched: the message names the host, and the Dify setting that decides it.
    pub async fn open(&self, file: &File) -> Result<FileBody, Error> {
        let connections = self.session.shared.connections().map_err(|error| Error::failed(error.to_string()))?;
        file.open(connections).await
    }
}
