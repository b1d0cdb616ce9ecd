use std::sync::Arc;

use dify_plugin::Error;
use futures_util::{StreamExt, stream};
use tencent_cos::{Cos, CosError, CosErrorKind};

use crate::allow_list::AllowList;
use crate::bucket::CosBucket;
use crate::failure::Failure;
use crate::region_cache::{AccountId, RegionCache};

/// Buckets of the list that are probed at the same time.
const PROBES: usize = 4;

/// Most buckets whose failures one message tells.
const MAX_TOLD: usize = 10;

/// One user's account for one call: a client, and what is known of its buckets.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) cos: Cos,
    pub(crate) allowed: Option<AllowList>,
    pub(crate) region: Option<String>,
    pub(crate) id: AccountId,
    pub(crate) regions: Arc<RegionCache>,
}

impl Account {
    /// The names of the buckets to show: those of the user's list, otherwise all.
    pub(crate) async fn bucket_names(&self) -> Result<Vec<String>, Failure> {
        match &self.allowed {
            Some(allowed) => Ok(allowed.buckets().iter().map(|bucket| bucket.name.clone()).collect()),
            None => Ok(self.list().await?.into_iter().map(|bucket| bucket.name).collect()),
        }
    }

    /// The bucket `name`, which nobody has asked for yet.
    ///
    /// # Errors
    /// When the user's list does not have it.
    pub(crate) fn bucket(&self, name: String) -> Result<CosBucket, Failure> {
        let region = match &self.allowed {
            None => None,
            Some(allowed) => match allowed.find(&name) {
                Some(bucket) => bucket.region.clone(),
                None => return Err(Failure::NotAllowed { bucket: name }),
            },
        };
        Ok(CosBucket::new(self.clone(), name, region))
    }

    /// Whether the credentials can be used for what they are meant for.
    ///
    /// # Errors
    /// What is wrong; with a list of buckets, each that cannot be read, by name.
    pub(crate) async fn check(&self) -> Result<(), Error> {
        let Some(allowed) = &self.allowed else {
            return match self.list().await {
                Ok(_) => Ok(()),
                Err(error) => {
                    let advice = match error.kind() {
                        CosErrorKind::AccessDenied => {
                            ". Grant that action, or name the buckets to use in the list of buckets"
                        }
                        _ => "",
                    };
                    Err(Error::credentials(format!("{}{advice}", Failure::from(error))))
                }
            };
        };
        let names: Vec<_> = allowed.buckets().iter().map(|bucket| bucket.name.clone()).collect();
        let probes = names.into_iter().map(|name| self.clone().probe(name));
        let mut probes = stream::iter(probes).buffered(PROBES);
        let mut failures = Vec::new();
        while let Some((name, outcome)) = probes.next().await {
            match outcome {
                Ok(()) => {}
                Err(why) if why.is_of_the_account() => return Err(Error::credentials(why.to_string())),
                Err(why) => failures.push((name, why)),
            }
        }
        if failures.is_empty() {
            return Ok(());
        }
        let told: Vec<_> = failures.iter().take(MAX_TOLD).map(|(name, why)| format!("{name}: {why}")).collect();
        let untold = failures.len() - told.len();
        let rest = if untold == 0 { String::new() } else { format!("; and {untold} more") };
        Err(Error::credentials(format!(
            "{} of {} buckets cannot be read: {}{rest}",
            failures.len(),
            allowed.buckets().len(),
            told.join("; ")
        )))
    }

    /// Lists one object at most: the permission that browsing needs, and unlike after a `HEAD` COS says what is wrong.
    async fn probe(self, name: String) -> (String, Result<(), Failure>) {
        let outcome = match self.bucket(name.clone()) {
            Ok(mut bucket) => bucket.list("", None, 1).await.map(drop),
            Err(failure) => Err(failure),
        };
        (name, outcome)
    }

    /// All buckets of the account; their regions are remembered.
    pub(crate) async fn list(&self) -> Result<Vec<tencent_cos::Bucket>, CosError> {
        let buckets = self.cos.list_buckets().await?;
        let regions = buckets.iter().filter_map(|bucket| Some((bucket.name.as_str(), bucket.region.as_deref()?)));
        self.regions.remember(self.id, regions);
        Ok(buckets)
    }
}
