//! What the command says on standard output and standard error.

use std::fmt;
use std::io::{self, Write};

use crate::Failure;

/// Says a line on standard output, formatted as `println!` does. An error when it cannot be said: [`Unread`], when nobody
/// listens.
macro_rules! say {
    ($($words:tt)*) => {
        $crate::say::line(format_args!($($words)*))
    };
}

/// Says a line on standard error, formatted as `eprintln!` does. Without a reader there is nobody to tell.
macro_rules! complain {
    ($($words:tt)*) => {
        $crate::say::complaint(format_args!($($words)*))
    };
}

pub(crate) use {complain, say};

/// Nobody reads standard output any more, as behind `| head`: the command ends without a word.
#[derive(Debug)]
pub(crate) struct Unread;

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody reads standard output")
    }
}

impl std::error::Error for Unread {}

pub(crate) fn line(words: fmt::Arguments<'_>) -> Result<(), Failure> {
    match write_line(io::stdout().lock(), words) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Unread.into()),
        said => Ok(said.map_err(|error| format!("standard output: {error}"))?),
    }
}

pub(crate) fn complaint(words: fmt::Arguments<'_>) {
    let _ = write_line(io::stderr().lock(), words);
}

fn write_line(mut output: impl Write, words: fmt::Arguments<'_>) -> io::Result<()> {
    writeln!(output, "{words}")?;
    output.flush()
}
