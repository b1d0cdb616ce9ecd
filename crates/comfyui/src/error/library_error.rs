use super::{ClientError, one_line};

/// Why a workflow that the server keeps, saved or as a template, was not had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LibraryError {
    /// The server could not be asked.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The server keeps several users apart, and none was named.
    #[error("the server keeps its users apart (--multi-user): name one of {}", listed(.users, *.more))]
    UserNeeded {
        /// The first of them by name.
        users: Vec<String>,
        /// How many more there are.
        more: usize,
    },
    /// The server keeps several users apart, and has nobody yet.
    #[error("the server keeps its users apart (--multi-user) and has none yet")]
    NoUsers,
    /// Nobody of this name or id.
    #[error("the server has no user {:?}{}", shown(.user), did_you_mean(.near))]
    NoSuchUser {
        /// What was asked for.
        user: String,
        /// Names that are like it.
        near: Vec<String>,
    },
    /// Several users have this name.
    #[error("the server has several users {:?}: give the id instead of the name", shown(.user))]
    SeveralUsers {
        /// What was asked for.
        user: String,
    },
    /// No saved workflow of this name.
    #[error("the server has no saved workflow {:?}{}", shown(.name), did_you_mean(.near))]
    NoSuchWorkflow {
        /// What was asked for.
        name: String,
        /// Paths that are like it.
        near: Vec<String>,
    },
    /// A name without its folder, which stands in several.
    #[error("there are several saved workflows {:?}: {}", shown(.name), .paths.join(", "))]
    SeveralWorkflows {
        /// What was asked for.
        name: String,
        /// The first of their paths.
        paths: Vec<String>,
    },
    /// No template of this name.
    #[error("the server has no template {:?}{}", shown(.name), did_you_mean(.near))]
    NoSuchTemplate {
        /// What was asked for.
        name: String,
        /// Names that are like it.
        near: Vec<String>,
    },
    /// Several packs of custom nodes have a template of this name.
    #[error("there are several templates {:?}: {}", shown(.name), .names.join(", "))]
    SeveralTemplates {
        /// What was asked for.
        name: String,
        /// The first of them, with their packs.
        names: Vec<String>,
    },
    /// The file is not text.
    #[error("{:?} on the server is not text", shown(.name))]
    NotText {
        /// The file.
        name: String,
    },
}

impl LibraryError {
    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Client(error) => error.is_temporary(),
            _ => false,
        }
    }
}

fn shown(name: &str) -> String {
    one_line(name, 120)
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(", ")) }
}

fn listed(names: &[String], more: usize) -> String {
    let names = names.join(", ");
    if more == 0 { names } else { format!("{names} and {more} more") }
}
