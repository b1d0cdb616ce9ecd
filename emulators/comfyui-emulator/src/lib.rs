#![doc = include_str!("../README.md")]

mod access;
mod answer;
mod application;
mod body;
mod cache;
mod clock;
mod definition;
mod events;
mod execution;
mod execution_order;
mod faults;
mod frames;
mod history;
mod image_batch;
mod job;
mod json_text;
mod lock;
mod loopback_http;
mod models;
mod node;
mod nodes;
mod png_metadata;
mod progress;
mod python;
mod query;
mod queue;
mod registry;
mod resampling;
mod routes;
mod server;
mod storage;
mod templates;
mod transport;
mod user_data;
mod validation;
mod worker;

pub use axum::http::{Method, StatusCode};

pub use definition::{InputDefinition, InputKind, NodeDefinition, OutputDefinition, Schema};
pub use execution::Execution;
pub use faults::{Fault, Faults};
pub use frames::{Preview, PreviewFormat};
pub use image_batch::{ImageBatch, ImageBatchError, MAX_PIXELS, MAX_SIDE};
pub use node::{Files, Fingerprint, Inputs, Node, NodeError, NodeOutput, NodeValue};
pub use server::{ComfyUiEmulator, ComfyUiEmulatorBuilder, StartError};
pub use storage::{Folder, StorageError};
