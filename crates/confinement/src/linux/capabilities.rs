use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

use crate::State;

/// Dify's plugin daemon, and so every plugin, is often the superuser of its container.
pub(super) fn drop_all() -> State {
    let none = CapabilitySet::empty();
    match set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none }) {
        Ok(()) => State::InForce("none left".to_owned()),
        Err(error) => State::Missing(error.to_string()),
    }
}
