#![doc = include_str!("../README.md")]

mod carried_workflow;
mod client;
mod credentials;
mod describe;
mod error;
mod events;
mod execute;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod near;
mod node_class;
mod node_label;
mod outputs;
mod preflight;
mod python_json;
mod record;
mod run;
mod server_address;
mod workflow;

pub use carried_workflow::{CarriedWorkflow, CarriedWorkflowError, CarriedWorkflowReader, Carrier};
pub use client::{
    CancelOutcome, ComfyUi, Device, EventStream, JobLookup, JobStatus, NodeDefinitionCache, OutputStream, Queue,
    QueueItem, SavedWorkflow, SavedWorkflows, SubmitOptions, Submitted, SystemStats, Template, Templates, UploadInput,
    UploadedFile, User, UserData, Users,
};
pub use credentials::Credentials;
pub use describe::{
    Description, FileDescription, InputDescription, MissingClass, ModelDescription, OutputDescription, describe,
};
pub use error::{ClientError, ExecutionFailure, InputError, LibraryError, NodeError, Rejection, RunError};
pub use events::{Event, FrameError, NodeProgress, NodeState};
pub use execute::{Enqueued, ExecuteOptions, Finished, SocketImage, Warning};
pub use node_class::{
    Autogrow, Control, DynamicOption, FileKind, InputDeclaration, InputDefinition, InputOptions, InputType, NodeClass,
    NodeClasses, NodeDefinition, NodeDefinitionReader, NodeDefinitions, NumberOptions, UploadButton, ValueError,
};
pub use node_label::NodeLabel;
/// What [`ComfyUi::new`] opens its connections with, to be shared between calls; and how they fail.
pub use origin_client::{Connections, TlsOptions, TransportFailure};
pub use outputs::{Folder, OutputFile, OutputText, Outputs, compare_node_ids};
pub use preflight::{
    Certainty, Finding, MissingModel, ModelOrigin, PackOrigin, Preflight, Problem, Provenance, preflight,
};
pub use record::{Record, Verdict};
pub use run::{Ending, Hint, Preview, Run, Sighting, Update};
pub use server_address::{AddressError, ServerAddress};
pub use workflow::{
    Conversion, ConvertError, ConvertOptions, DropReason, FileInput, FileInputsError, ImageNodesError, InputPlace,
    LocalTime, Node, Notice, PlaceError, SeedError, SeedSet, UiWorkflow, UiWorkflowError, Workflow, WorkflowError,
    WorkflowFile, convert,
};
