use serde::{Deserialize, Serialize};

/// A subject under which Dify's marketplace lists a plugin (daemon, `manifest_entities/tags.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say all there is")]
pub enum Tag {
    Search,
    Image,
    Videos,
    Weather,
    Finance,
    Design,
    Travel,
    Social,
    News,
    Medical,
    Productivity,
    Education,
    Business,
    Entertainment,
    Utilities,
    Agent,
    Rag,
    Other,
    Trigger,
}
