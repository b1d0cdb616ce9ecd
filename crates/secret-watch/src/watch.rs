use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::forms::forms;
use crate::{Secret, Tap};

/// A secret that was seen, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Its name.
    pub secret: String,
    /// The place of the tap.
    pub place: &'static str,
    /// In which form.
    pub form: &'static str,
    /// Whether it may not be seen there.
    pub is_leak: bool,
}

/// Watches over secrets. When it is dropped, it panics if one was seen where it may not be.
#[derive(Debug)]
pub struct SecretWatch(Arc<Search>);

#[derive(Debug)]
pub(crate) struct Search {
    any_case: Needles,
    exact_case: Needles,
    longest: usize,
    sightings: Mutex<BTreeSet<Sighting>>,
}

/// Texts to be found, and what each stands for.
#[derive(Debug)]
struct Needles {
    finder: AhoCorasick,
    meanings: Vec<(Secret, &'static str)>,
}

impl SecretWatch {
    /// A watch over these.
    ///
    /// # Panics
    /// When there are too many of them to be searched for.
    #[must_use]
    pub fn over(secrets: Vec<Secret>) -> Self {
        let mut any_case = Vec::new();
        let mut exact_case = Vec::new();
        let mut longest = 0;
        for secret in secrets {
            for form in forms(&secret.value) {
                longest = longest.max(form.text.len());
                let needles = if form.exact_case { &mut exact_case } else { &mut any_case };
                needles.push((form.text, (secret.clone(), form.name)));
            }
        }
        let (any_case, exact_case) = (Needles::new(any_case, true), Needles::new(exact_case, false));
        Self(Arc::new(Search { any_case, exact_case, longest, sightings: Mutex::default() }))
    }

    /// For one stream of bytes that goes to `place`.
    #[must_use]
    pub fn tap(&self, place: &'static str) -> Tap {
        Tap::new(Arc::clone(&self.0), place)
    }

    /// The same where streams begin later: makes a tap for each of them.
    pub fn taps(&self, place: &'static str) -> impl Fn() -> Tap + Send + Sync + 'static {
        let search = Arc::clone(&self.0);
        move || Tap::new(Arc::clone(&search), place)
    }

    /// Whether a secret was seen in a place.
    #[must_use]
    pub fn has_seen(&self, secret: &str, place: &str) -> bool {
        self.sightings().iter().any(|sighting| sighting.secret == secret && sighting.place == place)
    }

    /// What was seen until now, each once.
    #[must_use]
    pub fn sightings(&self) -> Vec<Sighting> {
        self.0.sightings.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// # Panics
    /// When a secret was seen where it may not be.
    pub fn assert_no_leak(&self) {
        let leaks: Vec<_> = self.sightings().into_iter().filter(|sighting| sighting.is_leak).collect();
        assert!(leaks.is_empty(), "secrets where they may not be: {leaks:#?}");
    }
}

impl Drop for SecretWatch {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.assert_no_leak();
        }
    }
}

impl Search {
    pub(crate) const fn longest(&self) -> usize {
        self.longest
    }

    pub(crate) fn look(&self, place: &'static str, bytes: &[u8]) {
        self.any_case.look(self, place, bytes);
        self.exact_case.look(self, place, bytes);
    }

    fn saw(&self, secret: &Secret, form: &'static str, place: &'static str) {
        let is_leak = !secret.places.contains(&place);
        let sighting = Sighting { secret: secret.name.clone(), place, form, is_leak };
        self.sightings.lock().unwrap_or_else(PoisonError::into_inner).insert(sighting);
    }
}

impl Needles {
    fn new(needles: Vec<(String, (Secret, &'static str))>, any_case: bool) -> Self {
        let (texts, meanings): (Vec<_>, Vec<_>) = needles.into_iter().unzip();
        // Among so many texts nearly every byte is the beginning of one, which a prefilter would stop at.
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(any_case)
            .kind(Some(AhoCorasickKind::DFA))
            .prefilter(false)
            .build(texts);
        Self { finder: finder.unwrap_or_else(|error| panic!("too much to search for: {error}")), meanings }
    }

    fn look(&self, search: &Search, place: &'static str, bytes: &[u8]) {
        // One secret may be a part of another one's form.
        for found in self.finder.find_overlapping_iter(bytes) {
            if let Some((secret, form)) = self.meanings.get(found.pattern().as_usize()) {
                search.saw(secret, form, place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> SecretWatch {
        SecretWatch::over(vec![
            Secret::new("key", "open-sesame").only_to(&["server"]),
            Secret::new("other", "close-sesame-again"),
        ])
    }

    fn leaks(place: &'static str, pieces: &[&[u8]]) -> Vec<String> {
        let watch = watch();
        let mut tap = watch.tap(place);
        for piece in pieces {
            tap.write(piece);
        }
        let leaks = watch.sightings().into_iter().filter(|sighting| sighting.is_leak).map(|s| s.secret).collect();
        // Dropped, it would panic, as it should.
        std::mem::forget(watch);
        leaks
    }

    #[test]
    fn a_secret_is_a_leak_where_it_may_not_be() {
        assert_eq!(leaks("server", &[b"x open-sesame x"]), [""; 0]);
        assert_eq!(leaks("log", &[b"x OPEN-Sesame x"]), ["key"]);
        assert_eq!(leaks("server", &[b"close-sesame-again"]), ["other"]);
    }

    #[test]
    fn the_pieces_of_a_stream_do_not_matter() {
        let text = b"some text before open-sesame and after";
        for size in 1..text.len() {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(leaks("log", &pieces), ["key"], "{size}");
        }
        let long = [&[b'.'; 1000][..], b"open-ses"].concat();
        assert_eq!(leaks("log", &[&long, b"ame", &[b'.'; 1000]]), ["key"]);
    }

    #[test]
    fn streams_are_not_mixed_up() {
        let watch = watch();
        watch.tap("log").write(b"open-");
        watch.tap("log").write(b"sesame");
        watch.assert_no_leak();
    }

    #[test]
    #[should_panic(expected = "secrets where they may not be")]
    fn a_leak_fails_the_test_at_the_end() {
        watch().tap("log").write(b"b3Blbi1zZXNhbWU=");
    }
}
