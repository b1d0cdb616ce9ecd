//! The node classes that a server knows.

use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::definition::NodeDefinition;
use crate::node::{Files, Node};
use crate::nodes;

/// Node classes by name.
#[derive(Clone)]
pub(crate) struct Registry {
    nodes: IndexMap<&'static str, Arc<dyn Node>>,
}

impl Registry {
    /// The emulator's own nodes and, over them, a test's.
    pub(crate) fn new(custom: Vec<Arc<dyn Node>>, files: &Files<'_>) -> Self {
        let mut nodes = IndexMap::new();
        for node in nodes::all().into_iter().chain(custom) {
            nodes.insert(node.definition(files).class_type, node);
        }
        Self { nodes }
    }

    pub(crate) fn get(&self, class_type: &str) -> Option<&Arc<dyn Node>> {
        self.nodes.get(class_type)
    }

    pub(crate) fn definition(&self, class_type: &str, files: &Files<'_>) -> Option<NodeDefinition> {
        self.get(class_type).map(|node| node.definition(files))
    }

    /// The body of `GET /object_info`.
    pub(crate) fn object_info(&self, files: &Files<'_>) -> Map<String, Value> {
        self.nodes.iter().map(|(name, node)| ((*name).to_owned(), node.definition(files).object_info())).collect()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.nodes.keys()).finish()
    }
}
