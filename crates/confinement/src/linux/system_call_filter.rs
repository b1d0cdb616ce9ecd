use std::collections::BTreeMap;

use seccompiler::{
    BackendError, BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::system_calls::{FORBIDDEN, FORBIDDEN_HERE, OPENING};
use crate::State;

/// A list of what is forbidden, and not of what is allowed: a new version of the C library may use a call that is on no
/// list of today. What is forbidden fails as it does for one who lacks the right, and does not end the process.
pub(super) fn install() -> State {
    let filter = match program() {
        Ok(filter) => filter,
        Err(error) => return State::Missing(error.to_string()),
    };
    match apply_filter_all_threads(&filter) {
        Ok(()) => State::InForce("writing, programs, listening, other processes".to_owned()),
        Err(Error::Seccomp(error) | Error::Prctl(error)) => State::Missing(error.to_string()),
        Err(error) => State::Missing(error.to_string()),
    }
}

fn program() -> Result<BpfProgram, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    // Without a condition.
    rules.extend(FORBIDDEN.iter().chain(FORBIDDEN_HERE).map(|call| (*call, Vec::new())));
    for (call, flags) in OPENING {
        rules.insert(*call, opening_to_write(*flags)?);
    }
    rules.insert(libc::SYS_socket, vec![unusual_family()?]);
    rules.insert(libc::SYS_clone, vec![new_process()?]);
    #[cfg(target_arch = "x86_64")]
    let architecture = TargetArch::x86_64;
    #[cfg(target_arch = "aarch64")]
    let architecture = TargetArch::aarch64;
    let forbidden = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, forbidden, architecture)?.try_into()
}

/// Any of the flags by which a file comes to be changed.
fn opening_to_write(argument: u8) -> Result<Vec<SeccompRule>, BackendError> {
    let access = bits(libc::O_ACCMODE);
    [
        (access, bits(libc::O_WRONLY)),
        (access, bits(libc::O_RDWR)),
        // Neither of both: for device commands alone.
        (access, access),
        (bits(libc::O_CREAT), bits(libc::O_CREAT)),
        (bits(libc::O_TRUNC), bits(libc::O_TRUNC)),
    ]
    .into_iter()
    .map(|(mask, value)| rule(&[(argument, SeccompCmpOp::MaskedEq(mask), value)]))
    .collect()
}

/// A socket of another family than the internet's, the local one and the one by which the C library asks for this
/// machine's addresses.
fn unusual_family() -> Result<SeccompRule, BackendError> {
    let usual = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    rule(&usual.map(|family| (0, SeccompCmpOp::Ne, bits(family))))
}

/// A copy of the process, and not a thread. `clone3` keeps its flags where no filter sees them; a copy made by it can do
/// no more than the process itself.
fn new_process() -> Result<SeccompRule, BackendError> {
    rule(&[(0, SeccompCmpOp::MaskedEq(bits(libc::CLONE_THREAD)), 0)])
}

/// All of the conditions on 32-bit arguments together.
fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, BackendError> {
    let conditions: Result<Vec<_>, _> = conditions
        .iter()
        .map(|(argument, operator, value)| {
            SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, operator.clone(), *value)
        })
        .collect();
    SeccompRule::new(conditions?)
}

fn bits(flag: libc::c_int) -> u64 {
    u64::from(flag.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_one_that_a_kernel_takes() {
        // BPF_MAXINSNS.
        let length = program().unwrap().len();
        assert!((100..4096).contains(&length), "{length}");
    }
}
