use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::StatusCode;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, TRANSFER_ENCODING,
};
use origin_client::Origin;

use crate::reading::Reading;
use crate::refusal::request_id;
use crate::{Cos, CosError, CosErrorKind, Operation, Target};

mod download;

/// What COS says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Length in bytes; none where the server does not say (`Transfer-Encoding: chunked`).
    pub size: Option<u64>,
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
    /// How far a restoration from the archive is (`x-cos-restore`), such as `ongoing-request="true"`.
    pub restore: Option<String>,
    /// Encoding given when it was written, such as `gzip`. The bytes are handed over as they are stored.
    pub content_encoding: Option<String>,
}

/// An object being read: its bytes, in pieces, as they come.
///
/// Length and CRC64 are checked on the way, and the last piece is handed over only if they are right: a stream whose
/// last item is not an error gave the whole object as COS has it. A lost or silent connection is taken up again where it
/// broke, as long as the object is the same (`Range` with `If-Match`), at most five times. After its end or an error it
/// stays at its end.
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
        let _place = self.place().await?;
        let response = self.open(&target, Reading::Head, &url, &HeaderMap::new()).await?;
        Ok(object_info(response.headers()))
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
        let place = self.place().await?;
        let response = match self.open(&target, Reading::Get, &url, &HeaderMap::new()).await {
            Ok(response) => response,
            Err(error) => {
                drop(place);
                return Err(self.with_storage_class(error, bucket, region, key).await);
            }
        };
        // A redirect within the origin need not be taken again.
        let url = response.url().clone();
        if response.status() != StatusCode::OK {
            return Err(CosError::Unreadable {
                origin: Origin::of(&url)?,
                problem: format!("a whole object was asked for, the answer is HTTP {}", response.status().as_u16()),
                request_id: request_id(response.headers()),
            });
        }
        let info = object_info(response.headers());
        let is_chunked = response.headers().contains_key(TRANSFER_ENCODING);
        if info.size.is_none() && info.crc64.is_none() && !is_chunked {
            return Err(CosError::Unreadable {
                origin: Origin::of(&url)?,
                problem: "the server says neither how long the object is nor where it ends".to_owned(),
                request_id: request_id(response.headers()),
            });
        }
        let pieces = Box::pin(download::pieces(self.clone(), place, target, url, info.clone(), response).fuse());
        Ok(ObjectStream { info, pieces })
    }

    /// Says of an archived object where it is archived. COS tells that to a `HEAD`; who may not send it learns less.
    async fn with_storage_class(&self, error: CosError, bucket: &str, region: Option<&str>, key: &str) -> CosError {
        let CosError::Refused(mut refusal) = error else { return error };
        if refusal.kind == CosErrorKind::InvalidObjectState
            && let Ok(info) = self.head_object(bucket, region, key).await
        {
            refusal.is_being_restored =
                info.restore.is_some_and(|restore| restore.contains("ongoing-request=\"true\""));
            refusal.storage_class = info.storage_class.or(refusal.storage_class);
        }
        CosError::Refused(refusal)
    }
}

pub(crate) fn object_info(headers: &HeaderMap) -> ObjectInfo {
    let text = |name: HeaderName| {
        let value = headers.get(name)?.to_str().ok()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    };
    ObjectInfo {
        size: text(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        content_type: text(CONTENT_TYPE),
        etag: text(ETAG),
        last_modified: text(LAST_MODIFIED),
        crc64: text(HeaderName::from_static("x-cos-hash-crc64ecma")).and_then(|crc| crc.parse().ok()),
        storage_class: text(HeaderName::from_static("x-cos-storage-class")),
        restore: text(HeaderName::from_static("x-cos-restore")),
        content_encoding: text(CONTENT_ENCODING),
    }
}
