use tencent_cos::{CosError, CosErrorKind, ListRequest, ObjectPage, ObjectStream};

use crate::account::Account;
use crate::failure::Failure;

/// A bucket, wherever it is.
///
/// Its region is the one in the user's list, the one in which it was found lately, or the one filled in. COS does not
/// find a bucket in another region; then, and where there is none to begin with, the account's list of buckets says where
/// it is.
#[derive(Debug)]
pub(crate) struct CosBucket {
    account: Account,
    name: String,
    place: Place,
}

/// What is known of where a bucket is.
#[derive(Debug)]
enum Place {
    /// Nobody has asked yet.
    Unknown,
    /// A region that may be wrong: the bucket can have moved, or the user means another one.
    Likely(String),
    /// The user's list or COS's says so, or the endpoint needs none.
    Certain(Option<String>),
}

impl CosBucket {
    /// `region` is the one in the user's list.
    pub(crate) fn new(account: Account, name: String, region: Option<String>) -> Self {
        let needs_none = !account.cos.endpoint().needs_region();
        let place = match region {
            Some(region) => Place::Certain(Some(region)),
            None if needs_none => Place::Certain(None),
            None => Place::Unknown,
        };
        Self { account, name, place }
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
    ) -> Result<ObjectPage, Failure> {
        let mut request = ListRequest {
            bucket: self.name.clone(),
            region: self.region().await?,
            prefix: prefix.to_owned(),
            delimiter: Some("/".to_owned()),
            marker: marker.map(str::to_owned),
            max_keys: Some(max_keys),
        };
        match self.account.cos.list_objects(&request).await {
            Err(error) => {
                request.region = Some(self.elsewhere(error).await?);
                Ok(self.account.cos.list_objects(&request).await?)
            }
            Ok(page) => Ok(page),
        }
    }

    /// The object `key`.
    pub(crate) async fn open(&mut self, key: &str) -> Result<ObjectStream, Failure> {
        let region = self.region().await?;
        match self.account.cos.get_object(&self.name, region.as_deref(), key).await {
            Err(error) => {
                let region = self.elsewhere(error).await?;
                Ok(self.account.cos.get_object(&self.name, Some(&region), key).await?)
            }
            Ok(object) => Ok(object),
        }
    }

    /// Where to ask for the bucket.
    async fn region(&mut self) -> Result<Option<String>, Failure> {
        if matches!(self.place, Place::Unknown) {
            let known = self.account.regions.get(self.account.id, &self.name);
            self.place = match known.or_else(|| self.account.region.clone()) {
                Some(region) => Place::Likely(region),
                None => match self.look_up().await {
                    Ok(Some(region)) => Place::Certain(Some(region)),
                    Ok(None) => return Err(Failure::Unlisted { bucket: self.name.clone() }),
                    Err(cause) => return Err(Failure::NoRegion { bucket: self.name.clone(), cause: Box::new(cause) }),
                },
            };
        }
        Ok(match &self.place {
            Place::Unknown => None,
            Place::Likely(region) => Some(region.clone()),
            Place::Certain(region) => region.clone(),
        })
    }

    /// The other region in which the bucket is; `error`, if it does not come from looking in a wrong one.
    async fn elsewhere(&mut self, error: CosError) -> Result<String, Failure> {
        let Place::Likely(tried) = &self.place else { return Err(error.into()) };
        if error.kind() != CosErrorKind::NoSuchBucket {
            return Err(error.into());
        }
        let tried = tried.clone();
        self.account.regions.forget(self.account.id, &self.name);
        // Credentials that may not list buckets leave the first error as it is.
        match self.look_up().await {
            Ok(Some(region)) if region != tried => {
                tracing::debug!(bucket = self.name, tried, region, "the bucket is in another region");
                self.place = Place::Certain(Some(region.clone()));
                Ok(region)
            }
            _ => Err(error.into()),
        }
    }

    /// What the account's list of buckets says.
    async fn look_up(&self) -> Result<Option<String>, CosError> {
        let buckets = self.account.list().await?;
        Ok(buckets.into_iter().find(|bucket| bucket.name == self.name).and_then(|bucket| bucket.region))
    }
}
