//! From what can go wrong to the errors that Dify shows.

use dify_plugin::Error;
use tencent_cos::{CosError, CosErrorKind};

/// Why a bucket could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// COS, or the way to it.
    #[error("{}", words(.0))]
    Cos(Box<CosError>),
    /// No region was filled in, and the list of buckets could not be asked.
    #[error(
        "in which region the bucket {bucket} is could not be found: fill in the region, or write {bucket}@region into \
         the list of buckets. {}",
        words(.cause)
    )]
    NoRegion { bucket: String, cause: Box<CosError> },
    /// No region was filled in, and the list of buckets does not have it.
    #[error(
        "there is no bucket {bucket} among those of this account: check its name, APPID included. If it is another \
         account's, write {bucket}@region into the list of buckets"
    )]
    Unlisted { bucket: String },
    /// The user's list does not have it.
    #[error("the bucket {bucket} is not in the list of buckets in the credentials: add it there to use it")]
    NotAllowed { bucket: String },
}

impl Failure {
    /// Whether every bucket of the account would fail like this.
    pub(crate) fn is_of_the_account(&self) -> bool {
        match self {
            Self::Cos(error) | Self::NoRegion { cause: error, .. } => matches!(
                error.kind(),
                CosErrorKind::InvalidAccessKeyId
                    | CosErrorKind::SignatureDoesNotMatch
                    | CosErrorKind::SessionTokenRejected
                    | CosErrorKind::RequestTimeTooSkewed
            ),
            Self::Unlisted { .. } | Self::NotAllowed { .. } => false,
        }
    }
}

impl From<CosError> for Failure {
    fn from(error: CosError) -> Self {
        Self::Cos(Box::new(error))
    }
}

/// Where COS has a name for the error, it is the error's type.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let message = failure.to_string();
        match failure {
            Failure::Cos(error) => match error.kind() {
                CosErrorKind::AccessDenied
                | CosErrorKind::InvalidAccessKeyId
                | CosErrorKind::SignatureDoesNotMatch
                | CosErrorKind::SessionTokenRejected => Self::credentials(message),
                CosErrorKind::NoSuchBucket => Self::named("NoSuchBucket", message),
                CosErrorKind::NoSuchKey => Self::named("NoSuchKey", message),
                CosErrorKind::InvalidObjectState => Self::named("InvalidObjectState", message),
                _ => Self::failed(message),
            },
            Failure::Unlisted { .. } => Self::named("NoSuchBucket", message),
            Failure::NoRegion { .. } | Failure::NotAllowed { .. } => Self::credentials(message),
        }
    }
}

/// The client's words, and for a download that broke off also those of what broke it.
fn words(error: &CosError) -> String {
    match error {
        CosError::BrokenOff { cause, .. } => format!("{error}: {cause}"),
        _ => error.to_string(),
    }
}
