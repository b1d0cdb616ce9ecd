//! What a workflow takes, makes and needs. Pure.

mod description;
mod input;
mod made;
mod text;

pub use description::{Description, FileDescription, MissingClass, ModelDescription, describe};
pub use input::InputDescription;
pub use made::OutputDescription;
