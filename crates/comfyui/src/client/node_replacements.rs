use indexmap::IndexMap;
use reqwest::Method;
use serde::de::IgnoredAny;

use super::ComfyUi;
use super::exchange::Call;
use crate::ClientError;

impl ComfyUi {
    /// The names of classes that the server does not have and replaces by others before it checks a workflow:
    /// `GET /node_replacements` (`app/node_replace_manager.py`). Older servers have no such route, and replace none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn replaced_classes(&self) -> Result<Vec<String>, ClientError> {
        let request = self.request(Method::GET, &["node_replacements"])?;
        match self.json::<IndexMap<String, IgnoredAny>>(Call::small("GET /node_replacements"), request).await {
            Ok(replacements) => Ok(replacements.into_keys().collect()),
            Err(ClientError::Status { status: 404 | 405, .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
