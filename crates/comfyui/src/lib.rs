#![doc = include_str!("../README.md")]

mod carried_workflow;
mod client;
mod credentials;
mod error;
mod events;
mod execute;
mod near;
mod node_class;
mod node_label;
mod outputs;
mod python_json;
mod record;
mod run;
mod server_address;
mod workflow;

pub use carried_workflow::{CarriedWorkflow, CarriedWorkflowError, CarriedWorkflowReader, Carrier};
pub use client::{
    CancelOutcome, ComfyUi, Device, EventStream, JobLookup, JobStatus, OutputStream, Queue, QueueItem, SubmitOptions,
    Submitted, SystemStats, UploadInput, UploadedFile,
};
pub use credentials::Credentials;
pub use error::{ClientError, ExecutionFailure, InputError, NodeError, Rejection, RunError};
pub use events::{Event, FrameError, NodeProgress, NodeState};
pub use execute::{Enqueued, ExecuteOptions, Finished, SocketImage, Warning};
pub use node_class::{
    Control, DynamicOption, FileKind, InputDeclaration, InputDefinition, InputOptions, InputType, NodeClass,
    NodeClasses, NodeDefinition, NodeDefinitions, NumberOptions, ValueError,
};
pub use node_label::NodeLabel;
/// What [`ComfyUi::new`] opens its connections with, to be shared between calls; and how they fail.
pub use origin_client::{Connections, TlsOptions, TransportFailure};
pub use outputs::{Folder, OutputFile, OutputText, Outputs, compare_node_ids};
pub use record::{Record, Verdict};
pub use run::{Ending, Hint, Preview, Run, Sighting, Update};
pub use server_address::{AddressError, ServerAddress};
pub use workflow::{
    FileInput, FileInputsError, ImageNodesError, InputPlace, Node, PlaceError, SeedError, SeedSet, Workflow,
    WorkflowError,
};
