//! Buckets and objects: those of the folder, and those put in memory over it.

mod content;
mod folder;
mod generated;
mod memory;

use std::{
    io,
    path::Path,
    sync::{PoisonError, RwLock},
    time::SystemTime,
};

use bytes::Bytes;

pub(crate) use content::{ByteStream, Content, pieces};
pub use generated::generated_bytes;

use self::{
    folder::{Folder, FolderKeys},
    generated::Generated,
    memory::Memory,
};
use crate::{addressing::MAX_KEY_BYTES, error::Error, object::ObjectOptions};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BucketInfo {
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) created: SystemTime,
    /// The SecretId of the account that it belongs to; any account's when `None`.
    pub(crate) owner: Option<String>,
}

impl BucketInfo {
    pub(crate) fn is_open_to(&self, secret_id: &str) -> bool {
        self.owner.as_deref().is_none_or(|owner| owner == secret_id)
    }
}

/// An object at one moment: what its headers say and where its bytes are.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) length: u64,
    /// With its quotes. Shaped like that of a multipart upload, which is no
    /// MD5 either: clients must not read anything into it.
    pub(crate) etag: String,
    pub(crate) last_modified: SystemTime,
    pub(crate) options: ObjectOptions,
    pub(crate) content: Content,
}

/// Reads of the folder block: call from a thread that may.
#[derive(Debug)]
pub(crate) struct Store {
    folder: Option<Folder>,
    memory: RwLock<Memory>,
}

impl Store {
    pub(crate) fn new(root: Option<&Path>) -> Result<Self, Error> {
        Ok(Self { folder: root.map(Folder::open).transpose()?, memory: RwLock::default() })
    }

    /// All buckets, by name.
    pub(crate) fn buckets(&self) -> io::Result<Vec<BucketInfo>> {
        let mut buckets = match &self.folder {
            Some(folder) => folder.buckets()?,
            None => Vec::new(),
        };
        buckets.extend(self.read().buckets().cloned());
        buckets.sort_by(|a, b| a.name.cmp(&b.name));
        buckets.dedup_by(|a, b| a.name == b.name);
        Ok(buckets)
    }

    pub(crate) fn bucket(&self, name: &str) -> io::Result<Option<BucketInfo>> {
        Ok(self.buckets()?.into_iter().find(|b| b.name == name))
    }

    /// The keys of `bucket` that begin with `prefix`, for one listing.
    pub(crate) fn keys<'a>(&'a self, bucket: &'a str, prefix: &'a str) -> io::Result<Keys<'a>> {
        let in_folder = match &self.folder {
            Some(folder) => folder.keys(bucket, prefix)?,
            None => None,
        };
        Ok(Keys { in_folder, store: self, bucket, prefix })
    }

    pub(crate) fn object(&self, bucket: &str, key: &str) -> io::Result<Option<Object>> {
        let memory = self.read();
        if let Some(object) = memory.object(bucket, key) {
            return Ok(Some(object));
        }
        let described = memory.description(bucket, key);
        drop(memory);
        let Some(folder) = &self.folder else {
            return Ok(None);
        };
        let mut object = folder.object(bucket, key)?;
        if let (Some(object), Some(options)) = (&mut object, described) {
            object.last_modified = options.last_modified.unwrap_or(object.last_modified);
            object.options = options;
        }
        Ok(object)
    }

    pub(crate) fn create_bucket(&self, name: &str, region: &str, owner: Option<&str>) -> Result<(), Error> {
        if !is_bucket_name(name) {
            return Err(Error::BucketName(name.to_owned()));
        }
        if self.exists(name)? {
            return Err(Error::BucketExists(name.to_owned()));
        }
        self.write().create_bucket(BucketInfo {
            name: name.to_owned(),
            region: region.to_owned(),
            created: SystemTime::now(),
            owner: owner.map(str::to_owned),
        });
        Ok(())
    }

    pub(crate) fn remove_bucket(&self, name: &str) -> Result<(), Error> {
        if self.write().remove_bucket(name) { Ok(()) } else { Err(Error::NoSuchBucket(name.to_owned())) }
    }

    pub(crate) fn put_bytes(&self, bucket: &str, key: &str, bytes: Bytes, options: ObjectOptions) -> Result<(), Error> {
        self.put(bucket, key, Content::from_bytes(bytes), options)
    }

    pub(crate) fn put_generated(
        &self,
        bucket: &str,
        key: &str,
        length: u64,
        seed: u64,
        options: ObjectOptions,
    ) -> Result<(), Error> {
        let content = Content::Generated(Generated::new(length, seed));
        self.put(bucket, key, content, options)
    }

    fn put(&self, bucket: &str, key: &str, content: Content, options: ObjectOptions) -> Result<(), Error> {
        self.check(bucket, key, &options)?;
        self.write().put(bucket, key, content, options);
        Ok(())
    }

    /// Sets the options of an object of the folder.
    pub(crate) fn describe(&self, bucket: &str, key: &str, options: ObjectOptions) -> Result<(), Error> {
        self.check(bucket, key, &options)?;
        self.write().describe(bucket, key, options);
        Ok(())
    }

    fn check(&self, bucket: &str, key: &str, options: &ObjectOptions) -> Result<(), Error> {
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(Error::KeyLength(key.len()));
        }
        options.check()?;
        if self.exists(bucket)? { Ok(()) } else { Err(Error::NoSuchBucket(bucket.to_owned())) }
    }

    fn exists(&self, bucket: &str) -> Result<bool, Error> {
        self.bucket(bucket).map(|found| found.is_some()).map_err(|source| Error::Root {
            path: self.folder.as_ref().map_or_else(Default::default, |folder| folder.root().to_owned()),
            source,
        })
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks keys up in byte order.
#[derive(Debug)]
pub(crate) struct Keys<'a> {
    in_folder: Option<FolderKeys<'a>>,
    store: &'a Store,
    bucket: &'a str,
    prefix: &'a str,
}

impl Keys<'_> {
    /// The first key that is not below `from`.
    pub(crate) fn first_from(&mut self, from: &str) -> io::Result<Option<String>> {
        let in_folder = match &mut self.in_folder {
            Some(keys) => keys.first_from(from)?,
            None => None,
        };
        let in_memory = self.store.read().first_key(self.bucket, self.prefix, from);
        Ok(in_folder.into_iter().chain(in_memory).min())
    }
}

/// `name-appid`, at most 60 characters (COS page "Bucket Overview").
pub(crate) fn is_bucket_name(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(short, appid)| {
        name.len() <= 60
            && !short.is_empty()
            && !short.starts_with('-')
            && !appid.is_empty()
            && appid.bytes().all(|b| b.is_ascii_digit())
            && short.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_names() {
        for good in ["a-1", "photos-2024-1250000000"] {
            assert!(is_bucket_name(good), "{good}");
        }
        for bad in ["", "a", "a-", "-1", "A-1", "a_b-1", "a-b", "../a-1", "a-1/"] {
            assert!(!is_bucket_name(bad), "{bad}");
        }
        assert!(!is_bucket_name(&format!("{}-1", "a".repeat(59))));
    }

    #[test]
    fn memory_lies_over_the_folder() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("a-1")).unwrap();
        std::fs::write(root.path().join("a-1/x.txt"), "disk").unwrap();
        std::fs::write(root.path().join("a-1/y.txt"), "disk").unwrap();
        let store = Store::new(Some(root.path())).unwrap();
        let put = |key: &str| store.put_bytes("a-1", key, Bytes::from_static(b"memory"), ObjectOptions::default());
        put("x.txt").unwrap();
        put("//z").unwrap();
        let first_from = |from| store.keys("a-1", "").unwrap().first_from(from).unwrap();
        assert_eq!(first_from("").as_deref(), Some("//z"));
        assert_eq!(first_from("a").as_deref(), Some("x.txt"));
        assert_eq!(first_from("x.txt\0").as_deref(), Some("y.txt"));
        assert_eq!(first_from("z"), None);
        let length = |key| store.object("a-1", key).unwrap().unwrap().length;
        assert_eq!(length("x.txt"), 6);
        assert_eq!(length("y.txt"), 4);
    }

    #[test]
    fn a_file_can_be_described() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("a-1")).unwrap();
        std::fs::write(root.path().join("a-1/x"), "disk").unwrap();
        let store = Store::new(Some(root.path())).unwrap();
        let options = ObjectOptions {
            content_type: Some("text/x-test".into()),
            last_modified: Some(SystemTime::UNIX_EPOCH),
            ..ObjectOptions::default()
        };
        store.describe("a-1", "x", options.clone()).unwrap();
        let object = store.object("a-1", "x").unwrap().unwrap();
        assert_eq!(object.options, options);
        assert_eq!(object.last_modified, SystemTime::UNIX_EPOCH);
        assert_eq!(object.length, 4);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let store = Store::new(None).unwrap();
        assert!(store.create_bucket("a", "ap-beijing", None).is_err());
        store.create_bucket("a-1", "ap-beijing", None).unwrap();
        assert!(store.create_bucket("a-1", "ap-beijing", None).is_err());
        let put = |bucket: &str, key: &str| store.put_bytes(bucket, key, Bytes::new(), ObjectOptions::default());
        assert!(put("b-1", "k").is_err());
        assert!(put("a-1", "").is_err());
        assert!(put("a-1", &"k".repeat(851)).is_err());
        put("a-1", &"k".repeat(850)).unwrap();
    }
}
