//! From the client's errors to those that Dify shows.

use dify_plugin::Error;
use tencent_cos::{CosError, CosErrorKind};

/// What Dify is told when a call fails. Where COS has a name for the error, it is the error's type.
pub(crate) fn failure(error: &CosError) -> Error {
    let message = words(error);
    match error.kind() {
        CosErrorKind::AccessDenied
        | CosErrorKind::InvalidAccessKeyId
        | CosErrorKind::SignatureDoesNotMatch
        | CosErrorKind::SessionTokenRejected => Error::credentials(message),
        CosErrorKind::NoSuchBucket => Error::named("NoSuchBucket", message),
        CosErrorKind::NoSuchKey => Error::named("NoSuchKey", message),
        CosErrorKind::InvalidObjectState => Error::named("InvalidObjectState", message),
        _ => Error::failed(message),
    }
}

/// The client's words, and for a download that broke off also those of what broke it.
pub(crate) fn words(error: &CosError) -> String {
    match error {
        CosError::BrokenOff { cause, .. } => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}
