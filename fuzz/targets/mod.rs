//! What reads bytes from outside, one target per file. A target panics when something is wrong.

mod addresses;
mod carried_workflows;
mod comfyui_answers;
mod comfyui_frames;
mod conversions;
mod cos_answers;
mod declarations;
mod dify_lines;
mod file_names;
mod packages;
mod plugin_lines;
mod workflows;

/// Takes one input.
pub(crate) type Target = fn(&[u8]);

/// The targets by the names of their corpora.
pub(crate) const TARGETS: [(&str, Target); 12] = [
    ("addresses", addresses::run),
    ("carried_workflows", carried_workflows::run),
    ("comfyui_answers", comfyui_answers::run),
    ("comfyui_frames", comfyui_frames::run),
    ("conversions", conversions::run),
    ("cos_answers", cos_answers::run),
    ("declarations", declarations::run),
    ("dify_lines", dify_lines::run),
    ("file_names", file_names::run),
    ("packages", packages::run),
    ("plugin_lines", plugin_lines::run),
    ("workflows", workflows::run),
];

/// Which of a target's readers an input is for, by its first byte, and the rest. Digits, so that inputs can be written
/// by hand.
fn reader(bytes: &[u8]) -> (u8, &[u8]) {
    match bytes.split_first() {
        Some((first, rest)) => (first.wrapping_sub(b'0'), rest),
        None => (0, bytes),
    }
}

/// Fails when a text holds what may not reach a user or a log: it would be obeyed by a terminal, or turn round what
/// stands beside it.
fn assert_shown_as_it_is(text: &str) {
    let bad = |c: char| {
        (c.is_control() && c != '\n' && c != '\t') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(bad), "{text:?}");
}
