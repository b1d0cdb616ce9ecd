use std::fmt;

/// One of the reads this crate can express, named as COS's permission policies name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// List the account's buckets (`GET Service`).
    GetService,
    /// List a bucket's objects (`GET Bucket`).
    GetBucket,
    /// Ask whether a bucket is there (`HEAD Bucket`).
    HeadBucket,
    /// Read an object (`GET Object`).
    GetObject,
    /// Read what is known of an object (`HEAD Object`).
    HeadObject,
}

impl Operation {
    /// The permission it needs, as written in a policy.
    #[must_use]
    pub const fn permission(self) -> &'static str {
        match self {
            Self::GetService => "cos:GetService",
            Self::GetBucket => "cos:GetBucket",
            Self::HeadBucket => "cos:HeadBucket",
            Self::GetObject => "cos:GetObject",
            Self::HeadObject => "cos:HeadObject",
        }
    }
}

/// What a call was about, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What was asked.
    pub operation: Operation,
    /// The bucket, `name-appid`; none when the buckets themselves were listed.
    pub bucket: Option<String>,
    /// The region in which the bucket was looked for, where the address names one.
    pub region: Option<String>,
    /// The object's key.
    pub key: Option<String>,
}

impl Target {
    pub(crate) const fn service() -> Self {
        Self { operation: Operation::GetService, bucket: None, region: None, key: None }
    }

    pub(crate) fn bucket(operation: Operation, bucket: &str, region: Option<&str>) -> Self {
        Self { operation, bucket: Some(bucket.to_owned()), region: region.map(str::to_owned), key: None }
    }

    pub(crate) fn object(operation: Operation, bucket: &str, region: Option<&str>, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::bucket(operation, bucket, region) }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(bucket) = &self.bucket else { return f.write_str("the list of buckets") };
        if let Some(key) = &self.key {
            // Debug form: a key may hold line breaks and other control characters, a message may not.
            write!(f, "object {key:?} in ")?;
        }
        write!(f, "bucket {bucket}")?;
        match &self.region {
            Some(region) => write!(f, " ({region})"),
            None => Ok(()),
        }
    }
}
