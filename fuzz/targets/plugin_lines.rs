//! What a plugin writes, as the host reads it.

use dify_plugin_host::fuzzing::{Files, line, lines};

use super::reader;

/// Largest file that is merged here.
const LIMIT: u64 = 20_000;

pub(super) fn run(bytes: &[u8]) {
    let (piece, output) = reader(bytes);
    let Some(found) = lines(output, usize::from(piece)) else { panic!("{} bytes are too long a line", output.len()) };
    // However they arrive.
    assert_eq!(lines(output, output.len()).as_ref(), Some(&found));
    let mut files = Files::new(LIMIT);
    for text in found.iter().filter(|line| !line.trim_ascii().is_empty()) {
        let wrong = line(text, &mut files);
        assert!(wrong.is_none_or(|wrong| wrong.len() <= 10 * text.len() + 2000), "a complaint that is too long");
    }
}
