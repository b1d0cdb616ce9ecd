//! The Range header of a GET.
//!
//! The COS page "GET Object": `bytes=first-last`, one range only; a first
//! byte behind the end is a 416. Anything else is passed over, as RFC 9110
//! section 14.2 lets a server do.

/// Bytes `first` to `last`, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ByteRange {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl ByteRange {
    /// Never zero: `last` is not before `first`.
    pub(crate) fn len(self) -> u64 {
        self.last - self.first + 1
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Selection {
    Whole,
    Part(ByteRange),
    Unsatisfiable,
}

/// What `header` selects of an object of `length` bytes.
pub(crate) fn select(header: Option<&str>, length: u64) -> Selection {
    let Some((first, last)) =
        header.and_then(|value| value.trim().strip_prefix("bytes=")).and_then(|range| range.split_once('-'))
    else {
        return Selection::Whole;
    };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if last < first => Selection::Whole,
        (Some(first), _) if first >= length && (last.is_empty() || number(last).is_some()) => Selection::Unsatisfiable,
        (Some(first), Some(last)) => Selection::Part(ByteRange { first, last: last.min(length - 1) }),
        (Some(first), None) if last.is_empty() => Selection::Part(ByteRange { first, last: length - 1 }),
        (None, Some(suffix)) if first.is_empty() => {
            if suffix == 0 || length == 0 {
                Selection::Unsatisfiable
            } else {
                Selection::Part(ByteRange { first: length.saturating_sub(suffix), last: length - 1 })
            }
        }
        _ => Selection::Whole,
    }
}

/// Digits only: `u64::from_str` would also take a plus sign.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(first: u64, last: u64) -> Selection {
        Selection::Part(ByteRange { first, last })
    }

    #[test]
    fn one_range_is_honoured() {
        assert_eq!(select(Some("bytes=0-9"), 100), part(0, 9));
        assert_eq!(select(Some("bytes=90-200"), 100), part(90, 99));
        assert_eq!(select(Some("bytes=99-"), 100), part(99, 99));
        assert_eq!(select(Some("bytes=-5"), 100), part(95, 99));
        assert_eq!(select(Some("bytes=-500"), 100), part(0, 99));
        let huge = "bytes=0-99999999999999999999999";
        assert_eq!(select(Some(huge), 100), part(0, 99));
    }

    #[test]
    fn a_range_behind_the_end_is_unsatisfiable() {
        assert_eq!(select(Some("bytes=100-"), 100), Selection::Unsatisfiable);
        assert_eq!(select(Some("bytes=100-200"), 100), Selection::Unsatisfiable);
        assert_eq!(select(Some("bytes=0-0"), 0), Selection::Unsatisfiable);
        assert_eq!(select(Some("bytes=-0"), 100), Selection::Unsatisfiable);
        assert_eq!(select(Some("bytes=-1"), 0), Selection::Unsatisfiable);
    }

    #[test]
    fn anything_else_selects_the_whole() {
        for header in [
            None,
            Some(""),
            Some("bytes=-"),
            Some("bytes=9-0"),
            Some("bytes=0-1,3-4"),
            Some("bytes=+1-2"),
            Some("bytes=a-b"),
            Some("bytes=200-x"),
            Some("items=0-1"),
        ] {
            assert_eq!(select(header, 100), Selection::Whole, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn a_part_lies_inside(header in "bytes=[0-9]{0,4}-[0-9]{0,4}", length in 0u64..3000) {
            if let Selection::Part(range) = select(Some(&header), length) {
                prop_assert!(range.first <= range.last && range.last < length);
                prop_assert!(range.len() >= 1 && range.len() <= length);
            }
        }
    }
}
