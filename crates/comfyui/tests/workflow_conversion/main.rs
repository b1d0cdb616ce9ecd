//! Workflows of the editor become prompts: recorded ones, rule by rule, and properties of all of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod editor;
mod links;
mod other_nodes;
mod properties;
mod recorded;
mod subgraphs;
mod values;
