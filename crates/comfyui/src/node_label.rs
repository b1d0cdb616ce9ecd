use std::fmt;

use origin_client::is_obeyed;

/// What a user calls a node: its id, the title given in the editor, and its class.
///
/// Displays as `node 6 "Positive Prompt" (CLIPTextEncode)`; a title that says nothing more than the class, and
/// whatever else is not known, is left out.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NodeLabel {
    /// The node's key in the API-format workflow, such as `6` or `12:3`.
    pub id: String,
    /// The title from the editor (`_meta.title`).
    pub title: Option<String>,
    /// The node's class (`class_type`); empty when it is not known.
    pub class_type: String,
}

/// The most characters of a title that are shown.
const MAX_TITLE_CHARS: usize = 80;
/// The most characters of an id or a class that are shown.
const MAX_NAME_CHARS: usize = 100;

impl fmt::Display for NodeLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", shown(&self.id, MAX_NAME_CHARS))?;
        if let Some(title) = self.title.as_deref().map(str::trim)
            && !title.is_empty()
            && title != self.class_type
        {
            write!(f, " \"{}\"", shown(title, MAX_TITLE_CHARS))?;
        }
        if !self.class_type.is_empty() {
            write!(f, " ({})", shown(&self.class_type, MAX_NAME_CHARS))?;
        }
        Ok(())
    }
}

/// All of it may be a server's own words.
fn shown(text: &str, most: usize) -> String {
    text.chars().map(|c| if is_obeyed(c) { ' ' } else { c }).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(title: Option<&str>, class_type: &str) -> String {
        NodeLabel { id: "6".to_owned(), title: title.map(str::to_owned), class_type: class_type.to_owned() }.to_string()
    }

    #[test]
    fn it_names_id_title_and_class() {
        assert_eq!(label(Some("Positive Prompt"), "CLIPTextEncode"), r#"node 6 "Positive Prompt" (CLIPTextEncode)"#);
        assert_eq!(label(Some("KSampler"), "KSampler"), "node 6 (KSampler)");
        assert_eq!(label(None, "KSampler"), "node 6 (KSampler)");
        assert_eq!(label(None, ""), "node 6");
    }

    #[test]
    fn a_title_stays_on_one_line_and_is_cut() {
        assert_eq!(label(Some("a\nb"), "X"), r#"node 6 "a b" (X)"#);
        assert_eq!(label(None, "\u{1b}[2J\u{202e}"), "node 6 ( [2J )");
        assert_eq!(label(None, &"c".repeat(500)).len(), "node 6 ()".len() + MAX_NAME_CHARS);
        assert_eq!(label(Some(&"t".repeat(500)), "X").len(), r#"node 6 "" (X)"#.len() + MAX_TITLE_CHARS);
    }
}
