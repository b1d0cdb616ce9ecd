use origin_client::is_obeyed;
use serde::Deserialize;

/// Longest error code taken from an answer, in characters.
const MAX_CODE: usize = 64;

/// Longest message taken from an answer, in characters.
const MAX_MESSAGE: usize = 300;

/// What the body of an error says (<https://cloud.tencent.com/document/product/436/7730>). Empty where the body is
/// empty (`HEAD`) or not COS's (a proxy's HTML page).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorResponse {
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ErrorXml {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

pub(crate) fn parse_error_response(body: &[u8]) -> ErrorResponse {
    let Ok(text) = std::str::from_utf8(body) else { return ErrorResponse::default() };
    let Ok(xml) = quick_xml::de::from_str::<ErrorXml>(text) else { return ErrorResponse::default() };
    ErrorResponse {
        code: xml.code.and_then(|code| one_line(&code, MAX_CODE)),
        message: xml.message.and_then(|message| one_line(&message, MAX_MESSAGE)),
        request_id: xml.request_id.and_then(|id| one_line(&id, MAX_CODE)),
    }
}

/// `text` without characters that would be obeyed and no longer than `max` characters; `None` when nothing is left.
pub(crate) fn one_line(text: &str, max: usize) -> Option<String> {
    let words: String = text.trim().chars().map(|c| if is_obeyed(c) { ' ' } else { c }).take(max).collect();
    (!words.trim().is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_cos_writes() {
        let body = b"<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n\t<Code>NoSuchKey</Code>\n\t<Message>The specified \
            key does not exist.</Message>\n\t<Resource>b.example/nope</Resource>\n\t<RequestId>Njk=</RequestId>\n</Error>";
        let error = parse_error_response(body);
        assert_eq!(error.code.as_deref(), Some("NoSuchKey"));
        assert_eq!(error.message.as_deref(), Some("The specified key does not exist."));
        assert_eq!(error.request_id.as_deref(), Some("Njk="));
    }

    #[test]
    fn html_text_and_nothing_say_nothing() {
        for body in [
            &b""[..],
            b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1><br></body></html>",
            b"<html><head><title>403</title></head></html>",
            b"no healthy upstream",
            b"<Error><Code>Cut",
            b"{\"code\": 1}",
            b"\xff\xfe\x00",
        ] {
            assert_eq!(parse_error_response(body), ErrorResponse::default(), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn a_message_is_one_short_line() {
        let body = format!("<Error><Code>X</Code><Message>a\nb{}</Message></Error>", "c".repeat(10_000));
        let message = parse_error_response(body.as_bytes()).message.unwrap();
        assert_eq!(message.chars().count(), MAX_MESSAGE);
        assert!(message.starts_with("a bc"));
        assert_eq!(one_line("a\u{1b}[31m\u{202e}b", 10).as_deref(), Some("a [31m b"));
        assert_eq!(one_line("\u{202e}", 10), None);
    }
}
