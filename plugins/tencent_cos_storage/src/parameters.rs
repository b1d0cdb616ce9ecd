//! The type that credentials are read into, for those who check the YAML file against it.

/// What `provider/tencent_cos_storage.yaml` declares.
pub use crate::credentials::Credentials;
