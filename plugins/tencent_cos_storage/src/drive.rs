use dify_plugin::{
    BrowseFilesRequest, BrowseFilesResponse, Call, DownloadFileRequest, Error, OnlineDrive, Reply, ValidateCredentials,
};

use crate::browse::browse;
use crate::bucket::CosBucket;
use crate::clients::Clients;
use crate::credentials::Credentials;
use crate::download::download;
use crate::failure::words;

/// The datasource: the buckets of an account as a drive.
#[derive(Clone, Debug, Default)]
pub(crate) struct CosDrive {
    clients: Clients,
}

impl ValidateCredentials for CosDrive {
    type Credentials = Credentials;

    async fn validate_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        let cos = self.clients.client(credentials)?;
        match cos.list_buckets().await {
            Ok(_) => Ok(()),
            Err(error) => Err(Error::credentials(words(&error))),
        }
    }
}

impl OnlineDrive for CosDrive {
    type Credentials = Credentials;

    async fn browse_files(&self, call: Call<Credentials, BrowseFilesRequest>) -> Result<BrowseFilesResponse, Error> {
        browse(self.clients.client(call.credentials)?, call.parameters).await
    }

    async fn download_file(&self, call: Call<Credentials, DownloadFileRequest>, reply: Reply) -> Result<(), Error> {
        let DownloadFileRequest { bucket, id } = call.parameters;
        let Some(bucket) = bucket else {
            return Err(Error::parameter("the bucket is missing: say in which one the file is"));
        };
        let cos = self.clients.client(call.credentials)?;
        download(CosBucket::new(cos, bucket), &id, &reply).await
    }
}
