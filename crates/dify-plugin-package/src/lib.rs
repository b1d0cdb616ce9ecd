#![doc = include_str!("../README.md")]

mod archive;
mod check;
mod identity;
mod package;
mod signature;
mod starter;

pub use archive::{Archive, ArchiveError, read_archive};
pub use check::Fault;
pub use identity::{checksum, unique_identifier};
pub use package::{Arch, Package};
pub use signature::{SignatureError, sign, verify};
