#![doc = include_str!("../README.md")]

mod backwards;
mod daemon_line;
mod file_parameter;
pub mod limits;
mod message;
mod online_drive;
mod parameter_options;
mod plugin_line;
mod registration;
mod request;

pub use backwards::{
    BackwardsEvent, BackwardsInvocation, BackwardsResponse, StorageRequest, StorageResponse, UploadFileRequest,
    UploadFileResponse, UploadedFile,
};
pub use daemon_line::{DaemonEvent, DaemonLine};
pub use file_parameter::{FileParameter, FileType};
pub use message::{BlobChunk, JsonObject, LogMessage, LogStatus, Message, MessageBody, Text, Variable};
pub use online_drive::{
    BrowseFilesRequest, BrowseFilesResponse, Bucket, DownloadFileRequest, DriveFile, DriveFileType,
};
pub use parameter_options::{I18nText, ParameterOption, ParameterOptions};
pub use plugin_line::{CallError, EmptyObject, LogEvent, PluginLine, SessionMessage};
pub use registration::{AssetChunk, Handshake, RegistrationLine};
pub use request::{
    BrowseFiles, CredentialType, DownloadFile, FetchParameterOptions, InvokeTool, Request, RequestError,
    ValidateCredentials, Validation,
};
