//! A plugin's standard output, line by line, through one buffer that never grows.

use std::io::{self, Read};

use memchr::memchr;

use crate::lines::Line;

const BUFFER: usize = 1024 * 1024;

/// Of a line that is longer than the buffer, so much is kept of its beginning and of its end.
const KEPT: usize = 4096;

/// Reads lines.
#[derive(Debug)]
pub(crate) struct Output<R> {
    from: R,
    buffer: Vec<u8>,
    /// What was read and not handed over.
    start: usize,
    end: usize,
    /// The beginning of a line that is too long.
    head: Vec<u8>,
    /// Bytes of it that are gone from the buffer.
    gone: u64,
}

impl<R: Read> Output<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, buffer: vec![0; BUFFER], start: 0, end: 0, head: Vec::new(), gone: 0 }
    }

    /// Whether a whole line is there already.
    pub(crate) fn has_line(&self) -> bool {
        memchr(b'\n', self.buffer.get(self.start..self.end).unwrap_or_default()).is_some()
    }

    /// The next line; waits for it.
    pub(crate) fn line(&mut self) -> io::Result<Line<'_>> {
        self.head.clear();
        self.gone = 0;
        let mut searched = self.start;
        loop {
            let unseen = self.buffer.get(searched..self.end).unwrap_or_default();
            if let Some(at) = memchr(b'\n', unseen) {
                let (from, to) = (self.start, searched + at);
                self.start = to + 1;
                let tail = self.buffer.get(from..to).unwrap_or_default();
                let length = self.gone + tail.len() as u64;
                let head = if self.gone > 0 { self.head.as_slice() } else { tail };
                return Ok(Line { head, tail, length });
            }
            searched = self.end;
            if self.end == self.buffer.len() {
                searched -= self.make_room();
            }
            let read = self.from.read(self.buffer.get_mut(self.end..).unwrap_or_default())?;
            if read == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "its standard output ended"));
            }
            self.end += read;
        }
    }

    /// Says by how much what is in the buffer moved.
    fn make_room(&mut self) -> usize {
        if self.start == 0 {
            if self.gone == 0 {
                self.head.extend_from_slice(self.buffer.get(..KEPT).unwrap_or_default());
            }
            self.start = self.end - KEPT;
            self.gone += self.start as u64;
        }
        let moved = self.start;
        self.buffer.copy_within(moved..self.end, 0);
        self.start = 0;
        self.end -= moved;
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_any_length_come_whole_or_with_their_ends() {
        let lengths = [0, 1, 5000, BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER + 7, 3];
        let text: Vec<u8> =
            lengths.iter().flat_map(|length| (0..*length).map(|i| b'a' + (i % 26) as u8).chain([b'\n'])).collect();
        let mut output = Output::new(text.as_slice());
        for length in lengths {
            let whole: Vec<u8> = (0..length).map(|i| b'a' + (i % 26) as u8).collect();
            let line = output.line().unwrap();
            assert_eq!(line.length, length as u64);
            assert!(whole.starts_with(line.head) && whole.ends_with(line.tail));
            assert!(length >= BUFFER || line.head == whole);
        }
        assert_eq!(output.line().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
