/// Fewest characters of a secret: a shorter one could turn up by chance.
const SHORTEST: usize = 10;

/// A value that may be seen in some places only.
#[derive(Clone, Debug)]
pub struct Secret {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) places: &'static [&'static str],
}

impl Secret {
    /// A secret that may be seen nowhere.
    ///
    /// # Panics
    /// When the value is so short that it could turn up by chance.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        assert!(value.len() >= SHORTEST, "{name} has less than {SHORTEST} characters");
        Self { name, value, places: &[] }
    }

    /// May be seen in these places.
    #[must_use]
    pub const fn only_to(mut self, places: &'static [&'static str]) -> Self {
        self.places = places;
        self
    }
}
