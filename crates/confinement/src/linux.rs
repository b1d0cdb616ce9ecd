mod capabilities;
mod landlock_rules;
mod memory;
mod privileges;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod system_call_filter;
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
mod system_calls;

use crate::{Layer, State};

/// Each layer may use what the ones after it forbid; the filter of system calls is the last.
pub(crate) fn give_up_rights() -> Vec<(Layer, State)> {
    vec![
        // Landlock and the filter ask for it where the process is not the superuser's.
        (Layer::NoNewPrivileges, privileges::forbid_new_ones()),
        (Layer::MemoryKept, memory::keep()),
        (Layer::Landlock, landlock_rules::enforce()),
        (Layer::Capabilities, capabilities::drop_all()),
        (Layer::SystemCalls, forbid_system_calls()),
    ]
}

#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
fn forbid_system_calls() -> State {
    system_call_filter::install()
}

#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
fn forbid_system_calls() -> State {
    State::Missing("their numbers on this architecture are not known here".to_owned())
}
