//! Lines of Dify's, bounded.

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use crate::runtime::Input;

/// Longest line that is read, in bytes. The daemon has no limit of its own for what it writes.
const MAX_REQUEST_LINE: usize = 64 * 1024 * 1024;

/// Lines that may wait for the dispatcher.
pub(crate) const INPUT_QUEUE: usize = 64;

/// Hands over lines until `input` ends (`Ok`) or breaks, or `take` wants no more of them (`Ok`).
pub(crate) fn read_lines(mut input: impl BufRead, mut take: impl FnMut(Input) -> ControlFlow<()>) -> io::Result<()> {
    while let Some(line) = read_line(&mut input, MAX_REQUEST_LINE)? {
        if take(line).is_break() {
            break;
        }
    }
    Ok(())
}

/// The next line without its newline, or `None` at the end. What follows the last newline is a line as well.
fn read_line(input: &mut impl BufRead, limit: usize) -> io::Result<Option<Input>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(limit as u64 + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(Input::Line(line)));
    }
    if line.len() <= limit {
        return Ok(Some(Input::Line(line)));
    }
    drop(line);
    input.skip_until(b'\n')?;
    Ok(Some(Input::TooLong))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut input: &[u8], limit: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input, limit).unwrap() {
            lines.push(match line {
                Input::Line(line) => String::from_utf8(line).unwrap(),
                Input::TooLong => "(too long)".to_owned(),
            });
        }
        lines
    }

    #[test]
    fn lines_end_at_newlines_and_at_the_end() {
        assert_eq!(lines(b"a\n\nb\r\nc", 10), ["a", "", "b\r", "c"]);
        assert_eq!(lines(b"", 10), [""; 0]);
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        assert_eq!(lines(b"1234\n12345\n1\n", 4), ["1234", "(too long)", "1"]);
        assert_eq!(lines(b"12345", 4), ["(too long)"]);
        assert_eq!(lines(b"1234", 4), ["1234"]);
    }
}
