//! Words of plugins and servers, on their way to a terminal.

use origin_client::is_obeyed;

/// `text` as a terminal shows it and does not obey it; its lines stay lines.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|c| if is_obeyed(c) && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_of_it() {
        assert_eq!(shown("a\n\tb \u{1b}]0;x\u{7}\u{202e}\r"), "a\n\tb \u{fffd}]0;x\u{fffd}\u{fffd}\u{fffd}");
    }
}
