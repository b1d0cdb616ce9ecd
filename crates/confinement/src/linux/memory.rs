use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::State;

/// The limit alone is not enough: a system that hands core dumps to a program (`core_pattern` with `|`) does so whatever
/// the limit.
pub(super) fn keep() -> State {
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    let kept = set_dumpable_behavior(DumpableBehavior::NotDumpable).and_then(|()| setrlimit(Resource::Core, no_core));
    match kept {
        Ok(()) => State::InForce("no core dumps, no tracing by others".to_owned()),
        Err(error) => State::Missing(error.to_string()),
    }
}
