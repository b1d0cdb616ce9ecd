use std::time::Duration;

use origin_client::{Origin, OriginError, TransportError};

use crate::{EndpointError, Refusal, Target};

/// Why a call to COS failed. One line each, for a user; no secret and no signature is ever in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CosError {
    /// A part of the credentials cannot be used as it is.
    #[error("the {name} {problem}")]
    Credential {
        /// Which part.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// No address could be made of endpoint, bucket, region and key.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// More objects per page were asked for than COS gives, or none.
    #[error("max_keys is {0}: COS lists 1 to 1000 objects per page")]
    MaxKeys(u16),
    /// The request could not be signed.
    #[error("the request could not be signed: the key or marker is too long for a URL")]
    Unsignable,
    /// COS answered with an error.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// The exchange with the server failed.
    #[error(transparent)]
    Transport(TransportError),
    /// The request was not made.
    #[error(transparent)]
    Origin(#[from] OriginError),
    /// The server was silent for too long.
    #[error("{origin}: no answer for {} s", waited.as_secs_f32())]
    Silence {
        /// Who was being talked to.
        origin: Origin,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Others were talking to COS all the time.
    #[error("{most} requests to COS are under way, and none ended within {} s: try again later", waited.as_secs_f32())]
    Busy {
        /// How many requests may be under way at a time.
        most: usize,
        /// How long it was waited for a place.
        waited: Duration,
    },
    /// The answer is not what COS answers.
    #[error("{origin}: {problem}; is this a COS endpoint?{}", request_id_note(request_id.as_deref()))]
    Unreadable {
        /// Who answered.
        origin: Origin,
        /// What is wrong with the answer.
        problem: String,
        /// COS's name for the request.
        request_id: Option<String>,
    },
    /// The object became another one while it was being read.
    #[error("{target} was replaced while it was being read: read it again")]
    Changed {
        /// What was being read.
        target: Box<Target>,
    },
    /// The bytes that came are not those COS has stored.
    #[error("{target} arrived damaged: its CRC64 is {actual}, COS says {expected}: read it again")]
    Damaged {
        /// What was being read.
        target: Box<Target>,
        /// `x-cos-hash-crc64ecma`.
        expected: u64,
        /// CRC64 of the bytes that came.
        actual: u64,
    },
    /// The body ended early, and could not be taken up again.
    #[error("{target} broke off after {received}{} bytes", size.map(|size| format!(" of {size}")).unwrap_or_default())]
    BrokenOff {
        /// What was being read.
        target: Box<Target>,
        /// Bytes that came.
        received: u64,
        /// Bytes the object has, where that is known.
        size: Option<u64>,
        /// What broke it off.
        #[source]
        cause: Box<Self>,
    },
}

/// What sort of failure a [`CosError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CosErrorKind {
    /// The configuration or an argument cannot be used; nothing was sent.
    InvalidRequest,
    /// The credentials may not do this.
    AccessDenied,
    /// COS does not know the secret ID.
    InvalidAccessKeyId,
    /// The secret key is not the one that belongs to the secret ID.
    SignatureDoesNotMatch,
    /// This machine's clock and COS's disagree.
    RequestTimeTooSkewed,
    /// The temporary key has expired, or its token is wrong.
    SessionTokenRejected,
    /// There is no such bucket, or not in this region.
    NoSuchBucket,
    /// There is no such object.
    NoSuchKey,
    /// The object is archived and has to be restored before it can be read.
    InvalidObjectState,
    /// The object is encrypted with a key of the customer's own (SSE-C).
    CustomerKeyNeeded,
    /// The object was replaced while it was being read.
    ObjectChanged,
    /// The bytes do not match COS's checksum.
    Damaged,
    /// COS asks for fewer requests, or as many as may be are under way.
    Throttled,
    /// COS has a failure of its own.
    Unavailable,
    /// The server could not be reached, was silent or broke off.
    Unreachable,
    /// Something answered that does not speak like COS.
    Unreadable,
    /// Another error of COS's; [`Refusal::code`] names it.
    Other,
}

impl CosError {
    /// What sort of failure this is.
    #[must_use]
    pub fn kind(&self) -> CosErrorKind {
        match self {
            Self::Credential { .. } | Self::Endpoint(_) | Self::MaxKeys(_) | Self::Unsignable | Self::Origin(_) => {
                CosErrorKind::InvalidRequest
            }
            Self::Refused(refusal) => refusal.kind,
            Self::Transport(_) | Self::Silence { .. } | Self::BrokenOff { .. } => CosErrorKind::Unreachable,
            Self::Busy { .. } => CosErrorKind::Throttled,
            Self::Unreadable { .. } => CosErrorKind::Unreadable,
            Self::Changed { .. } => CosErrorKind::ObjectChanged,
            Self::Damaged { .. } => CosErrorKind::Damaged,
        }
    }

    /// Whether the same call may succeed later, with nothing changed. The calls of this crate have by then been
    /// repeated already.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Transport(error) => error.is_temporary(),
            Self::BrokenOff { cause, .. } => cause.is_temporary(),
            Self::Silence { .. } | Self::Busy { .. } | Self::Changed { .. } | Self::Damaged { .. } => true,
            Self::Refused(refusal) => {
                matches!(refusal.kind, CosErrorKind::Throttled | CosErrorKind::Unavailable)
            }
            _ => false,
        }
    }

    /// COS's name for the failed request, by which Tencent's support finds it.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Refused(refusal) => refusal.request_id.as_deref(),
            Self::Unreadable { request_id, .. } => request_id.as_deref(),
            Self::BrokenOff { cause, .. } => cause.request_id(),
            _ => None,
        }
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }
}

pub(crate) fn request_id_note(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (request id {id})")).unwrap_or_default()
}
