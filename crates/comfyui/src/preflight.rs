//! What is wrong with a prompt, and what it needs that a server lacks, before it is sent. Pure.

mod check;
mod finding;
mod model;
mod provenance;
mod reach;
mod value;

pub use check::{Preflight, preflight};
pub use finding::{Certainty, Finding, Problem};
pub use model::MissingModel;
pub(crate) use model::{folder_of, is_model_name};
pub use provenance::{ModelOrigin, PackOrigin, Provenance};
