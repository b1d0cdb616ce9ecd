mod binary_frame;
mod event;
mod text_frame;

pub use event::{Event, FrameError, NodeProgress, NodeState};
