use dify_plugin::Error;
use tencent_cos::{Cos, CosError, CosErrorKind, ListRequest, ObjectPage, ObjectStream};

use crate::failure::failure;

/// A bucket, wherever it is.
///
/// It is asked for in the configured region. COS does not find it there when it is in another one; then the account's
/// list of buckets says where it is, and it is asked for again.
#[derive(Debug)]
pub(crate) struct CosBucket {
    cos: Cos,
    name: String,
    /// Where the bucket is, once the list of buckets had to be asked.
    region: Option<String>,
}

impl CosBucket {
    pub(crate) const fn new(cos: Cos, name: String) -> Self {
        Self { cos, name, region: None }
    }

    pub(crate) fn into_name(self) -> String {
        self.name
    }

    /// One page of the objects and folders directly under `prefix`.
    pub(crate) async fn list(
        &mut self,
        prefix: &str,
        marker: Option<&str>,
        max_keys: u16,
    ) -> Result<ObjectPage, Error> {
        let mut request = ListRequest {
            bucket: self.name.clone(),
            region: self.region.clone(),
            prefix: prefix.to_owned(),
            delimiter: Some("/".to_owned()),
            marker: marker.map(str::to_owned),
            max_keys: Some(max_keys),
        };
        match self.cos.list_objects(&request).await {
            Err(error) => {
                request.region = Some(self.elsewhere(&error).await?.to_owned());
                self.cos.list_objects(&request).await.map_err(|error| failure(&error))
            }
            Ok(page) => Ok(page),
        }
    }

    /// The object `key`.
    pub(crate) async fn open(&mut self, key: &str) -> Result<ObjectStream, Error> {
        match self.cos.get_object(&self.name, self.region.as_deref(), key).await {
            Err(error) => {
                self.elsewhere(&error).await?;
                let opened = self.cos.get_object(&self.name, self.region.as_deref(), key).await;
                opened.map_err(|error| failure(&error))
            }
            Ok(object) => Ok(object),
        }
    }

    /// The other region in which the bucket is; `error`, if it does not come from looking in a wrong one.
    async fn elsewhere(&mut self, error: &CosError) -> Result<&str, Error> {
        if error.kind() == CosErrorKind::NoSuchBucket && self.region.is_none() && self.cos.endpoint().needs_region() {
            // Credentials that may not list buckets leave the first error as it is.
            let buckets = self.cos.list_buckets().await.unwrap_or_default();
            self.region = buckets.into_iter().find(|bucket| bucket.name == self.name).and_then(|bucket| bucket.region);
            if let Some(region) = &self.region {
                tracing::debug!(bucket = self.name, region, "the bucket is in another region than the configured one");
                return Ok(region);
            }
        }
        Err(failure(error))
    }
}
