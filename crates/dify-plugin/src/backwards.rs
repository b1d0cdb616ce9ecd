mod call_back;
mod pending;
mod storage;
mod transactions;
mod upload;

pub(crate) use call_back::{InvocationError, call_back};
pub(crate) use pending::PendingInvocations;
pub use storage::Storage;
pub(crate) use transactions::Transactions;
pub(crate) use upload::{UploadFailure, upload};
