use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use http::{Method, StatusCode};
use origin_client::Origin;
use url::Url;

use crate::refusal::request_id;
use crate::{Cos, CosError, Operation, Target};

mod download;

/// What COS says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Length in bytes.
    pub size: u64,
    /// Media type given when it was written, parameters included.
    pub content_type: Option<String>,
    /// The entity tag as COS writes it, quotation marks included.
    pub etag: Option<String>,
    /// When it was last written, an HTTP date, such as `Fri, 24 May 2019 11:49:50 GMT`.
    pub last_modified: Option<String>,
    /// CRC64 (ECMA-182, as in XZ) of its bytes.
    pub crc64: Option<u64>,
    /// `STANDARD_IA`, `ARCHIVE`, `DEEP_ARCHIVE`, …; none for `STANDARD`, which COS does not say.
    pub storage_class: Option<String>,
    /// Encoding given when it was written, such as `gzip`. The bytes are handed over as they are stored.
    pub content_encoding: Option<String>,
}

/// An object being read: its bytes, in pieces, as they come.
///
/// Length and CRC64 are checked on the way, and the last piece is handed over only if they are right: a stream whose
/// last item is not an error gave the whole object as COS has it. A lost or silent connection is taken up again where it
/// broke, as long as the object is the same (`Range` with `If-Match`), at most five times.
pub struct ObjectStream {
    info: ObjectInfo,
    pieces: Pin<Box<dyn Stream<Item = Result<Bytes, CosError>> + Send>>,
}

impl ObjectStream {
    /// What COS says of the object.
    #[must_use]
    pub const fn info(&self) -> &ObjectInfo {
        &self.info
    }
}

impl Stream for ObjectStream {
    type Item = Result<Bytes, CosError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.as_mut().poll_next(context)
    }
}

impl fmt::Debug for ObjectStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectStream").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Cos {
    /// What COS says of the object `key`. `region` is the configured one when none is given.
    ///
    /// `HEAD Object`, <https://cloud.tencent.com/document/product/436/7745>, which needs `cos:HeadObject`.
    ///
    /// # Errors
    /// [`CosError`]; a `HEAD` has no body, so a missing bucket and a missing object look alike.
    pub async fn head_object(&self, bucket: &str, region: Option<&str>, key: &str) -> Result<ObjectInfo, CosError> {
        let region = self.region(region);
        let url = self.endpoint().bucket_url(bucket, region, Some(key))?;
        let target = Target::object(Operation::HeadObject, bucket, region, key);
        let response = self.open(&target, &Method::HEAD, &url, &HeaderMap::new()).await?;
        object_info(&url, response.headers())
    }

    /// The object `key`, as a stream. `region` is the configured one when none is given.
    ///
    /// `GET Object`, <https://cloud.tencent.com/document/product/436/7753>, which needs `cos:GetObject`.
    ///
    /// # Errors
    /// [`CosError`] where there is nothing to read; errors on the way are items of the stream.
    pub async fn get_object(&self, bucket: &str, region: Option<&str>, key: &str) -> Result<ObjectStream, CosError> {
        let region = self.region(region);
        let url = self.endpoint().bucket_url(bucket, region, Some(key))?;
        let target = Target::object(Operation::GetObject, bucket, region, key);
        let response = self.open(&target, &Method::GET, &url, &HeaderMap::new()).await?;
        if response.status() != StatusCode::OK {
            return Err(CosError::Unreadable {
                origin: Origin::of(&url)?,
                problem: format!("a whole object was asked for, the answer is HTTP {}", response.status().as_u16()),
                request_id: request_id(response.headers()),
            });
        }
        let info = object_info(&url, response.headers())?;
        let pieces = Box::pin(download::pieces(self.clone(), target, url, info.clone(), response));
        Ok(ObjectStream { info, pieces })
    }
}

fn object_info(url: &Url, headers: &HeaderMap) -> Result<ObjectInfo, CosError> {
    let text = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    let Some(size) = text(CONTENT_LENGTH).and_then(|length| length.parse().ok()) else {
        return Err(CosError::Unreadable {
            origin: Origin::of(url)?,
            problem: "the server does not say how long the object is".to_owned(),
            request_id: request_id(headers),
        });
    };
    Ok(ObjectInfo {
        size,
        content_type: text(CONTENT_TYPE),
        etag: text(ETAG),
        last_modified: text(LAST_MODIFIED),
        crc64: text(HeaderName::from_static("x-cos-hash-crc64ecma")).and_then(|crc| crc.parse().ok()),
        storage_class: text(HeaderName::from_static("x-cos-storage-class")),
        content_encoding: text(CONTENT_ENCODING),
    })
}
