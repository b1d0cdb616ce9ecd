//! Lines out of a stream of bytes, with the daemon's limit.

use dify_plugin_protocol::limits::MAX_PLUGIN_LINE;

/// What a read may bring at once. A pipe holds no more than 64 KiB.
const READ: usize = 64 * 1024;

/// A line does not fit the daemon's buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineTooLong;

/// Bytes read and not yet handed out as lines. Never holds more than one line of the longest kind and one read.
#[derive(Debug)]
pub(crate) struct LineReader {
    bytes: Vec<u8>,
    /// Where the first line starts that was not handed out.
    start: usize,
    /// Up to where no line ends.
    scanned: usize,
    /// Where the bytes read end.
    end: usize,
}

impl LineReader {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; 4 * READ], start: 0, scanned: 0, end: 0 }
    }

    /// Where to read the next bytes to; to be told by [`advance`](Self::advance) how many came. Call it when
    /// [`next_line`](Self::next_line) has nothing more.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.bytes.len() - self.end < READ {
            self.bytes.copy_within(self.start..self.end, 0);
            self.scanned -= self.start;
            self.end -= self.start;
            self.start = 0;
            if self.bytes.len() - self.end < READ {
                let longer = (self.bytes.len() * 2).min(MAX_PLUGIN_LINE + 1 + READ);
                self.bytes.resize(longer.max(self.end + READ), 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    pub(crate) fn advance(&mut self, read: usize) {
        self.end = (self.end + read).min(self.bytes.len());
    }

    /// The next whole line, without its newline and a carriage return before it.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, LineTooLong> {
        let found = memchr::memchr(b'\n', &self.bytes[self.scanned..self.end]);
        let Some(length) = found.map(|found| self.scanned + found - self.start) else {
            self.scanned = self.end;
            // As the daemon's scanner: a buffer full of one unfinished line is too long already.
            return if self.end - self.start > MAX_PLUGIN_LINE { Err(LineTooLong) } else { Ok(None) };
        };
        if length > MAX_PLUGIN_LINE {
            return Err(LineTooLong);
        }
        let line = self.start..self.start + length;
        self.start = line.end + 1;
        self.scanned = self.start;
        let line = &self.bytes[line];
        Ok(Some(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    /// What is left when no more comes: the daemon takes it for a line although nothing ended it.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(reader: &mut LineReader, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = reader.space();
            let length = bytes.len().min(space.len());
            space[..length].copy_from_slice(&bytes[..length]);
            reader.advance(length);
            bytes = &bytes[length..];
        }
    }

    fn lines(reader: &mut LineReader) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| reader.next_line().unwrap().map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"one\r\n\ntwo\nthree";
        for size in 1..text.len() {
            let mut reader = LineReader::new();
            let mut found = Vec::new();
            for piece in text.chunks(size) {
                feed(&mut reader, piece);
                found.extend(lines(&mut reader));
            }
            assert_eq!(found, [b"one".to_vec(), b"".to_vec(), b"two".to_vec()]);
            assert_eq!(reader.rest(), b"three");
        }
    }

    #[test]
    fn the_longest_line_is_the_daemons() {
        let mut line = vec![b'x'; MAX_PLUGIN_LINE];
        line.push(b'\n');
        let mut reader = LineReader::new();
        feed(&mut reader, &line);
        assert_eq!(reader.next_line().unwrap().map(<[u8]>::len), Some(MAX_PLUGIN_LINE));

        line.insert(0, b'x');
        let mut reader = LineReader::new();
        feed(&mut reader, &line);
        assert_eq!(reader.next_line(), Err(LineTooLong));
    }

    #[test]
    fn a_line_too_long_is_noticed_before_it_ends() {
        let mut reader = LineReader::new();
        feed(&mut reader, &vec![b'x'; MAX_PLUGIN_LINE]);
        assert_eq!(reader.next_line(), Ok(None));
        feed(&mut reader, b"x");
        assert_eq!(reader.next_line(), Err(LineTooLong));
    }

    #[test]
    fn memory_stays_flat_over_many_lines() {
        let mut reader = LineReader::new();
        let line = [vec![b'x'; 11_000], b"\n".to_vec()].concat();
        for _ in 0..1000 {
            feed(&mut reader, &line);
            assert_eq!(lines(&mut reader).len(), 1);
        }
        assert_eq!(reader.bytes.len(), 4 * READ);
    }
}
