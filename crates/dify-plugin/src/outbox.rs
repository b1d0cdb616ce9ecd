//! The one way to standard output: a queue bounded in bytes, and a thread that writes it and the heartbeats. Short lines
//! go past both while nothing is queued.

#[cfg(target_os = "linux")]
mod direct;
mod turns;

#[cfg(target_os = "linux")]
use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::coop::consume_budget;
use tokio_util::sync::CancellationToken;

#[cfg(target_os = "linux")]
use self::direct::Direct;
use self::turns::Turns;

/// Bytes that may wait for a slow reader, of all calls together. A longer line waits until it is alone.
const CAPACITY: usize = 1024 * 1024;

/// Lines that wait together are written together, up to about this many bytes. More than that at once is written as it
/// is: a system call for each costs less than another copy of them.
const COALESCE: usize = 32 * 1024;

/// Buffers of long lines that are kept to be filled again, each of at most [`SPARE_CAPACITY`] bytes: an allocator gives
/// memory of that size back to the system, and the system hands it out anew page by page.
const SPARES: usize = 12;

const SPARE_CAPACITY: usize = 128 * 1024;

const HEARTBEAT: &[u8] = b"{\"event\":\"heartbeat\",\"session_id\":null,\"data\":{}}\n";

/// Standard output is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the other end closed the connection")]
pub(crate) struct Closed;

/// Where calls leave their lines. Whoever waits for room gets it in the order of asking, so that no call starves another.
#[derive(Clone, Debug)]
pub(crate) struct Outbox {
    queue: Sender<Lines>,
    room: Arc<Semaphore>,
    broken: CancellationToken,
    spares: Spares,
    turns: Arc<Turns>,
    #[cfg(target_os = "linux")]
    direct: Option<Direct>,
}

type Spares = Arc<Mutex<Vec<Vec<u8>>>>;

#[derive(Debug)]
struct Lines {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl Outbox {
    /// Starts the thread that writes to `output`: a heartbeat at once and then every `heartbeat`, whatever the calls
    /// do. It ends when every `Outbox` is gone and all is written, or when `output` is broken.
    pub(crate) fn start(
        output: impl Write + Send + 'static,
        heartbeat: Duration,
    ) -> io::Result<(Self, JoinHandle<io::Result<()>>)> {
        let (sender, receiver) = mpsc::channel();
        let room = Arc::new(Semaphore::new(CAPACITY));
        let broken = CancellationToken::new();
        let (spares, turns) = (Spares::default(), Arc::new(Turns::default()));
        let (all_room, mark_broken) = (Arc::clone(&room), broken.clone());
        let (written, writers_turns) = (Arc::clone(&spares), Arc::clone(&turns));
        let writer = thread::Builder::new().name("outbox".to_owned()).spawn(move || {
            let result = write_lines(&receiver, output, heartbeat, &written, &writers_turns);
            if result.is_err() {
                all_room.close();
                mark_broken.cancel();
            }
            result
        })?;
        let outbox = Self {
            queue: sender,
            room,
            broken,
            spares,
            turns,
            #[cfg(target_os = "linux")]
            direct: None,
        };
        Ok((outbox, writer))
    }

    /// The same for a file that may be a pipe. If it is, no other process may write to it.
    #[cfg(target_os = "linux")]
    pub(crate) fn start_on_pipe(output: File, heartbeat: Duration) -> io::Result<(Self, JoinHandle<io::Result<()>>)> {
        let output = Arc::new(output);
        let (mut outbox, writer) = Self::start(Arc::clone(&output), heartbeat)?;
        outbox.direct = Direct::to(&output, &outbox.turns);
        Ok((outbox, writer))
    }

    /// Leaves whole lines, each with its newline, that stay together. Waits for room.
    pub(crate) async fn send(&self, bytes: Vec<u8>) -> Result<(), Closed> {
        // A call that never has to wait must let others work all the same.
        consume_budget().await;
        #[cfg(target_os = "linux")]
        if self.direct.as_ref().is_some_and(|direct| direct.write(&bytes)) {
            return Ok(());
        }
        let weight = u32::try_from(bytes.len().min(CAPACITY)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(weight).await.map_err(|_| Closed)?;
        self.turns.stand_in_line();
        self.queue.send(Lines { bytes, _room: room }).map_err(|_| Closed)
    }

    /// An empty buffer for long lines, of those that were written before if there is one.
    pub(crate) fn buffer(&self) -> Vec<u8> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// Resolves when the output is broken.
    pub(crate) async fn broken(&self) {
        self.broken.cancelled().await;
    }
}

fn write_lines(
    queue: &Receiver<Lines>,
    mut output: impl Write,
    heartbeat: Duration,
    spares: &Spares,
    turns: &Turns,
) -> io::Result<()> {
    let mut next_heartbeat = Instant::now();
    let mut together = Vec::new();
    loop {
        let now = Instant::now();
        if now >= next_heartbeat {
            turns.stand_in_line();
            let turn = turns.take();
            output.write_all(HEARTBEAT)?;
            output.flush()?;
            drop(turn);
            turns.done(1);
            next_heartbeat = now + heartbeat;
        }
        let first = match queue.recv_timeout(next_heartbeat.saturating_duration_since(now)) {
            Ok(lines) => lines,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        let turn = turns.take();
        let mut taken = 0;
        let mut next = Some(first);
        while let Some(lines) = next.take() {
            taken += 1;
            if lines.bytes.len() >= COALESCE {
                write_together(&mut together, &mut output)?;
                output.write_all(&lines.bytes)?;
                keep(lines.bytes, spares);
                break;
            }
            together.extend_from_slice(&lines.bytes);
            if together.len() < COALESCE {
                next = queue.try_recv().ok();
            }
        }
        write_together(&mut together, &mut output)?;
        output.flush()?;
        drop(turn);
        turns.done(taken);
    }
}

fn keep(mut buffer: Vec<u8>, spares: &Spares) {
    let mut spares = spares.lock().unwrap_or_else(PoisonError::into_inner);
    if spares.len() < SPARES && buffer.capacity() <= SPARE_CAPACITY {
        buffer.clear();
        spares.push(buffer);
    }
}

fn write_together(together: &mut Vec<u8>, output: &mut impl Write) -> io::Result<()> {
    if !together.is_empty() {
        output.write_all(together)?;
        together.clear();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, OnceLock};

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// What was written, write by write; blocks while `gate` is locked.
    #[derive(Clone, Default)]
    struct Output {
        writes: Arc<Mutex<Vec<Vec<u8>>>>,
        gate: Arc<Mutex<()>>,
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock().unwrap();
            self.writes.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Output {
        fn bytes(&self) -> Vec<u8> {
            self.writes.lock().unwrap().concat()
        }
    }

    #[tokio::test]
    async fn the_first_heartbeat_comes_at_once_and_everything_sent_is_written_before_the_end() {
        let output = Output::default();
        let (outbox, writer) = Outbox::start(output.clone(), LONG).unwrap();
        for i in 0..100 {
            outbox.send(format!("{i}\n").into_bytes()).await.unwrap();
        }
        drop(outbox);
        writer.join().unwrap().unwrap();
        let expected: String = (0..100).map(|i| format!("{i}\n")).collect();
        assert_eq!(output.bytes(), [HEARTBEAT, expected.as_bytes()].concat());
    }

    #[tokio::test]
    async fn the_writing_thread_has_the_turn_whenever_it_writes() {
        struct Checked(Arc<OnceLock<Arc<Turns>>>);
        impl Write for Checked {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                assert!(self.0.wait().is_taken());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let turns = Arc::new(OnceLock::new());
        let (outbox, writer) = Outbox::start(Checked(Arc::clone(&turns)), LONG).unwrap();
        turns.set(Arc::clone(&outbox.turns)).unwrap();
        for length in [1, COALESCE] {
            outbox.send(vec![b'x'; length]).await.unwrap();
        }
        drop(outbox);
        writer.join().unwrap().unwrap();
        assert!(!turns.wait().is_taken() && turns.wait().try_take().is_some());
    }

    #[tokio::test]
    async fn heartbeats_go_on_without_anything_to_write() {
        let output = Output::default();
        let (outbox, writer) = Outbox::start(output.clone(), Duration::from_millis(5)).unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        drop(outbox);
        writer.join().unwrap().unwrap();
        assert!(output.writes.lock().unwrap().len() > 3);
    }

    #[tokio::test]
    #[expect(clippy::await_holding_lock, reason = "the writer's thread is meant to wait for it")]
    async fn a_blocked_output_holds_the_senders_back_and_loses_nothing() {
        let output = Output::default();
        let blocked = output.gate.lock().unwrap();
        let (outbox, writer) = Outbox::start(output.clone(), LONG).unwrap();
        let line = vec![b'x'; CAPACITY / 4];
        for _ in 0..4 {
            outbox.send(line.clone()).await.unwrap();
        }
        let fifth = tokio::time::timeout(Duration::from_millis(50), outbox.send(line.clone())).await;
        assert!(fifth.is_err(), "the queue took more than its capacity");
        drop(blocked);
        outbox.send(line).await.unwrap();
        drop(outbox);
        writer.join().unwrap().unwrap();
        assert_eq!(output.bytes().len(), HEARTBEAT.len() + 5 * (CAPACITY / 4));
    }

    #[tokio::test]
    async fn a_line_longer_than_the_queue_is_written_all_the_same() {
        let output = Output::default();
        let (outbox, writer) = Outbox::start(output.clone(), LONG).unwrap();
        outbox.send(vec![b'x'; 3 * CAPACITY]).await.unwrap();
        drop(outbox);
        writer.join().unwrap().unwrap();
        assert_eq!(output.bytes().len(), HEARTBEAT.len() + 3 * CAPACITY);
    }

    #[tokio::test]
    async fn the_buffers_of_long_lines_are_filled_again() {
        let (outbox, writer) = Outbox::start(Output::default(), LONG).unwrap();
        assert_eq!(outbox.buffer().capacity(), 0);
        outbox.send(vec![b'x'; SPARE_CAPACITY + 1]).await.unwrap();
        for _ in 0..2 * SPARES {
            outbox.send(vec![b'x'; COALESCE]).await.unwrap();
        }
        let again = outbox.clone();
        drop(outbox);
        // All room is free again only when all is written.
        drop(again.room.acquire_many(u32::try_from(CAPACITY).unwrap()).await.unwrap());
        let buffers: Vec<_> = (0..=SPARES).map(|_| again.buffer()).collect();
        assert!(buffers.iter().all(Vec::is_empty));
        assert_eq!(buffers.iter().filter(|buffer| buffer.capacity() == COALESCE).count(), SPARES);
        drop(again);
        writer.join().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_broken_output_is_told_to_those_who_wait() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (outbox, writer) = Outbox::start(Broken, LONG).unwrap();
        outbox.broken().await;
        assert_eq!(outbox.send(b"x\n".to_vec()).await, Err(Closed));
        assert_eq!(writer.join().unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
