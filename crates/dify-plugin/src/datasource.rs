use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use dify_plugin_protocol::{BrowseFilesRequest, BrowseFilesResponse, DownloadFileRequest};
use origin_client::is_obeyed;
use serde::de::DeserializeOwned;

use crate::parameters::decode_credentials;
use crate::tool::{BoxFuture, DynValidator, RawCall};
use crate::{Call, Error, Reply, ValidateCredentials};

/// A drive of which Dify's knowledge pipelines read files.
pub trait OnlineDrive: Send + Sync + 'static {
    /// The provider's credentials; secrets in `secrecy::SecretString`.
    type Credentials: DeserializeOwned + Send;

    /// Lists the buckets, or a page of one folder. All that the next page needs travels in `next_page_parameters`.
    fn browse_files(
        &self,
        call: Call<Self::Credentials, BrowseFilesRequest>,
    ) -> impl Future<Output = Result<BrowseFilesResponse, Error>> + Send;

    /// Sends one file through `reply`.
    fn download_file(
        &self,
        call: Call<Self::Credentials, DownloadFileRequest>,
        reply: Reply,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

/// A provider: datasources that share credentials.
pub struct OnlineDriveProvider {
    pub(crate) name: &'static str,
    pub(crate) validator: Arc<dyn DynValidator>,
    pub(crate) drives: BTreeMap<&'static str, Arc<dyn DynOnlineDrive>>,
}

impl OnlineDriveProvider {
    /// A provider by the name in its YAML file.
    pub fn new(name: &'static str, validator: impl ValidateCredentials) -> Self {
        Self { name, validator: Arc::new(validator), drives: BTreeMap::new() }
    }

    /// Adds a datasource by the name in its YAML file.
    #[must_use]
    pub fn datasource(mut self, name: &'static str, drive: impl OnlineDrive) -> Self {
        self.drives.insert(name, Arc::new(drive));
        self
    }
}

impl fmt::Debug for OnlineDriveProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlineDriveProvider")
            .field("name", &self.name)
            .field("datasources", &self.drives.keys())
            .finish_non_exhaustive()
    }
}

/// [`OnlineDrive`] without its types.
pub(crate) trait DynOnlineDrive: Send + Sync {
    fn browse_files(
        &self,
        call: RawCall,
        request: BrowseFilesRequest,
    ) -> BoxFuture<'_, Result<BrowseFilesResponse, Error>>;

    fn download_file(
        &self,
        call: RawCall,
        request: DownloadFileRequest,
        reply: Reply,
    ) -> BoxFuture<'_, Result<(), Error>>;
}

impl<T: OnlineDrive> DynOnlineDrive for T {
    fn browse_files(
        &self,
        call: RawCall,
        request: BrowseFilesRequest,
    ) -> BoxFuture<'_, Result<BrowseFilesResponse, Error>> {
        Box::pin(async move { OnlineDrive::browse_files(self, decode(call, request)?).await.map(names_shown) })
    }

    fn download_file(
        &self,
        call: RawCall,
        request: DownloadFileRequest,
        reply: Reply,
    ) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move { OnlineDrive::download_file(self, decode(call, request)?, reply).await })
    }
}

/// Names are what a user reads, and come from whoever wrote the files; ids stay as they are.
fn names_shown(mut page: BrowseFilesResponse) -> BrowseFilesResponse {
    for file in page.result.iter_mut().flat_map(|bucket| &mut bucket.files) {
        if file.name.contains(is_obeyed) {
            file.name = file.name.chars().map(|c| if is_obeyed(c) { '\u{fffd}' } else { c }).collect();
        }
    }
    page
}

fn decode<C: DeserializeOwned, P>(call: RawCall, parameters: P) -> Result<Call<C, P>, Error> {
    let credentials = decode_credentials(call.credentials)?;
    Ok(Call { credentials, parameters, context: call.context, dify: call.dify })
}

#[cfg(test)]
mod tests {
    use dify_plugin_protocol::{Bucket, DriveFile, DriveFileType};

    use super::*;

    #[test]
    fn names_are_shown_and_not_obeyed_and_ids_stay() {
        let name = "in\u{202e}fdp.exe\n";
        let file = DriveFile { id: name.to_owned(), name: name.to_owned(), size: 1, r#type: DriveFileType::File };
        let bucket = Bucket { bucket: None, files: vec![file], is_truncated: false, next_page_parameters: None };
        let page = names_shown(BrowseFilesResponse { result: vec![bucket] });
        let file = &page.result[0].files[0];
        assert_eq!((file.id.as_str(), file.name.as_str()), (name, "in\u{fffd}fdp.exe\u{fffd}"));
    }
}
