//! Buckets and objects that a test puts in by hand, among them those whose
//! names no file system takes.

use std::{collections::BTreeMap, ops::Bound, time::SystemTime};

use sha1::{Digest, Sha1};

use super::{BucketInfo, Object, content::Content};
use crate::{object::ObjectOptions, signature::hex};

#[derive(Debug, Default)]
pub(super) struct Memory {
    buckets: BTreeMap<String, BucketInfo>,
    /// By bucket, then by key. Also for buckets of the folder.
    objects: BTreeMap<String, BTreeMap<String, Object>>,
    /// Options for files of the folder.
    descriptions: BTreeMap<String, BTreeMap<String, ObjectOptions>>,
}

impl Memory {
    pub(super) fn buckets(&self) -> impl Iterator<Item = &BucketInfo> {
        self.buckets.values()
    }

    pub(super) fn create_bucket(&mut self, bucket: BucketInfo) {
        self.buckets.insert(bucket.name.clone(), bucket);
    }

    /// With all that is in it.
    pub(super) fn remove_bucket(&mut self, name: &str) -> bool {
        self.objects.remove(name);
        self.descriptions.remove(name);
        self.buckets.remove(name).is_some()
    }

    pub(super) fn put(&mut self, bucket: &str, key: &str, content: Content, options: ObjectOptions) {
        let (length, digest) = match &content {
            Content::Bytes { bytes, .. } => (bytes.len() as u64, Sha1::digest(bytes)),
            Content::Generated(generated) => {
                (generated.length(), Sha1::digest(format!("{} {}", generated.length(), generated.seed())))
            }
            // The folder's own: never put here.
            Content::File { .. } => return,
        };
        let object = Object {
            length,
            etag: etag(&digest),
            last_modified: options.last_modified.unwrap_or_else(SystemTime::now),
            options,
            content,
        };
        self.objects.entry(bucket.to_owned()).or_default().insert(key.to_owned(), object);
    }

    pub(super) fn describe(&mut self, bucket: &str, key: &str, options: ObjectOptions) {
        self.descriptions.entry(bucket.to_owned()).or_default().insert(key.to_owned(), options);
    }

    pub(super) fn description(&self, bucket: &str, key: &str) -> Option<ObjectOptions> {
        self.descriptions.get(bucket)?.get(key).cloned()
    }

    pub(super) fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        self.objects.get(bucket)?.get(key).cloned()
    }

    /// The first key that begins with `prefix` and is not below `from`.
    pub(super) fn first_key(&self, bucket: &str, prefix: &str, from: &str) -> Option<String> {
        let from = (Bound::Included(from.max(prefix)), Bound::Unbounded);
        let (key, _) = self.objects.get(bucket)?.range::<str, _>(from).next()?;
        key.starts_with(prefix).then(|| key.clone())
    }
}

/// `"<32 hex digits>-1"`: the shape of a multipart upload's ETag.
pub(super) fn etag(digest: &[u8]) -> String {
    let hex = hex(digest);
    format!("\"{}-1\"", hex.get(..32).unwrap_or(&hex))
}
