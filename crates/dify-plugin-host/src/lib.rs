#![doc = include_str!("../README.md")]

mod action;
mod answer;
mod assembly;
mod backwards;
mod call;
mod chunk_merger;
mod debugging_server;
mod decode;
mod envelope;
mod failure;
mod file_server;
mod form_file;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod go_json;
mod go_struct;
mod host;
mod line_reader;
mod loopback_server;
mod observers;
mod process;
mod received_file;
mod request;
mod serverless;
mod session;
mod signed_url;
mod storage;
mod upload_endpoint;
mod violation;

pub use action::Action;
pub use answer::Answer;
pub use call::{Call, CallEvent};
pub use chunk_merger::ChunkFault;
pub use debugging_server::{DebuggedPlugin, DebuggingFault, DebuggingServer, Registration, RegistrationRefused};
pub use decode::ActionResult;
pub use failure::{CallFailure, Ended, StartError};
pub use file_server::{FileContent, FileFault, FileId, FileServer, Fill};
pub use host::{DifyHost, DifyHostBuilder};
pub use observers::Observer;
pub use process::{Heartbeats, PluginProcess};
pub use received_file::{Carrier, ReceivedFile};
pub use request::{CallRequest, IncomingFile};
pub use serverless::{
    RawConnection, ServerlessFailure, ServerlessPlugin, ServerlessProcess, TransactionFault, Transactions,
};
pub use signed_url::SIGNED_URL_MARK;
pub use upload_endpoint::{ToolFile, UploadEndpoint, UploadEndpointBuilder, UploadFault};
pub use violation::Violation;
