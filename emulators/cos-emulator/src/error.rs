//! What goes wrong: for the caller of this crate ([`Error`]) and for the
//! client of the emulated server ([`ServiceError`]).

use std::{io, path::PathBuf};

use http::StatusCode;

/// Why the emulator could not start or take an object.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder given to [`Builder::root`](crate::Builder::root) cannot be read.
    #[error("cannot read the folder {}: {source}", path.display())]
    Root {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The port cannot be had.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The server cannot be set up.
    #[error("cannot set the server up: {0}")]
    SetUp(io::Error),
    /// Not `name-appid` in small letters, digits and hyphens.
    #[error("{0:?} is not a bucket name such as photos-1250000000")]
    BucketName(String),
    /// There is already a bucket of this name.
    #[error("the bucket {0} exists already")]
    BucketExists(String),
    /// There is no such bucket.
    #[error("there is no bucket {0}")]
    NoSuchBucket(String),
    /// An object key is empty or above 850 bytes.
    #[error("an object key has 1 to 850 bytes, this one has {0}")]
    KeyLength(usize),
    /// An option cannot be sent as a header.
    #[error("{0} cannot be sent as a header")]
    HeaderValue(&'static str),
}

/// What COS answers instead of what was asked for.
///
/// Codes and statuses are those of the COS page "Error Codes" (436/7730).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServiceError {
    AccessDenied,
    RequestExpired,
    RequestTimeTooSkewed,
    InvalidAccessKeyId,
    SignatureDoesNotMatch {
        string_to_sign: String,
        format_string: String,
    },
    InvalidArgument {
        name: &'static str,
        value: String,
    },
    InvalidUri,
    KeyTooLong,
    NoSuchBucket,
    NoSuchKey,
    InvalidObjectState {
        storage_class: String,
    },
    MethodNotAllowed,
    NotImplemented,
    PreconditionFailed,
    InvalidRange {
        length: u64,
    },
    SlowDown,
    /// Any status and code a fault asks for.
    Injected {
        status: u16,
        code: String,
    },
    Internal,
}

impl ServiceError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::AccessDenied
            | Self::RequestExpired
            | Self::RequestTimeTooSkewed
            | Self::InvalidAccessKeyId
            | Self::SignatureDoesNotMatch { .. }
            | Self::InvalidObjectState { .. } => StatusCode::FORBIDDEN,
            Self::InvalidArgument { .. } | Self::InvalidUri | Self::KeyTooLong => StatusCode::BAD_REQUEST,
            Self::NoSuchBucket | Self::NoSuchKey => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
            Self::InvalidRange { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::SlowDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Injected { status, .. } => StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn code(&self) -> &str {
        match self {
            // Both go by one code: the SDKs tell them apart by the message
            // (`allowRetry` in cos-js-sdk-v5).
            Self::AccessDenied | Self::RequestExpired => "AccessDenied",
            Self::RequestTimeTooSkewed => "RequestTimeTooSkewed",
            Self::InvalidAccessKeyId => "InvalidAccessKeyId",
            Self::SignatureDoesNotMatch { .. } => "SignatureDoesNotMatch",
            Self::InvalidArgument { .. } => "InvalidArgument",
            Self::InvalidUri => "InvalidURI",
            Self::KeyTooLong => "KeyTooLong",
            Self::NoSuchBucket => "NoSuchBucket",
            Self::NoSuchKey => "NoSuchKey",
            Self::InvalidObjectState { .. } => "InvalidObjectState",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotImplemented => "NotImplemented",
            Self::PreconditionFailed => "PreconditionFailed",
            Self::InvalidRange { .. } => "InvalidRange",
            Self::SlowDown => "SlowDown",
            Self::Injected { code, .. } => code,
            Self::Internal => "InternalError",
        }
    }

    pub(crate) fn message(&self) -> String {
        match self {
            Self::AccessDenied => "Access Denied.",
            Self::RequestExpired => "Request has expired",
            Self::RequestTimeTooSkewed => "The difference between the request time and the current time is too large.",
            Self::InvalidAccessKeyId => "The Access Key Id you provided does not exist in our records.",
            Self::SignatureDoesNotMatch { .. } => "The Signature you specified is invalid.",
            Self::InvalidArgument { name, value } => {
                return format!("Invalid argument {name}: {value}");
            }
            Self::InvalidUri => "Could not parse the specified URI.",
            Self::KeyTooLong => "Your key is too long.",
            Self::NoSuchBucket => "The specified bucket does not exist.",
            Self::NoSuchKey => "The specified key does not exist.",
            Self::InvalidObjectState { .. } => "The operation is not valid for the object storage class.",
            Self::MethodNotAllowed => "The specified method is not allowed against this resource.",
            Self::NotImplemented => "This operation is not emulated.",
            Self::PreconditionFailed => "Precondition not match.",
            Self::InvalidRange { .. } => "The requested range cannot be satisfied.",
            Self::SlowDown => "Please reduce your request rate.",
            Self::Injected { code, .. } => return format!("Injected fault: {code}."),
            Self::Internal => "We encountered an internal error. Please try again.",
        }
        .to_owned()
    }
}

impl From<io::Error> for ServiceError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "reading the emulator's folder failed");
        Self::Internal
    }
}
