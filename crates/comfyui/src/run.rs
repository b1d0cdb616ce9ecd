mod ending;
mod machine;
mod update;

pub use ending::{Ending, Sighting};
pub use machine::{Hint, Run};
pub use update::{Preview, Update};

#[cfg(test)]
mod mutations;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod sequences;
