//! What the machine can do at best: `bench-floor line` starts a tokio runtime and prints one line, `bench-floor pipe N`
//! writes N bytes to standard output, 64 KiB at a time.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use tokio::io::AsyncWriteExt;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["line"] => line(),
        ["pipe", bytes] => bytes.parse().map_err(io::Error::other).and_then(pipe),
        _ => Err(io::Error::other("usage: bench-floor line | pipe BYTES")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-floor: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Stays until its standard input ends, as a plugin does.
fn line() -> io::Result<()> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(async {
        let mut output = tokio::io::stdout();
        output.write_all(b"{\"event\":\"heartbeat\",\"session_id\":null,\"data\":{}}\n").await?;
        output.flush().await
    })?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

fn pipe(bytes: u64) -> io::Result<()> {
    let zeros = [0; 64 * 1024];
    let mut output = io::stdout().lock();
    let mut left = bytes;
    while left > 0 {
        let length = usize::try_from(left).unwrap_or(zeros.len()).min(zeros.len());
        output.write_all(zeros.get(..length).unwrap_or(&zeros))?;
        left -= length as u64;
    }
    Ok(())
}
