#![doc = include_str!("../README.md")]

mod answering;
mod backwards;
mod call;
mod datasource;
mod declaration;
mod error;
mod file;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod given_up;
mod media_type;
mod outbox;
mod outgoing_file;
mod parameters;
mod plugin;
mod reply;
mod runtime;
mod session;
mod settings;
mod stderr_log;
mod tool;
mod transport;
mod way;

pub use backwards::Storage;
pub use call::{Call, Dify};
pub use datasource::{OnlineDrive, OnlineDriveProvider};
pub use declaration::Declaration;
pub use dify_plugin_protocol::{
    BrowseFilesRequest, BrowseFilesResponse, Bucket, DownloadFileRequest, DriveFile, DriveFileType, FileType, I18nText,
    ParameterOption, UploadedFile,
};
pub use error::Error;
pub use file::{File, FileBody};
pub use outgoing_file::OutgoingFile;
pub use plugin::Plugin;
pub use reply::{LogStep, Reply};
pub use session::CallContext;
pub use tool::{Tool, ToolCall, ToolProvider, ValidateCredentials};
