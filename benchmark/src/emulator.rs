//! An emulator as a child process: `oxidify emulate …`, the same for both sides.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::Failure;

/// An emulator. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Emulator {
    child: Child,
    /// `host:port`.
    pub(crate) address: String,
}

impl Emulator {
    pub(crate) fn start(oxidify: &Path, arguments: &[&str], log: File) -> Result<Self, Failure> {
        let mut command = Command::new(oxidify);
        command.arg("emulate").args(arguments).args(["--port", "0"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut output = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        // What else it says must not block it.
        thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let address = line.split("http://").nth(1).map(|address| address.trim().trim_end_matches('/').to_owned());
        match address {
            Some(address) => Ok(Self { child, address }),
            None => {
                let _ = child.kill();
                Err(format!("the emulator {arguments:?} did not start: {line}").into())
            }
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
