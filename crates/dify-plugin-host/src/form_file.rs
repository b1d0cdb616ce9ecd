//! The file name of a form field as Dify's web framework reads it (Werkzeug, `parse_options_header`): raw UTF-8 between
//! quotes with backslash escapes and `%22`, or `filename*` in the encoding that it names.

/// Out of the value of a `Content-Disposition` header.
pub(crate) fn file_name(disposition: &[u8]) -> Option<String> {
    let disposition = String::from_utf8_lossy(disposition);
    let mut name = None;
    for (key, value) in parameters(&disposition) {
        match key.to_ascii_lowercase().as_str() {
            "filename" => name = Some(value.replace("%22", "\"")),
            "filename*" => name = extended(&value).or(name),
            _ => {}
        }
    }
    name
}

/// `key=value` pairs after the first semicolon, quotes taken off.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let (value, after) = after.split_once(';').unwrap_or((after, ""));
                (value.trim_end().to_owned(), after)
            }
        };
        found.push((key.trim().to_owned(), value));
        rest = after.trim_start().strip_prefix(';').unwrap_or(after);
    }
    found
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, text.get(index + 1..).unwrap_or_default()),
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    (value, "")
}

/// `UTF-8''percent-encoded`.
fn extended(value: &str) -> Option<String> {
    let mut parts = value.splitn(3, '\'');
    let charset = parts.next()?;
    let text = parts.nth(1)?;
    if !["utf-8", "us-ascii", "ascii"].contains(&charset.to_ascii_lowercase().as_str()) {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let decoded = (first == b'%')
            .then(|| after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()))
            .flatten();
        bytes.push(decoded.unwrap_or(first));
        rest = if decoded.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_however_clients_write_them() {
        for (disposition, name) in [
            (r#"form-data; name="file"; filename="a b.txt""#, Some("a b.txt")),
            (r#"form-data; filename="naïve 文.txt"; name="file""#, Some("naïve 文.txt")),
            (r#"form-data; name="file"; filename="a\"b\\c%22d;e.txt""#, Some(r#"a"b\c"d;e.txt"#)),
            (r"form-data; name=file; filename=a.txt", Some("a.txt")),
            (r"form-data; name=file; filename*=UTF-8''na%C3%AFve%20a.txt", Some("naïve a.txt")),
            (r#"form-data; name="file""#, None),
            (r#"form-data; name="file"; filename="open"#, Some("open")),
            ("form-data", None),
            ("form-data; filename*=latin", None),
        ] {
            assert_eq!(file_name(disposition.as_bytes()).as_deref(), name, "{disposition}");
        }
    }
}
