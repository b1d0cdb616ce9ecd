//! The workflow that a file made by ComfyUI carries in its metadata.
//!
//! Pure parsing of bytes as they come: nothing but metadata is kept, and of that only what is asked for.

mod carrier;
mod ebml;
mod error;
mod exif;
mod exr;
mod flac;
mod found;
mod glb;
mod id3;
mod iso_media;
mod jpeg;
mod json;
mod matroska;
mod ogg;
mod png;
mod reader;
mod riff;
mod safetensors;
mod svg;
mod vorbis_comment;
mod walk;

pub use carrier::Carrier;
pub use error::CarriedWorkflowError;
pub use found::CarriedWorkflow;
pub use reader::CarriedWorkflowReader;
