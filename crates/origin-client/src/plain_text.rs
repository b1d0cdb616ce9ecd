/// Whether `c` is obeyed where it should be shown: control characters steer terminals, and the overrides and isolates of
/// bidirectional text make a name or a sentence look like another one. What servers say goes without them into errors,
/// file names and logs.
#[must_use]
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_or_turns_text_round_is_told_from_letters() {
        assert!("\0\n\t\x1b\x7f\u{9b}\u{202e}\u{2066}\u{2069}".chars().all(is_obeyed));
        // Marks that right-to-left text is written with turn nothing round.
        assert!(!"aé报😀 \u{200f}\u{200e}".chars().any(is_obeyed));
    }
}
