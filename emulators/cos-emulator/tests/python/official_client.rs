//! The official Python SDK in an environment of its own, and how its scripts are run.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const SDK: &str = "cos-python-sdk-v5==1.9.44";

/// The Python of an environment with the SDK in it; made where it is not yet.
pub(crate) fn environment() -> Result<PathBuf, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("official-python-client");
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let complete = folder.join("complete");
    if fs::read_to_string(&complete).is_ok_and(|installed| installed == SDK) {
        return Ok(python);
    }
    // What an interrupted run left is of no use.
    let _ = fs::remove_dir_all(&folder);
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "", Duration::from_secs(120))?;
    run(
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args([
            "--timeout",
            "15",
            "--retries",
            "1",
            SDK,
        ]),
        "",
        Duration::from_secs(300),
    )?;
    fs::write(&complete, SDK).map_err(|error| error.to_string())?;
    Ok(python)
}

/// Runs to the end, at most for `limit`; gives what it wrote, or the end of
/// what it complained.
pub(crate) fn run(command: &mut Command, input: &str, limit: Duration) -> Result<String, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{name}: {error}"))?;
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let written = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let complained = thread::spawn(move || {
        let mut text = Vec::new();
        stderr.read_to_end(&mut text).map(|_| text)
    });
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        if start.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("{name} took more than {limit:?}"));
        }
        thread::sleep(Duration::from_millis(20));
    };
    let complaint = complained.join().unwrap().unwrap_or_default();
    if !status.success() {
        let complaint = String::from_utf8_lossy(&complaint).into_owned();
        return Err(format!("{name} ended with {status}: {complaint}"));
    }
    written.join().unwrap().map_err(|error| error.to_string())
}
