//! Standard error, as a place where a server's words cannot pass for something else.

use std::fmt::Write as _;
use std::io::{self, Write};

use origin_client::is_obeyed;

/// Writes log events, each in one write, with what a terminal would obey escaped. The lines of an event after its first
/// are indented, so that none looks like an event of its own.
#[derive(Debug)]
pub(crate) struct ShownOnly<W>(pub(crate) W);

impl<W: Write> Write for ShownOnly<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.write_all(shown(&String::from_utf8_lossy(event)).as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn shown(event: &str) -> String {
    let mut shown = String::with_capacity(event.len());
    let text = event.strip_suffix('\n').unwrap_or(event);
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\n  | "),
            '\t' => shown.push(c),
            c if is_obeyed(c) => {
                let _ = write!(shown, "{}", c.escape_unicode());
            }
            c => shown.push(c),
        }
    }
    if text.len() < event.len() {
        shown.push('\n');
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What one event leaves, from its target on.
    fn logged(log: impl FnOnce()) -> String {
        let written = Written::default();
        let output = written.clone();
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(move || ShownOnly(output.clone()))
            .with_ansi(false)
            .without_time();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), log);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn what_a_server_says_is_shown_and_not_obeyed() {
        let said = "\u{1b}[2J\u{1b}]0;title\u{7}\r\u{8}\u{9b}31m\u{202e}é";
        let message = logged(|| tracing::warn!("it said {said}"));
        let field = logged(|| tracing::warn!(said, "it said"));
        let displayed = logged(|| tracing::warn!(said = %said, "it said"));
        for line in [message, field, displayed] {
            assert!(!line.trim_end_matches('\n').contains(is_obeyed), "{line:?}");
            assert!(line.ends_with('\n') && line.contains("[2J") && line.contains('é'), "{line:?}");
        }
    }

    #[test]
    fn no_line_of_an_event_looks_like_an_event() {
        let event = logged(|| tracing::warn!("it said\n ERROR dify_plugin: all is lost\n"));
        let lines: Vec<&str> = event.lines().collect();
        assert!(lines[0].ends_with("it said"), "{event:?}");
        assert!(lines[1..].iter().all(|line| line.starts_with("  | ")), "{event:?}");
    }
}
