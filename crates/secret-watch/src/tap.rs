use std::sync::Arc;

use crate::watch::Search;

/// Where the bytes of one stream are shown to the watch, in the pieces in which they come.
#[derive(Debug)]
pub struct Tap {
    search: Arc<Search>,
    place: &'static str,
    /// The end of what came, in which a secret may have begun.
    tail: Vec<u8>,
}

impl Tap {
    pub(crate) const fn new(search: Arc<Search>, place: &'static str) -> Self {
        Self { search, place, tail: Vec::new() }
    }

    /// More bytes of the stream.
    pub fn write(&mut self, bytes: &[u8]) {
        let overlap = self.search.longest().saturating_sub(1);
        // What lies across the border, and then the piece alone: it is not copied.
        let border = self.tail.len();
        self.tail.extend(bytes.iter().take(overlap));
        if border > 0 {
            self.search.look(self.place, &self.tail);
        }
        self.search.look(self.place, bytes);
        if bytes.len() >= overlap {
            self.tail.clear();
            self.tail.extend(&bytes[bytes.len() - overlap..]);
        } else {
            let excess = self.tail.len().saturating_sub(overlap);
            self.tail.drain(..excess);
        }
    }
}
