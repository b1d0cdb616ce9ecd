//! A folder on disk: each folder in it is a bucket, each file an object.
//!
//! Nothing outside is ever read: a key is split at its slashes and each part
//! has to be a plain name; symbolic links are passed over.

mod entries;
mod keys;

use std::{
    collections::BTreeMap,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
pub(super) use keys::FolderKeys;
use sha1::{Digest, Sha1};

use self::entries::EntriesCache;
use super::{
    BucketInfo, Object,
    content::{Content, crc64_of_file},
    is_bucket_name,
    memory::etag,
};
use crate::{error::Error, object::ObjectOptions};

/// Where buckets are whose folder does not say.
const DEFAULT_REGION: &str = "ap-guangzhou";

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    entries: EntriesCache,
    crcs: Arc<CrcCache>,
}

impl Folder {
    pub(super) fn open(root: &Path) -> Result<Self, Error> {
        let fail = |source| Error::Root { path: root.to_owned(), source };
        let root = root.canonicalize().map_err(fail)?;
        fs::read_dir(&root).map_err(fail)?;
        Ok(Self { root, entries: EntriesCache::default(), crcs: Arc::default() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Folders named `name-appid` or `name-appid@region`; others are passed over.
    pub(super) fn buckets(&self) -> io::Result<Vec<BucketInfo>> {
        Ok(self.bucket_folders()?.into_iter().map(|(bucket, _)| bucket).collect())
    }

    fn bucket_folders(&self) -> io::Result<Vec<(BucketInfo, PathBuf)>> {
        let mut buckets = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                continue;
            }
            let folder = entry.file_name();
            let Some(folder) = folder.to_str() else {
                continue;
            };
            let (name, region) = folder.split_once('@').unwrap_or((folder, DEFAULT_REGION));
            if !is_bucket_name(name) || region.is_empty() {
                tracing::debug!(folder, "not a bucket name, passed over");
                continue;
            }
            let metadata = entry.metadata()?;
            buckets.push((
                BucketInfo {
                    name: name.to_owned(),
                    region: region.to_owned(),
                    created: metadata.created().or_else(|_| metadata.modified())?,
                    owner: None,
                },
                entry.path(),
            ));
        }
        buckets.sort_by(|(_, a), (_, b)| a.cmp(b));
        Ok(buckets)
    }

    fn bucket_folder(&self, bucket: &str) -> io::Result<Option<PathBuf>> {
        Ok(self.bucket_folders()?.into_iter().find(|(info, _)| info.name == bucket).map(|(_, path)| path))
    }

    /// The keys of a bucket that begin with `prefix`; `None` if the bucket has no folder.
    pub(super) fn keys<'a>(&'a self, bucket: &str, prefix: &'a str) -> io::Result<Option<FolderKeys<'a>>> {
        Ok(self.bucket_folder(bucket)?.map(|folder| FolderKeys::new(&self.entries, folder, prefix)))
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> io::Result<Option<Object>> {
        let Some(folder) = self.bucket_folder(bucket)? else {
            return Ok(None);
        };
        if let Some(name) = key.strip_suffix('/') {
            return match descend(&folder, Some(name))? {
                Some(path) if fs::read_dir(&path)?.next().is_none() => Ok(Some(folder_marker(&fs::metadata(&path)?)?)),
                _ => Ok(None),
            };
        }
        let (parent, name) = match key.rsplit_once('/') {
            Some((parent, name)) => (Some(parent), name),
            None => (None, key),
        };
        let Some(parent) = descend(&folder, parent)? else {
            return Ok(None);
        };
        if !is_plain_name(name) {
            return Ok(None);
        }
        let path = parent.join(name);
        let Some(metadata) = look(&path)?.filter(Metadata::is_file) else {
            return Ok(None);
        };
        let last_modified = metadata.modified()?;
        let identity = format!("{}\n{}\n{:?}", key, metadata.len(), age(last_modified));
        Ok(Some(Object {
            length: metadata.len(),
            etag: etag(&Sha1::digest(identity)),
            last_modified,
            options: ObjectOptions::default(),
            content: Content::File { path, crcs: Arc::clone(&self.crcs) },
        }))
    }
}

/// Follows `path` down from `folder`; `None` when a part is no plain name or
/// no real folder. An empty path is a part without a name.
fn descend(folder: &Path, path: Option<&str>) -> io::Result<Option<PathBuf>> {
    let mut at = folder.to_owned();
    for part in path.into_iter().flat_map(|path| path.split('/')) {
        if !is_plain_name(part) {
            return Ok(None);
        }
        at.push(part);
        if !look(&at)?.is_some_and(|metadata| metadata.is_dir()) {
            return Ok(None);
        }
    }
    Ok(Some(at))
}

fn is_plain_name(part: &str) -> bool {
    !matches!(part, "" | "." | "..") && !part.contains(['\0', '\\', ':', '/'])
}

/// Metadata of the thing itself, not of what a link points at.
fn look(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn folder_marker(metadata: &Metadata) -> io::Result<Object> {
    Ok(Object {
        length: 0,
        etag: etag(&Sha1::digest(b"")),
        last_modified: metadata.modified()?,
        options: ObjectOptions { content_type: Some("application/x-directory".to_owned()), ..ObjectOptions::default() },
        content: Content::from_bytes(Bytes::new()),
    })
}

fn age(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// What a file's CRC depends on: its path, length and time of change.
type FileVersion = (PathBuf, u64, u128);

/// CRCs of files that were read before.
#[derive(Debug, Default)]
pub(crate) struct CrcCache(Mutex<BTreeMap<FileVersion, u64>>);

impl CrcCache {
    const CAPACITY: usize = 100_000;

    pub(super) fn crc64(&self, path: &Path) -> io::Result<u64> {
        let metadata = fs::metadata(path)?;
        let version = (path.to_owned(), metadata.len(), age(metadata.modified()?));
        let known = |cache: &Mutex<BTreeMap<_, _>>| {
            let known = cache.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&version).copied()
        };
        if let Some(crc) = known(&self.0) {
            return Ok(crc);
        }
        let crc = crc64_of_file(path)?;
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= Self::CAPACITY {
            cache.clear();
        }
        cache.insert(version, crc);
        Ok(crc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> (tempfile::TempDir, Folder) {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for path in ["a-1/docs/sub", "a-1/empty", "b-2@ap-beijing", "no bucket"] {
            fs::create_dir_all(at(path)).unwrap();
        }
        for path in ["secret", "a-1/x", "a-1/docs/y", "a-1/docs/sub/z", "a-1/docs.txt"] {
            fs::write(at(path), path).unwrap();
        }
        let folder = Folder::open(root.path()).unwrap();
        (root, folder)
    }

    fn keys(folder: &Folder, prefix: &str) -> Vec<String> {
        let mut keys = folder.keys("a-1", prefix).unwrap().unwrap();
        std::iter::successors(keys.first_from("").unwrap(), |key| keys.first_from(&format!("{key}\0")).unwrap())
            .collect()
    }

    #[test]
    fn folders_are_buckets() {
        let (_root, folder) = folder();
        let found: Vec<(String, String)> =
            folder.buckets().unwrap().into_iter().map(|bucket| (bucket.name, bucket.region)).collect();
        assert_eq!(found, [("a-1".to_owned(), "ap-guangzhou".to_owned()), ("b-2".to_owned(), "ap-beijing".to_owned())]);
    }

    #[test]
    fn files_and_empty_folders_are_keys() {
        let (_root, folder) = folder();
        assert_eq!(keys(&folder, ""), ["docs.txt", "docs/sub/z", "docs/y", "empty/", "x"]);
        assert_eq!(keys(&folder, "docs/"), ["docs/sub/z", "docs/y"]);
        assert_eq!(keys(&folder, "docs/s"), ["docs/sub/z"]);
        assert_eq!(keys(&folder, "doc"), ["docs.txt", "docs/sub/z", "docs/y"]);
        assert_eq!(keys(&folder, "empty/"), ["empty/"]);
        assert_eq!(keys(&folder, "no/such"), [""; 0]);
        assert_eq!(keys(&folder, "../"), [""; 0]);
        assert!(folder.object("a-1", "empty/").unwrap().is_some());
        assert!(folder.object("a-1", "docs/").unwrap().is_none());
    }

    #[test]
    fn nothing_outside_is_found() {
        let (root, folder) = folder();
        #[cfg(unix)]
        std::os::unix::fs::symlink(root.path(), root.path().join("a-1/link")).unwrap();
        let absolute = root.path().join("secret");
        for key in [
            "../secret",
            "docs/../../secret",
            "./x",
            "docs//y",
            "/x",
            "docs/../x",
            "link/secret",
            "..",
            ".",
            "docs\0",
            "x/y",
            absolute.to_str().unwrap(),
            &"k".repeat(850),
        ] {
            assert!(folder.object("a-1", key).unwrap().is_none(), "{key:?}");
        }
        for bucket in ["..", "", "no bucket", "c-3", "a-1/docs"] {
            assert!(folder.object(bucket, "x").unwrap().is_none(), "{bucket:?}");
        }
        assert!(!keys(&folder, "").iter().any(|key| key.contains("link")));
        assert_eq!(folder.object("a-1", "x").unwrap().unwrap().length, 5);
    }

    #[test]
    fn a_changed_file_has_another_etag_and_crc() {
        let (root, folder) = folder();
        let before = folder.object("a-1", "x").unwrap().unwrap();
        let crc_before = before.content.crc64().unwrap();
        assert_eq!(before.content.crc64().unwrap(), crc_before);
        fs::write(root.path().join("a-1/x"), "longer than before").unwrap();
        let after = folder.object("a-1", "x").unwrap().unwrap();
        assert_ne!(before.etag, after.etag);
        assert_ne!(crc_before, after.content.crc64().unwrap());
    }
}
