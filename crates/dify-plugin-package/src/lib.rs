#![doc = include_str!("../README.md")]

mod archive;
mod check;
mod executable;
mod identity;
mod package;
mod signature;
mod starter;

pub use archive::{Archive, ArchiveError, read_archive, read_package};
pub use check::Fault;
pub use executable::{Glibc, Needs, OLDEST_GLIBC};
pub use identity::{checksum, unique_identifier};
pub use package::{Arch, Package};
pub use signature::{SignatureError, sign, verify};
