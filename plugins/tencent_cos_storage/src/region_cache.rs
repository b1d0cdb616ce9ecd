//! In which region a bucket was found, kept for a while.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

/// Most buckets that are remembered, of all accounts together.
const MAX_ENTRIES: usize = 20_000;

/// How long a region is believed.
const LIFETIME: Duration = Duration::from_secs(600);

/// Whose buckets, and where: a hash of the endpoint and the secret ID, so that neither is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AccountId([u8; 32]);

impl AccountId {
    pub(crate) fn new(endpoint: &str, secret_id: &str) -> Self {
        // A zero byte is in neither of them.
        Self(Sha256::new().chain_update(endpoint).chain_update([0]).chain_update(secret_id).finalize().into())
    }
}

/// Regions of buckets, for all accounts that one process serves. What one account's list of buckets said is never told to
/// another.
#[derive(Debug)]
pub(crate) struct RegionCache {
    entries: Mutex<HashMap<(AccountId, String), Entry>>,
    most: usize,
    lifetime: Duration,
}

#[derive(Debug)]
struct Entry {
    region: String,
    found: Instant,
}

impl RegionCache {
    /// Where `bucket` was found lately.
    pub(crate) fn get(&self, account: AccountId, bucket: &str) -> Option<String> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&(account, bucket.to_owned()))?;
        (entry.found.elapsed() < self.lifetime).then(|| entry.region.clone())
    }

    /// Takes what the account's list of buckets says: names with regions.
    pub(crate) fn remember<'a>(&self, account: AccountId, buckets: impl IntoIterator<Item = (&'a str, &'a str)>) {
        let found = Instant::now();
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, region) in buckets {
            let key = (account, name.to_owned());
            if entries.len() >= self.most && !entries.contains_key(&key) {
                entries.retain(|_, entry| entry.found.elapsed() < self.lifetime);
                if entries.len() >= self.most {
                    return;
                }
            }
            entries.insert(key, Entry { region: region.to_owned(), found });
        }
    }

    /// Drops what turned out to be wrong.
    pub(crate) fn forget(&self, account: AccountId, bucket: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).remove(&(account, bucket.to_owned()));
    }
}

impl Default for RegionCache {
    fn default() -> Self {
        Self { entries: Mutex::default(), most: MAX_ENTRIES, lifetime: LIFETIME }
    }
}

impl std::fmt::Debug for AccountId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AccountId(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(secret_id: &str) -> AccountId {
        AccountId::new("https://{bucket}.cos.{region}.myqcloud.com", secret_id)
    }

    #[test]
    fn accounts_and_endpoints_are_kept_apart() {
        let cache = RegionCache::default();
        cache.remember(account("AKIDa"), [("b-1", "ap-beijing")]);
        assert_eq!(cache.get(account("AKIDa"), "b-1").as_deref(), Some("ap-beijing"));
        assert_eq!(cache.get(account("AKIDb"), "b-1"), None);
        assert_eq!(cache.get(AccountId::new("http://127.0.0.1/{bucket}", "AKIDa"), "b-1"), None);
        cache.forget(account("AKIDb"), "b-1");
        assert!(cache.get(account("AKIDa"), "b-1").is_some());
        cache.forget(account("AKIDa"), "b-1");
        assert_eq!(cache.get(account("AKIDa"), "b-1"), None);
    }

    #[test]
    fn a_region_is_believed_for_a_while() {
        let cache = RegionCache { lifetime: Duration::ZERO, ..RegionCache::default() };
        cache.remember(account("a"), [("b-1", "ap-beijing")]);
        assert_eq!(cache.get(account("a"), "b-1"), None);
    }

    #[test]
    fn it_holds_so_many_and_makes_room_from_what_is_old() {
        let mut cache = RegionCache { most: 2, ..RegionCache::default() };
        cache.remember(account("a"), [("b-1", "r"), ("b-2", "r"), ("b-3", "r")]);
        assert!(cache.get(account("a"), "b-2").is_some() && cache.get(account("a"), "b-3").is_none());
        cache.remember(account("a"), [("b-2", "s")]);
        assert_eq!(cache.get(account("a"), "b-2").as_deref(), Some("s"));
        cache.lifetime = Duration::ZERO;
        cache.remember(account("a"), [("b-3", "r")]);
        assert_eq!(cache.entries.lock().unwrap().len(), 1);
    }

    #[test]
    fn neither_key_nor_endpoint_is_kept() {
        let cache = RegionCache::default();
        cache.remember(account("AKIDsesame"), [("b-1", "ap-beijing")]);
        assert!(!format!("{cache:?}").contains("sesame"));
    }
}
