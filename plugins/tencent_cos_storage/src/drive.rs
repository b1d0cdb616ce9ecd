use dify_plugin::{
    BrowseFilesRequest, BrowseFilesResponse, Call, DownloadFileRequest, Error, OnlineDrive, Reply, ValidateCredentials,
};

use crate::accounts::Accounts;
use crate::browse::browse;
use crate::credentials::Credentials;
use crate::download::download;

/// The datasource: the buckets of an account as a drive.
#[derive(Clone, Debug, Default)]
pub(crate) struct CosDrive {
    accounts: Accounts,
}

impl ValidateCredentials for CosDrive {
    type Credentials = Credentials;

    async fn validate_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        self.accounts.open(credentials)?.check().await
    }
}

impl OnlineDrive for CosDrive {
    type Credentials = Credentials;

    async fn browse_files(&self, call: Call<Credentials, BrowseFilesRequest>) -> Result<BrowseFilesResponse, Error> {
        browse(self.accounts.open(call.credentials)?, call.parameters).await
    }

    async fn download_file(&self, call: Call<Credentials, DownloadFileRequest>, reply: Reply) -> Result<(), Error> {
        let DownloadFileRequest { bucket, id } = call.parameters;
        let Some(bucket) = bucket else {
            return Err(Error::parameter("the bucket is missing: say in which one the file is"));
        };
        let bucket = self.accounts.open(call.credentials)?.bucket(bucket)?;
        download(bucket, &id, &reply).await
    }
}
