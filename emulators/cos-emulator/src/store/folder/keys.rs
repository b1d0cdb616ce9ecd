//! The keys that the files of a bucket's folder make.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use super::entries::{Entries, EntriesCache};
use crate::addressing::MAX_KEY_BYTES;

const MAX_DEPTH: usize = 200;

/// Looks keys up in byte order, for one listing.
///
/// Each file is a key. An empty folder is the object `name/` of no bytes, as the COS console makes folders.
#[derive(Debug)]
pub(in crate::store) struct FolderKeys<'a> {
    cache: &'a EntriesCache,
    bucket: PathBuf,
    prefix: &'a str,
    /// The folders on the way to the last key, by what their keys begin with. A folder that changes all the while is read
    /// once for all keys of it.
    open: HashMap<String, Option<Arc<Entries>>>,
}

impl<'a> FolderKeys<'a> {
    pub(super) fn new(cache: &'a EntriesCache, bucket: PathBuf, prefix: &'a str) -> Self {
        Self { cache, bucket, prefix, open: HashMap::new() }
    }

    /// The first key that begins with the prefix and is not below `from`.
    pub(in crate::store) fn first_from(&mut self, from: &str) -> io::Result<Option<String>> {
        let from = from.max(self.prefix);
        self.open.retain(|base, _| from.starts_with(base.as_str()));
        self.search("", from, 0)
    }

    /// Searches the folder whose keys begin with `base`: one that `from` lies in or that is not below it.
    fn search(&mut self, base: &str, from: &str, depth: usize) -> io::Result<Option<String>> {
        let Some(entries) = self.entries(base)? else {
            return Ok(None);
        };
        if entries.is_empty {
            let is_key = depth > 0 && base >= from && base.len() <= MAX_KEY_BYTES;
            return Ok(is_key.then(|| base.to_owned()));
        }
        for name in entries.from(from.strip_prefix(base).unwrap_or_default()) {
            let key = format!("{base}{name}");
            let inside = key.strip_suffix('/');
            if !key.starts_with(self.prefix) && (inside.is_none() || !self.prefix.starts_with(&key)) {
                // All others are behind the prefix.
                break;
            }
            if inside.unwrap_or(&key).len() > MAX_KEY_BYTES {
                continue;
            }
            if inside.is_none() {
                return Ok(Some(key));
            }
            if depth < MAX_DEPTH
                && let Some(found) = self.search(&key, from, depth + 1)?
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn entries(&mut self, base: &str) -> io::Result<Option<Arc<Entries>>> {
        if let Some(entries) = self.open.get(base) {
            return Ok(entries.clone());
        }
        let path = base.strip_suffix('/').map_or_else(|| self.bucket.clone(), |inside| self.bucket.join(inside));
        let entries = self.cache.read(&path)?;
        self.open.insert(base.to_owned(), entries.clone());
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// In byte order.
    const KEYS: [&str; 10] =
        ["a-b/x", "a.txt", "a/a/empty/", "a/a/x", "a/a0", "a/b", "a0", "b/only/one/file", "empty/", "报/x"];

    fn bucket() -> tempfile::TempDir {
        let bucket = tempfile::tempdir().unwrap();
        for key in KEYS {
            let (folder, name) = key.rsplit_once('/').unwrap_or(("", key));
            fs::create_dir_all(bucket.path().join(folder)).unwrap();
            if !name.is_empty() {
                fs::write(bucket.path().join(key), "").unwrap();
            }
        }
        bucket
    }

    fn first_from(bucket: &Path, prefix: &str, from: &str) -> Option<String> {
        FolderKeys::new(&EntriesCache::default(), bucket.to_owned(), prefix).first_from(from).unwrap()
    }

    #[test]
    fn every_key_is_found_from_everywhere_below_it() {
        let bucket = bucket();
        let texts =
            ["", "a", "a-", "a.", "a/", "a/a", "a/a/", "a/a/f", "a/b", "a/b/c", "b", "b/only/one/file\0", "c", "报/"];
        for prefix in KEYS.iter().chain(&texts) {
            for from in KEYS.iter().chain(&texts) {
                let expected = KEYS.iter().find(|key| key.starts_with(prefix) && *key >= from);
                assert_eq!(
                    first_from(bucket.path(), prefix, from).as_deref(),
                    expected.copied(),
                    "{prefix:?} {from:?}"
                );
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_of_links_is_no_key_and_hides_none() {
        let bucket = bucket();
        fs::create_dir(bucket.path().join("a-a")).unwrap();
        std::os::unix::fs::symlink(bucket.path(), bucket.path().join("a-a/link")).unwrap();
        assert_eq!(first_from(bucket.path(), "", "").as_deref(), Some("a-b/x"));
        assert_eq!(first_from(bucket.path(), "a-a", ""), None);
    }

    #[test]
    fn what_vanishes_under_way_is_no_key() {
        let bucket = bucket();
        let cache = EntriesCache::default();
        let mut keys = FolderKeys::new(&cache, bucket.path().to_owned(), "");
        assert_eq!(keys.first_from("").unwrap().as_deref(), Some("a-b/x"));
        fs::remove_dir_all(bucket.path().join("b")).unwrap();
        assert_eq!(keys.first_from("b").unwrap().as_deref(), Some("empty/"));
    }
}
