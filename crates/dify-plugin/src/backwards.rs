mod pending;
mod storage;
mod upload;

pub(crate) use pending::{InvocationError, PendingInvocations};
pub use storage::Storage;
pub(crate) use upload::{UploadFailure, upload};
