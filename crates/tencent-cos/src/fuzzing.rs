//! The readers of COS's answers that are private, for the fuzz targets. Behind the feature `fuzzing`.

use http::HeaderMap;

use crate::buckets::{self, Bucket};
use crate::{MalformedAnswer, error_response, object};

/// The body of `GET Service`: the buckets of the page, and the marker of the next one.
///
/// # Errors
/// [`MalformedAnswer`].
pub fn bucket_page(body: &[u8]) -> Result<(Vec<Bucket>, Option<String>), MalformedAnswer> {
    buckets::parse_bucket_page(body).map(|page| (page.buckets, page.next_marker))
}

/// Code, message and request id of an error's body.
#[must_use]
pub fn error_response(body: &[u8]) -> [Option<String>; 3] {
    let error = error_response::parse_error_response(body);
    [error.code, error.message, error.request_id]
}

/// What the headers of an object say.
#[must_use]
pub fn object_info(headers: &HeaderMap) -> object::ObjectInfo {
    object::object_info(headers)
}
