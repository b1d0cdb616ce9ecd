use std::hash::{DefaultHasher, Hash, Hasher};

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::filename_template::LocalTime;

/// What a conversion depends on besides the file and the classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConvertOptions {
    /// What `%date:…%` in file names is filled with.
    pub now: LocalTime,
    /// What the choices of dynamic prompts (`{a|b}`) are drawn from: the same seed makes the same choices.
    pub seed: u64,
}

impl ConvertOptions {
    /// The draws for one text. They do not depend on what was drawn for others.
    pub(super) fn picker(self, node: &str, input: &str) -> impl FnMut(usize) -> usize + use<> {
        // This hasher's keys are fixed, unlike those of maps.
        let mut hasher = DefaultHasher::new();
        (self.seed, node, input).hash(&mut hasher);
        let mut rng = SmallRng::seed_from_u64(hasher.finish());
        move |count| if count == 0 { 0 } else { rng.random_range(0..count) }
    }
}
