use landlock::{
    ABI, AccessFs, AccessNet, LandlockStatus, RestrictionStatus, Ruleset, RulesetAttr, RulesetError, RulesetStatus,
    Scope,
};

use crate::State;

/// Rights are handled and granted nowhere, which takes them away everywhere. Reading is not handled: certificates, the
/// configuration of the resolver and its modules stand in other places on every system. Neither is the way to a socket
/// of the file system, by which some systems resolve names. Files that are open, such as standard error, stay as they are.
pub(super) fn enforce() -> State {
    match restrict() {
        Ok(RestrictionStatus { ruleset: RulesetStatus::NotEnforced, landlock, .. }) => State::Missing(match landlock {
            LandlockStatus::NotEnabled => "switched off in this kernel".to_owned(),
            _ => "not in this kernel, or not let through to it".to_owned(),
        }),
        Ok(RestrictionStatus { landlock: LandlockStatus::Available { effective_abi, .. }, .. }) => {
            State::InForce(describe(effective_abi))
        }
        Ok(_) => State::Missing("not in this kernel".to_owned()),
        Err(error) => State::Missing(error.to_string()),
    }
}

fn restrict() -> Result<RestrictionStatus, RulesetError> {
    Ruleset::default()
        .handle_access(AccessFs::from_write(ABI::V8) | AccessFs::Execute)?
        .handle_access(AccessNet::BindTcp)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .restrict_self()
}

/// What each version of the interface added (Linux, `Documentation/userspace-api/landlock.rst`).
fn describe(abi: ABI) -> String {
    let mut taken = format!("version {}: writing and executing files", abi as i32);
    for (since, what) in [
        (ABI::V3, "truncating them"),
        (ABI::V4, "TCP ports"),
        (ABI::V5, "device commands"),
        (ABI::V6, "abstract sockets and signals"),
    ] {
        if abi >= since {
            taken.push_str(", ");
            taken.push_str(what);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_says_what_it_takes() {
        assert_eq!(describe(ABI::V1), "version 1: writing and executing files");
        assert_eq!(describe(ABI::V4), "version 4: writing and executing files, truncating them, TCP ports");
        assert!(describe(ABI::V9).ends_with("device commands, abstract sockets and signals"));
    }
}
