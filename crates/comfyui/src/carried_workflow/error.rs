use super::Carrier;
use super::found::MAX_TEXT_BYTES;

/// Why a file gave no workflow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CarriedWorkflowError {
    /// A file of no kind that can carry one.
    #[error(
        "the file is of no kind that carries a workflow: those are PNG, WebP, JPEG, OpenEXR and SVG pictures, FLAC, \
         Ogg and MP3 sounds, MP4 and WebM videos, GLB models, latents, and the workflow itself as JSON"
    )]
    Unrecognised,
    /// Nothing came at all.
    #[error("the file is empty")]
    Empty,
    /// A file of a known kind without one.
    #[error(
        "the {carrier} carries no workflow: it was not made by ComfyUI, was saved without metadata \
         (--disable-metadata), or another program that changed it left them out"
    )]
    Nothing {
        /// What the file is.
        carrier: Carrier,
    },
    /// JSON, but neither the editor's format nor the API's.
    #[error("the JSON file is no ComfyUI workflow{}", if *.is_json { "" } else { ", nor JSON at all" })]
    NoWorkflow {
        /// Whether it is JSON at all.
        is_json: bool,
    },
    /// Metadata longer than is read.
    #[error("the metadata of the {carrier} are longer than {} MiB and were not read", MAX_TEXT_BYTES >> 20)]
    TooLong {
        /// What the file is.
        carrier: Carrier,
    },
    /// The metadata stand too far behind the beginning.
    #[error("the first {} MiB of the {carrier} hold no workflow, and the rest was not looked at", .looked_at >> 20)]
    TooFar {
        /// What the file is.
        carrier: Carrier,
        /// How many bytes were looked at.
        looked_at: u64,
    },
    /// It breaks the rules of its format.
    #[error("the {carrier} is damaged: {reason}")]
    Damaged {
        /// What the file is.
        carrier: Carrier,
        /// Which rule.
        reason: &'static str,
    },
    /// It ends in the middle.
    #[error("the {carrier} is cut off before its workflow was found")]
    CutOff {
        /// What the file is.
        carrier: Carrier,
    },
}
