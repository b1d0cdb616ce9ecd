use std::fmt;
use std::time::Duration;

/// What [`confine`](crate::confine) brought about.
#[derive(Clone, Debug)]
pub struct Confinement {
    layers: Vec<(Layer, State)>,
    took: Duration,
}

/// One way in which the system takes a right away. They overlap, so that one that is missing leaves no hole in what
/// matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// No program that is started can have more rights than this process.
    NoNewPrivileges,
    /// No picture of the memory is written, and no other process of the user reads the memory or the environment.
    MemoryKept,
    /// Landlock: files, devices, ports, and signals to others.
    Landlock,
    /// The rights of the superuser.
    Capabilities,
    /// System calls that write, start programs, listen or look into other processes.
    SystemCalls,
}

/// Whether a [`Layer`] holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It does; in words what that includes.
    InForce(String),
    /// It does not, and why.
    Missing(String),
}

impl Confinement {
    pub(crate) const fn new(layers: Vec<(Layer, State)>, took: Duration) -> Self {
        Self { layers, took }
    }

    /// Each way that there is on this system, in the order in which it was gone.
    #[must_use]
    pub fn layers(&self) -> &[(Layer, State)] {
        &self.layers
    }

    /// Whether `layer` holds.
    #[must_use]
    pub fn has(&self, layer: Layer) -> bool {
        self.layers.iter().any(|(other, state)| *other == layer && matches!(state, State::InForce(_)))
    }

    /// What is not offered here, and why, each in one line.
    pub fn missing(&self) -> impl Iterator<Item = String> {
        self.layers.iter().filter_map(|(layer, state)| match state {
            State::InForce(_) => None,
            State::Missing(why) => Some(format!("{layer}: {why}")),
        })
    }

    /// How long it took.
    #[must_use]
    pub const fn took(&self) -> Duration {
        self.took
    }
}

/// What holds, in one line.
impl fmt::Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (layer, state) in &self.layers {
            if let State::InForce(detail) = state {
                write!(f, "{separator}{layer} ({detail})")?;
                separator = ", ";
            }
        }
        if separator.is_empty() { f.write_str("nothing") } else { Ok(()) }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNewPrivileges => "no new privileges",
            Self::MemoryKept => "memory kept",
            Self::Landlock => "Landlock",
            Self::Capabilities => "capabilities",
            Self::SystemCalls => "system calls",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_and_what_is_missing_are_told_apart() {
        let layers = vec![
            (Layer::NoNewPrivileges, State::InForce("set".to_owned())),
            (Layer::Landlock, State::Missing("not in this kernel".to_owned())),
            (Layer::Capabilities, State::InForce("none left".to_owned())),
        ];
        let confinement = Confinement::new(layers, Duration::ZERO);
        assert_eq!(confinement.to_string(), "no new privileges (set), capabilities (none left)");
        assert_eq!(confinement.missing().collect::<Vec<_>>(), ["Landlock: not in this kernel"]);
        assert!(confinement.has(Layer::Capabilities) && !confinement.has(Layer::Landlock));
        assert!(!confinement.has(Layer::SystemCalls));
        assert_eq!(Confinement::new(Vec::new(), Duration::ZERO).to_string(), "nothing");
    }
}
