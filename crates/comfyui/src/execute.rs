mod cancel_on_drop;
mod follow;
mod later;
mod look;
mod options;
mod pace;
mod socket;
mod socket_images;
mod submission;

pub use later::Enqueued;
pub use options::{ExecuteOptions, Finished, Warning};
pub use socket_images::SocketImage;
