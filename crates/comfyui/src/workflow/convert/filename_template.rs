//! `%Node.widget%` and `%date:…%` in file names.

/// The local time, as it goes into file names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalTime {
    /// Such as 2026.
    pub year: u16,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 60.
    pub second: u8,
}

/// Fills the templates of a text. `value` gives the value of a node's widget. What is unknown stays, and so do `%width%`
/// and `%height%`, which the server fills.
pub(super) fn fill(text: &str, now: LocalTime, value: impl Fn(&str, &str) -> Option<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let inner = from.get(1..).and_then(|inner| inner.split_once('%')).filter(|(name, _)| !name.is_empty());
        let Some((name, after)) = inner else {
            filled.push('%');
            rest = from.get(1..).unwrap_or_default();
            continue;
        };
        let parts: Vec<&str> = name.split('.').collect();
        let found = match parts.as_slice() {
            [node, widget] => value(node, widget).map(|value| without_path_characters(&value)),
            [first, ..] => first.strip_prefix("date:").map(|format| date(format, now)),
            [] => None,
        };
        match found {
            Some(found) => filled.push_str(&found),
            None => {
                filled.push('%');
                filled.push_str(name);
                filled.push('%');
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

fn without_path_characters(value: &str) -> String {
    let safe = |c: char| {
        if matches!(c, '/' | '?' | '<' | '>' | '\\' | ':' | '*' | '|' | '"' | '\0'..='\x1f' | '\x7f') { '_' } else { c }
    };
    value.chars().map(safe).collect()
}

/// `d`, `M`, `h`, `m` and `s` stand for numbers, twice for two digits; `yy` and `yyyy` for the year.
fn date(format: &str, now: LocalTime) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some(c) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(c).len();
        let part = match c {
            'd' => Some(now.day),
            'M' => Some(now.month),
            'h' => Some(now.hour),
            'm' => Some(now.minute),
            's' => Some(now.second),
            _ => None,
        };
        let taken = match (part, c) {
            (Some(part), _) => {
                let digits = run.min(2);
                text.push_str(&format!("{part:0digits$}"));
                digits
            }
            (None, 'y') if run >= 2 => {
                let taken = run.min(4);
                match taken {
                    2 => text.push_str(&format!("{:02}", now.year % 100)),
                    4 => text.push_str(&now.year.to_string()),
                    _ => text.push_str("yyy"),
                }
                taken
            }
            (None, c) => {
                text.push(c);
                c.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: LocalTime = LocalTime { year: 2026, month: 3, day: 7, hour: 14, minute: 5, second: 9 };

    fn filled(text: &str) -> String {
        fill(text, NOW, |node, widget| (node == "KSampler" && widget == "seed").then(|| "a/b:7".to_owned()))
    }

    #[test]
    fn values_lose_what_file_names_cannot_hold() {
        assert_eq!(filled("x_%KSampler.seed%_y"), "x_a_b_7_y");
    }

    #[test]
    fn what_is_unknown_stays() {
        for text in ["%width%x%height%", "%No.seed%", "%KSampler.x%", "50%", "%%", "%a", "%a.b.c%", "%date%", ""] {
            assert_eq!(filled(text), text);
        }
    }

    #[test]
    fn dates_are_written_as_asked() {
        assert_eq!(filled("%date:yyyy-MM-dd%/%date:hhmmss%"), "2026-03-07/140509");
        assert_eq!(filled("%date:d.M.yy h:m:s%"), "7");
        assert_eq!(filled("%date:d M yy h:m:s%"), "7 3 26 14:5:9");
        assert_eq!(filled("%date:yyy y ä%"), "yyy y ä");
    }
}
