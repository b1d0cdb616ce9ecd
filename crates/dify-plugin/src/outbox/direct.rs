//! Short lines that go into a pipe at once, from the thread that has them: the turn of the writing thread costs a short
//! call more than its work.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::turns::Turns;

/// Bytes that go into a pipe all or not at all (`PIPE_BUF` of Linux), and for which there is room in a pipe that polls as
/// writable: that is when a page of it is free (Linux, `fs/pipe.c`), and a page is no smaller.
const AT_ONCE: usize = 4096;

/// A pipe that all writers of this process take turns at, so that none finds less room than it was told.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    pipe: Arc<File>,
    turns: Arc<Turns>,
}

impl Direct {
    /// `None` if `output` is no pipe: nothing else says beforehand that a write will not wait.
    pub(super) fn to(output: &Arc<File>, turns: &Arc<Turns>) -> Option<Self> {
        let is_pipe = output.metadata().is_ok_and(|metadata| metadata.file_type().is_fifo());
        is_pipe.then(|| Self { pipe: Arc::clone(output), turns: Arc::clone(turns) })
    }

    /// Writes `lines` if that takes no waiting, for others or for the reader. Otherwise nothing is written, and they go
    /// the way of all lines; so they do when the pipe is broken, for the writing thread to find out.
    pub(super) fn write(&self, lines: &[u8]) -> bool {
        if lines.len() > AT_ONCE {
            return false;
        }
        let Some(_turn) = self.turns.try_take() else { return false };
        self.has_room() && (&*self.pipe).write_all(lines).is_ok()
    }

    fn has_room(&self) -> bool {
        let mut output = [PollFd::new(&*self.pipe, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut output, Some(&at_once)).is_ok() && output.iter().all(|polled| polled.revents() == PollFlags::OUT)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::{self, BufRead, BufReader, PipeReader, Read};
    use std::os::fd::OwnedFd;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::super::{Closed, HEARTBEAT, Outbox};
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    /// A pipe that holds as little as the system permits, in bytes too.
    fn small_pipe() -> (PipeReader, File, usize) {
        let (reader, writer) = io::pipe().unwrap();
        let size = rustix::pipe::fcntl_setpipe_size(&writer, 1).unwrap();
        (reader, File::from(OwnedFd::from(writer)), size)
    }

    fn direct() -> (PipeReader, Direct, usize) {
        let (reader, writer, size) = small_pipe();
        (reader, Direct::to(&Arc::new(writer), &Arc::default()).unwrap(), size)
    }

    #[test]
    fn what_is_short_is_written_at_once() {
        let (mut reader, direct, _) = direct();
        let mut read = [0; AT_ONCE];
        assert!(direct.write(b"a\n"));
        assert_eq!(reader.read(&mut read).unwrap(), 2);
        assert!(!direct.write(&[b'x'; AT_ONCE + 1]));
        assert!(direct.write(&[b'x'; AT_ONCE]));
        assert_eq!(reader.read(&mut read).unwrap(), AT_ONCE);
        drop(direct);
        assert_eq!(reader.read(&mut read).unwrap(), 0);
    }

    #[test]
    fn a_full_pipe_is_not_waited_for() {
        let (mut reader, direct, size) = direct();
        let line = [b'x'; AT_ONCE];
        let written = (0..).take_while(|_| direct.write(&line)).count();
        assert!((1..=size / AT_ONCE).contains(&written), "{written} lines in {size} bytes");
        assert!(!direct.write(b"a\n"));
        let mut all = vec![0; written * AT_ONCE];
        reader.read_exact(&mut all).unwrap();
        assert!(direct.write(b"a\n"));
    }

    #[test]
    fn nothing_goes_past_those_in_line() {
        let (mut reader, direct, _) = direct();
        direct.turns.stand_in_line();
        assert!(!direct.write(b"a\n"));
        let turn = direct.turns.take();
        direct.turns.done(1);
        assert!(!direct.write(b"b\n"));
        drop(turn);
        assert!(direct.write(b"c\n"));
        drop(direct);
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "c\n");
    }

    #[test]
    fn neither_a_broken_pipe_nor_another_file_is_written_to() {
        let (reader, direct, _) = direct();
        drop(reader);
        assert!(!direct.write(b"a\n"));
        let other = Arc::new(File::options().write(true).open("/dev/null").unwrap());
        assert!(Direct::to(&other, &Arc::default()).is_none());
    }

    /// On one thread, which would not come to read if it had to wait for the pipe.
    #[tokio::test]
    async fn what_a_full_pipe_does_not_take_is_queued() {
        let (mut reader, writer, size) = small_pipe();
        let (outbox, thread) = Outbox::start_on_pipe(writer, LONG).unwrap();
        let mut expected = HEARTBEAT.to_vec();
        let mut first = vec![0; HEARTBEAT.len()];
        reader.read_exact(&mut first).unwrap();
        for i in 0..4 * size / 1000 {
            let line = format!("{i:0999}\n").into_bytes();
            expected.extend(&line);
            outbox.send(line).await.unwrap();
        }
        drop(outbox);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert!([first, rest].concat() == expected);
        thread.join().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_short_line_does_not_overtake_a_long_one() {
        let (mut reader, writer) = io::pipe().unwrap();
        let (outbox, thread) = Outbox::start_on_pipe(File::from(OwnedFd::from(writer)), LONG).unwrap();
        let reading = thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).map(|_| all)
        });
        let mut expected = HEARTBEAT.to_vec();
        for _ in 0..300 {
            // The pipe has room, and the writing thread has yet to wake up.
            while outbox.turns.try_take().is_none() {
                thread::yield_now();
            }
            for length in [AT_ONCE + 1, 10] {
                let mut line = vec![b'x'; length];
                line.push(b'\n');
                expected.extend(&line);
                outbox.send(line).await.unwrap();
            }
        }
        drop(outbox);
        thread.join().unwrap().unwrap();
        assert!(reading.join().unwrap().unwrap() == expected);
    }

    #[tokio::test]
    async fn a_broken_pipe_is_told_to_those_who_wait() {
        let (mut reader, writer, _) = small_pipe();
        let (outbox, thread) = Outbox::start_on_pipe(writer, LONG).unwrap();
        reader.read_exact(&mut vec![0; HEARTBEAT.len()]).unwrap();
        drop(reader);
        // The first one finds out, and may not be told any more.
        let _ = outbox.send(b"x\n".to_vec()).await;
        outbox.broken().await;
        assert_eq!(outbox.send(b"x\n".to_vec()).await, Err(Closed));
        assert_eq!(thread.join().unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn heartbeats_come_between_lines_that_never_cease() {
        let (reader, writer, _) = small_pipe();
        let (outbox, thread) = Outbox::start_on_pipe(writer, Duration::from_millis(2)).unwrap();
        let enough = Arc::new(AtomicBool::new(false));
        let senders: Vec<_> = (0..2)
            .map(|_| {
                let (outbox, enough) = (outbox.clone(), Arc::clone(&enough));
                tokio::spawn(async move {
                    while !enough.load(Ordering::Relaxed) {
                        outbox.send(b"a line\n".to_vec()).await.unwrap();
                    }
                })
            })
            .collect();
        drop(outbox);
        let reading = thread::spawn(move || {
            let mut heartbeats = 0;
            for line in BufReader::new(reader).lines() {
                match line.unwrap().as_str() {
                    "a line" => {}
                    line => {
                        assert_eq!(line.as_bytes(), HEARTBEAT.trim_ascii_end());
                        heartbeats += 1;
                    }
                }
                enough.fetch_or(heartbeats == 10, Ordering::Relaxed);
            }
            heartbeats
        });
        for sender in senders {
            sender.await.unwrap();
        }
        thread.join().unwrap().unwrap();
        assert!(reading.join().unwrap() >= 10);
    }

    /// Lengths of lines, their number and newline included: those that go at once, that are written together, and that
    /// are written alone.
    const LENGTHS: [usize; 8] = [16, 4095, 20, 4096, 4097, 300, 70_000, 9000];

    fn line(sender: usize, number: usize) -> Vec<u8> {
        let mut line = format!("{sender} {number} ").into_bytes();
        line.resize(LENGTHS[(3 * sender + number) % LENGTHS.len()] - 1, b'x');
        line.push(b'\n');
        line
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_line_arrives_whole_and_in_the_order_of_its_call() {
        const SENDERS: usize = 8;
        const LINES: usize = 400;
        let (reader, writer, _) = small_pipe();
        let (outbox, thread) = Outbox::start_on_pipe(writer, Duration::from_millis(1)).unwrap();
        let turns = Arc::clone(&outbox.turns);
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let outbox = outbox.clone();
                tokio::spawn(async move {
                    for number in 0..LINES {
                        outbox.send(line(sender, number)).await.unwrap();
                        if number % 7 == 0 {
                            tokio::task::yield_now().await;
                        }
                    }
                })
            })
            .collect();
        drop(outbox);
        let reading = thread::spawn(move || {
            let mut next: BTreeMap<usize, usize> = BTreeMap::new();
            let mut read = 0;
            for text in BufReader::with_capacity(1500, reader).split(b'\n') {
                let mut text = text.unwrap();
                text.push(b'\n');
                if text == HEARTBEAT {
                    continue;
                }
                let sender = usize::from(text[0] - b'0');
                let number = next.entry(sender).or_default();
                assert!(text == line(sender, *number), "line {number} of {sender} is another or broken");
                *number += 1;
                read += 1;
                // Now and then the reader stalls until lines are queued, and now and then until none are.
                for _ in 0..10_000 {
                    let queued = turns.try_take().is_none();
                    if read % 50 != 0 || queued == (read % 100 == 0) {
                        break;
                    }
                    thread::yield_now();
                }
            }
            next
        });
        for sender in senders {
            sender.await.unwrap();
        }
        thread.join().unwrap().unwrap();
        assert_eq!(reading.join().unwrap(), (0..SENDERS).map(|sender| (sender, LINES)).collect());
    }
}
