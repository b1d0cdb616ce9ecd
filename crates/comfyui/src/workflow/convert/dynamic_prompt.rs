//! Comments and choices in texts, which the editor resolves before it sends a prompt.

/// How deep choices may stand inside of each other. The editor has no such limit; a text beyond it keeps its braces.
const MAX_DEPTH: usize = 50;

/// The text without `//` and `/* */` comments, and with one option of each `{a|b}`. `pick` says which of that many.
/// `\{`, `\|` and `\}` stand for themselves.
pub(super) fn resolve(text: &str, pick: &mut dyn FnMut(usize) -> usize) -> String {
    if !text.contains(['{', '\\', '/']) {
        return text.to_owned();
    }
    resolve_to(text, pick, 0)
}

fn resolve_to(text: &str, pick: &mut dyn FnMut(usize) -> usize, depth: usize) -> String {
    let text = without_comments(text);
    if depth >= MAX_DEPTH {
        return text;
    }
    let mut resolved = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '{' => {
                let options = options(&mut chars);
                let chosen = options.get(pick(options.len())).map(String::as_str).unwrap_or_default();
                resolved.push_str(&resolve_to(chosen, pick, depth + 1));
            }
            // Whatever is escaped is no brace; the backslash goes at the end.
            '\\' => {
                resolved.push(c);
                resolved.extend(chars.next());
            }
            c => resolved.push(c),
        }
    }
    unescaped(&resolved)
}

/// The options up to the brace that closes them, or to the end of the text.
fn options(chars: &mut std::str::Chars<'_>) -> Vec<String> {
    let mut options = vec![String::new()];
    let mut depth = 0_usize;
    while let Some(c) = chars.next() {
        let Some(option) = options.last_mut() else { break };
        match c {
            '\\' => {
                option.push(c);
                option.extend(chars.next());
                continue;
            }
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            '|' if depth == 0 => {
                options.push(String::new());
                continue;
            }
            _ => {}
        }
        option.push(c);
    }
    options
}

fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('/') {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        let block = from.strip_prefix("/*").and_then(|inner| inner.split_once("*/"));
        rest = if let Some((_, after)) = block {
            after
        } else if from.starts_with("//") {
            let end = from.find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(from.len());
            from.get(end..).unwrap_or_default()
        } else {
            kept.push('/');
            from.get(1..).unwrap_or_default()
        };
    }
    kept.push_str(rest);
    kept
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next @ ('{' | '}' | '|')) if c == '\\' => {
                plain.push(*next);
                chars.next();
            }
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> String {
        resolve(text, &mut |_| 0)
    }

    fn last(text: &str) -> String {
        resolve(text, &mut |count| count - 1)
    }

    #[test]
    fn one_of_the_options_is_taken_also_inside_of_another() {
        assert_eq!(first("a {red|green} {big|small} cat"), "a red big cat");
        assert_eq!(last("a {red|{dark|light} green} cat"), "a light green cat");
        assert_eq!(first("{only}{}"), "only");
        assert_eq!(last("an open {a|b"), "an open b");
        assert_eq!(first("} and | alone"), "} and | alone");
    }

    #[test]
    fn comments_go_even_where_they_are_addresses() {
        assert_eq!(first("a // b\nc /* d\ne */f http://x/y"), "a \nc f http:");
        assert_eq!(first("1/2 /* open"), "1/2 /* open");
    }

    #[test]
    fn what_is_escaped_stands_for_itself() {
        assert_eq!(first(r"\{a\|b\} {c\|d|e} \n"), r"{a|b} c|d \n");
    }

    #[test]
    fn deep_and_broken_texts_end() {
        let deep = "{".repeat(100_000);
        assert!(first(&deep).len() <= deep.len());
        assert_eq!(first("\\"), "\\");
    }
}
