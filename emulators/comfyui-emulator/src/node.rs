//! What a node is: a definition that clients see, and something that runs.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::definition::NodeDefinition;
use crate::execution::Execution;
use crate::image_batch::{ImageBatch, ImageBatchError};
use crate::storage::{Storage, StorageError};

/// A value that goes from node to node.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum NodeValue {
    /// INT. Wide enough for ComfyUI's seeds, which go to 2^64 - 1.
    Int(i128),
    /// FLOAT.
    Float(f64),
    /// STRING, and the choice of a COMBO.
    Text(String),
    /// BOOLEAN.
    Boolean(bool),
    /// IMAGE.
    Image(ImageBatch),
    /// MASK, a batch of one channel.
    Mask(ImageBatch),
    /// LATENT. The emulator has no latent space: this is the picture itself.
    Latent(ImageBatch),
    /// MODEL, CLIP, VAE or CONDITIONING. The emulator has none: this is the name or text that
    /// stands for it.
    Handle(Arc<str>),
    /// Anything else that a literal input can be.
    Json(Value),
}

impl NodeValue {
    /// As `execution_error` shows an input in `current_inputs`: plain values as they are, others
    /// as Python's `str` would.
    pub(crate) fn to_error_value(&self) -> Value {
        match self {
            Self::Int(value) => int_to_json(*value),
            Self::Float(value) => Value::from(*value),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Boolean(value) => Value::from(*value),
            Self::Image(batch) | Self::Mask(batch) | Self::Latent(batch) => Value::from(batch.to_tensor_text(3)),
            Self::Handle(text) => Value::from(&**text),
            Self::Json(value) => value.clone(),
        }
    }
}

/// An INT as JSON; beyond 64 bits the nearest float.
pub(crate) fn int_to_json(value: i128) -> Value {
    if let Ok(value) = i64::try_from(value) {
        Value::from(value)
    } else if let Ok(value) = u64::try_from(value) {
        Value::from(value)
    } else {
        Value::from(value as f64)
    }
}

/// Why a node stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The prompt was interrupted; the node noticed at a progress tick.
    #[error("the prompt was interrupted")]
    Interrupted,
    /// The node failed; the prompt ends in `execution_error`.
    #[error("{exception_type}: {message}")]
    Failed {
        /// The Python exception that ComfyUI would name.
        exception_type: String,
        /// Its message, without the final line feed that ComfyUI adds.
        message: String,
    },
}

impl NodeError {
    /// A failure that reads like the Python exception of this type.
    #[must_use]
    pub fn failed(exception_type: &str, message: impl Into<String>) -> Self {
        Self::Failed { exception_type: exception_type.to_owned(), message: message.into() }
    }
}

impl From<ImageBatchError> for NodeError {
    fn from(error: ImageBatchError) -> Self {
        Self::failed("RuntimeError", error.to_string())
    }
}

impl From<StorageError> for NodeError {
    fn from(error: StorageError) -> Self {
        Self::failed("OSError", error.to_string())
    }
}

impl From<png::EncodingError> for NodeError {
    fn from(error: png::EncodingError) -> Self {
        Self::failed("OSError", error.to_string())
    }
}

/// The inputs of one run of a node, by name. They are valid: of the declared type and in range.
#[derive(Debug, Clone, Default)]
pub struct Inputs(pub(crate) IndexMap<String, NodeValue>);

impl Inputs {
    /// The input of this name, if it was given.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&NodeValue> {
        self.0.get(name)
    }

    /// An INT.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn int(&self, name: &str) -> Result<i128, NodeError> {
        match self.get(name) {
            Some(NodeValue::Int(value)) => Ok(*value),
            _ => Err(missing(name, "an INT")),
        }
    }

    /// An INT that is a size, a position or a count.
    ///
    /// # Errors
    ///
    /// If there is none of this name or it is negative.
    pub fn size(&self, name: &str) -> Result<usize, NodeError> {
        usize::try_from(self.int(name)?).map_err(|_| missing(name, "a size"))
    }

    /// A FLOAT; an INT will do.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn float(&self, name: &str) -> Result<f64, NodeError> {
        match self.get(name) {
            Some(NodeValue::Float(value)) => Ok(*value),
            Some(NodeValue::Int(value)) => Ok(*value as f64),
            _ => Err(missing(name, "a FLOAT")),
        }
    }

    /// A STRING or the choice of a COMBO.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn text(&self, name: &str) -> Result<&str, NodeError> {
        match self.get(name) {
            Some(NodeValue::Text(text)) => Ok(text),
            _ => Err(missing(name, "a STRING")),
        }
    }

    /// A BOOLEAN.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn boolean(&self, name: &str) -> Result<bool, NodeError> {
        match self.get(name) {
            Some(NodeValue::Boolean(value)) => Ok(*value),
            _ => Err(missing(name, "a BOOLEAN")),
        }
    }

    /// An IMAGE.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn image(&self, name: &str) -> Result<&ImageBatch, NodeError> {
        match self.get(name) {
            Some(NodeValue::Image(batch)) => Ok(batch),
            _ => Err(missing(name, "an IMAGE")),
        }
    }

    /// A MASK.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn mask(&self, name: &str) -> Result<&ImageBatch, NodeError> {
        match self.get(name) {
            Some(NodeValue::Mask(batch)) => Ok(batch),
            _ => Err(missing(name, "a MASK")),
        }
    }

    /// A LATENT, which here is the picture itself.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn latent(&self, name: &str) -> Result<&ImageBatch, NodeError> {
        match self.get(name) {
            Some(NodeValue::Latent(batch)) => Ok(batch),
            _ => Err(missing(name, "a LATENT")),
        }
    }

    /// What stands for a MODEL, CLIP, VAE or CONDITIONING.
    ///
    /// # Errors
    ///
    /// If there is none of this name.
    pub fn handle(&self, name: &str) -> Result<&str, NodeError> {
        match self.get(name) {
            Some(NodeValue::Handle(text)) => Ok(text),
            _ => Err(missing(name, "a model")),
        }
    }
}

fn missing(name: &str, kind: &str) -> NodeError {
    NodeError::failed("TypeError", format!("the input {name:?} is not {kind}"))
}

/// What a node gives back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeOutput {
    /// One value per declared output.
    pub values: Vec<NodeValue>,
    /// What the `executed` frame and the history show; nothing if empty.
    pub ui: Map<String, Value>,
}

impl NodeOutput {
    /// Values and nothing to show.
    #[must_use]
    pub fn values(values: Vec<NodeValue>) -> Self {
        Self { values, ui: Map::new() }
    }
}

impl From<NodeValue> for NodeOutput {
    fn from(value: NodeValue) -> Self {
        Self::values(vec![value])
    }
}

/// Whether a node must run although its inputs are those of the last run: ComfyUI's `IS_CHANGED`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fingerprint {
    /// The inputs say everything.
    Inputs,
    /// The node depends on something else as well, such as the bytes of a file.
    Content(String),
    /// Never the same twice.
    Unique,
}

/// A node class.
///
/// The ones the emulator knows are in `nodes/`; a test can bring its own with
/// [`ComfyUiEmulatorBuilder::node`](crate::ComfyUiEmulatorBuilder::node), as custom nodes do on a
/// real server.
pub trait Node: Send + Sync + 'static {
    /// What `/object_info` says. `files` is what some lists of choices are made of.
    fn definition(&self, files: &Files<'_>) -> NodeDefinition;

    /// The inputs that [`Node::validate`] answers for; they are not checked against their ranges
    /// and lists.
    fn validates(&self) -> &'static [&'static str] {
        &[]
    }

    /// Checks the inputs named by [`Node::validates`]; ComfyUI's `VALIDATE_INPUTS`.
    ///
    /// # Errors
    ///
    /// The text that the client gets with `custom_validation_failed`.
    fn validate(&self, inputs: &Map<String, Value>, files: &Files<'_>) -> Result<(), String> {
        let _ = (inputs, files);
        Ok(())
    }

    /// Whether a cached result still holds. Links are not resolved yet: `inputs` is the prompt's.
    fn fingerprint(&self, inputs: &Map<String, Value>, files: &Files<'_>) -> Fingerprint {
        let _ = (inputs, files);
        Fingerprint::Inputs
    }

    /// Runs the node, on the worker thread.
    ///
    /// # Errors
    ///
    /// [`NodeError::Interrupted`] as [`Execution::progress`] gave it, or the node's own failure.
    fn execute(&self, inputs: &Inputs, execution: &mut Execution<'_>) -> Result<NodeOutput, NodeError>;
}

/// The files of the server, as a definition or a check may look at them.
#[derive(Clone, Copy)]
pub struct Files<'a>(pub(crate) &'a Storage);

impl Files<'_> {
    /// The names of the pictures directly in `input`, sorted.
    #[must_use]
    pub fn input_pictures(&self) -> Vec<String> {
        let mut names = self.0.names_in(crate::storage::Folder::Input, "");
        names.retain(|name| mime_guess::from_path(name).first().is_some_and(|mime| mime.type_() == "image"));
        names
    }
}

impl fmt::Debug for Files<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").finish_non_exhaustive()
    }
}
