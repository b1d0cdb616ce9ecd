use std::borrow::Cow;

use origin_client::is_obeyed;
use serde_json::Value;

/// The most characters of a server's words that go into an error.
const MAX_CHARS: usize = 300;

/// `text` on one line: runs of white space and of characters that would be obeyed become one space, and after `max_chars` it is cut
/// with an ellipsis.
pub(crate) fn one_line(text: &str, max_chars: usize) -> String {
    let mut line = String::new();
    let mut chars = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || is_obeyed(c) {
            gap = !line.is_empty();
            continue;
        }
        if gap {
            line.push(' ');
            chars += 1;
            gap = false;
        }
        if chars >= max_chars {
            line.truncate(line.trim_end().len());
            line.push('…');
            break;
        }
        line.push(c);
        chars += 1;
    }
    line
}

/// What an error body says, in a few words: the message of a JSON error, the text of an HTML page without its markup,
/// or the beginning of anything else that is text.
pub(crate) fn excerpt_of_body(body: &[u8]) -> String {
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let message = ["/error/message", "/error", "/message", "/detail"]
            .iter()
            .find_map(|path| value.pointer(path).and_then(Value::as_str))
            .map(str::to_owned);
        return one_line(&message.unwrap_or_else(|| value.to_string()), MAX_CHARS);
    }
    let text = String::from_utf8_lossy(body);
    if text.chars().take(200).any(|c| c == '\u{fffd}') {
        return "binary data".to_owned();
    }
    let trimmed = text.trim_start();
    let is_html = trimmed.starts_with('<') && trimmed.contains('>');
    one_line(&if is_html { without_markup(trimmed) } else { Cow::Borrowed(trimmed) }, MAX_CHARS)
}

/// The text of a page: tags go, and so does what stands between `<script>` or `<style>` and their ends.
fn without_markup(html: &str) -> Cow<'_, str> {
    let mut text = String::new();
    // Once: a page may be all tags.
    let lower = html.to_ascii_lowercase();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let name: String = after.chars().take_while(char::is_ascii_alphabetic).take(8).collect();
        rest = match name.to_ascii_lowercase().as_str() {
            hidden @ ("script" | "style") => {
                let end = format!("</{hidden}");
                match lower.get(html.len() - after.len()..).and_then(|lower| lower.find(&end)) {
                    Some(at) => after.get(at + end.len()..).unwrap_or_default(),
                    None => "",
                }
            }
            _ => after,
        };
        rest = rest.split_once('>').map_or("", |(_, rest)| rest);
    }
    text.push_str(rest);
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_a_gateway_shrinks_to_its_words() {
        let page = b"<html>\r\n<head><title>502 Bad Gateway</title><style>a > b {}</style></head>\r\n<body>\r\n<center><h1>502 Bad \
            Gateway</h1></center><SCRIPT>if (1 < 2) {}</SCRIPT>\r\n<hr><center>nginx</center></body></html>";
        assert_eq!(excerpt_of_body(page), "502 Bad Gateway 502 Bad Gateway nginx");
    }

    #[test]
    fn the_message_of_a_json_error_is_taken_whatever_its_shape() {
        assert_eq!(excerpt_of_body(br#"{"error": {"message": "no"}}"#), "no");
        assert_eq!(excerpt_of_body(br#"{"error": "Job not found"}"#), "Job not found");
        assert_eq!(excerpt_of_body(br#"{"detail": "Unauthorized"}"#), "Unauthorized");
        assert_eq!(excerpt_of_body(br#"{"code":  7}"#), r#"{"code":7}"#);
    }

    #[test]
    fn text_is_put_on_one_line_and_cut() {
        assert_eq!(
            excerpt_of_body(b"500 Internal Server Error\n\nServer got itself in trouble"),
            "500 Internal Server Error Server got itself in trouble"
        );
        assert_eq!(excerpt_of_body("ü".repeat(1000).as_bytes()).chars().count(), MAX_CHARS + 1);
        assert_eq!(excerpt_of_body(b"\x89PNG\r\n\x1a\n\xff\xff"), "binary data");
        assert_eq!(excerpt_of_body(b"  "), "");
        assert_eq!(excerpt_of_body(b"<script>never closed"), "");
        assert_eq!(excerpt_of_body("a\u{1b}[31mred\u{202e}\u{2066}b".as_bytes()), "a [31mred b");
    }
}
