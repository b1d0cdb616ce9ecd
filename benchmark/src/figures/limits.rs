//! What the machine does at best, for comparison: how fast bytes go through a pipe, through memory, and into base64.

use std::hint::black_box;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Instant;

use base64::Engine;
use base64::engine::Simd;
use base64::engine::general_purpose::PAD;

use super::mb;
use crate::Failure;
use crate::bench::Bench;
use crate::figure::{Better, Figure, Report};

const PIECE: usize = 64 * 1024;

pub(crate) fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let bytes: u64 = if bench.quick { 50_000_000 } else { 1_000_000_000 };
    let mut pipe = Figure::new("machine: a bare pipe, 64 KiB writes", "MB/s", Better::Higher);
    let mut copy = Figure::new("machine: memory copied, 64 KiB", "MB/s", Better::Higher);
    let mut base64 = Figure::new("machine: base64 in memory", "MB/s of the file", Better::Higher);
    let encoder = Simd::standard(PAD);
    for _ in 0..bench.rounds(3) {
        pipe.ours.push(mb(bytes) / through_a_pipe(bench, bytes)?);
        let from = vec![7_u8; PIECE];
        let mut to = vec![0_u8; PIECE * 2];
        let pieces = bytes / PIECE as u64;
        let seconds = timed(pieces, || {
            if let Some(to) = to.get_mut(..PIECE) {
                to.copy_from_slice(black_box(&from));
            }
            black_box(&mut to);
        });
        copy.ours.push(mb(pieces * PIECE as u64) / seconds);
        let seconds = timed(pieces, || {
            let written = encoder.encode_slice(black_box(&from), &mut to);
            let _ = black_box(written);
        });
        base64.ours.push(mb(pieces * PIECE as u64) / seconds);
    }
    report.figures.extend([pipe, copy, base64]);
    Ok(())
}

fn timed(times: u64, mut work: impl FnMut()) -> f64 {
    let from = Instant::now();
    for _ in 0..times {
        work();
    }
    from.elapsed().as_secs_f64()
}

fn through_a_pipe(bench: &Bench, bytes: u64) -> Result<f64, Failure> {
    let mut command = Command::new(bench.executables.path("bench-floor"));
    command.args(["pipe", &bytes.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut output = child.stdout.take().ok_or("no standard output")?;
    let mut buffer = vec![0; 1024 * 1024];
    let mut read = output.read(&mut buffer)? as u64;
    let (first, from) = (read, Instant::now());
    loop {
        match output.read(&mut buffer)? {
            0 => break,
            length => read += length as u64,
        }
    }
    let seconds = from.elapsed().as_secs_f64();
    child.wait()?;
    let part = (read - first) as f64 / bytes as f64;
    if read == bytes { Ok(seconds / part) } else { Err("the pipe lost bytes".into()) }
}
