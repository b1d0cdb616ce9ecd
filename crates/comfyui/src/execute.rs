mod cancel_on_drop;
mod follow;
mod look;
mod options;
mod pace;
mod socket;
mod submission;

pub use options::{ExecuteOptions, Finished, Warning};
