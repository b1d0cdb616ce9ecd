use crate::State;

pub(super) fn forbid_new_ones() -> State {
    match rustix::thread::set_no_new_privs(true) {
        Ok(()) => State::InForce("set".to_owned()),
        Err(error) => State::Missing(error.to_string()),
    }
}
