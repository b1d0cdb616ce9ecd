//! One page of GET Bucket (List Objects), first version.
//!
//! From the COS page "GET Bucket (List Objects)": keys in UTF-8 byte order,
//! strictly behind `marker`; keys that share what lies between `prefix` and
//! the first `delimiter` become one `CommonPrefixes` entry; `max-keys` counts
//! both kinds. The page does not say what a marker inside or at such a group
//! does: here, as in Amazon's rules that COS follows, a group is listed only
//! if it is itself behind the marker, so `NextMarker` may name a group.

use crate::{error::ServiceError, query::Query};

/// Default and upper bound of `max-keys`.
pub(crate) const MAX_KEYS: usize = 1000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListQuery {
    pub(crate) prefix: String,
    pub(crate) delimiter: String,
    pub(crate) marker: String,
    pub(crate) max_keys: usize,
    pub(crate) url_encoded: bool,
}

impl ListQuery {
    pub(crate) fn parse(query: &Query) -> Result<Self, ServiceError> {
        let text = |name| query.get(name).unwrap_or_default().to_owned();
        let url_encoded = match query.get_filled("encoding-type") {
            None => false,
            Some("url") => true,
            Some(other) => {
                return Err(ServiceError::InvalidArgument { name: "encoding-type", value: other.to_owned() });
            }
        };
        Ok(Self {
            prefix: text("prefix"),
            delimiter: text("delimiter"),
            marker: text("marker"),
            max_keys: max_keys(query, 0, MAX_KEYS)?,
            url_encoded,
        })
    }
}

/// `max-keys` of a query; more than `most` counts as `most`.
pub(crate) fn max_keys(query: &Query, least: usize, most: usize) -> Result<usize, ServiceError> {
    let Some(text) = query.get_filled("max-keys") else {
        return Ok(most);
    };
    text.parse::<u32>()
        .ok()
        .and_then(|number| usize::try_from(number).ok())
        .filter(|number| *number >= least)
        .map(|number| number.min(most))
        .ok_or_else(|| ServiceError::InvalidArgument { name: "max-keys", value: text.to_owned() })
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) keys: Vec<String>,
    pub(crate) common_prefixes: Vec<String>,
    /// Set when there is more: the last key or group of this page.
    pub(crate) next_marker: Option<String>,
}

/// Picks a page. `first_from` looks up the first key of the bucket that is not below the one given, in byte order; it is
/// asked once for each entry of the page and at most twice more, however many keys there are beside them.
pub(crate) fn page<E>(
    query: &ListQuery,
    mut first_from: impl FnMut(&str) -> Result<Option<String>, E>,
) -> Result<Page, E> {
    let mut page = Page::default();
    if query.max_keys == 0 {
        return Ok(page);
    }
    let mut last = None;
    let mut from = query.prefix.clone();
    if query.marker >= from {
        from = behind(&query.marker);
    }
    while let Some(key) = first_from(&from)? {
        let Some(rest) = key.strip_prefix(query.prefix.as_str()) else {
            break;
        };
        let group = (!query.delimiter.is_empty())
            .then(|| rest.find(&query.delimiter))
            .flatten()
            .and_then(|at| key.get(..query.prefix.len() + at + query.delimiter.len()));
        let entry = group.unwrap_or(&key).to_owned();
        let next = if group.is_some() { behind_all_of(&entry) } else { Some(behind(&key)) };
        // The marker may lie inside a group.
        if entry > query.marker {
            if page.keys.len() + page.common_prefixes.len() == query.max_keys {
                page.next_marker = last;
                break;
            }
            if group.is_some() { &mut page.common_prefixes } else { &mut page.keys }.push(entry.clone());
            last = Some(entry);
        }
        match next {
            Some(next) => from = next,
            None => break,
        }
    }
    Ok(page)
}

/// The least text above `key`.
fn behind(key: &str) -> String {
    format!("{key}\0")
}

/// The least text above all that begin with `prefix`; `None` if there is none. The byte order of UTF-8 is that of its
/// characters.
fn behind_all_of(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(character) = text.pop() {
        if let Some(next) = (character..=char::MAX).nth(1) {
            text.push(next);
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, collections::BTreeSet, convert::Infallible};

    use proptest::prelude::*;

    use super::*;

    const KEYS: [&str; 8] = ["a.txt", "docs/", "docs/a", "docs/sub/x", "docs/sub/y", "img//x", "z", "报"];

    fn query(prefix: &str, delimiter: &str, marker: &str, max_keys: usize) -> ListQuery {
        ListQuery {
            prefix: prefix.into(),
            delimiter: delimiter.into(),
            marker: marker.into(),
            max_keys,
            url_encoded: false,
        }
    }

    fn page<'a>(keys: impl IntoIterator<Item = &'a str>, query: &ListQuery) -> Page {
        let keys: BTreeSet<&str> = keys.into_iter().collect();
        let lookups = Cell::new(0);
        let Ok(page) = super::page(query, |from| {
            lookups.set(lookups.get() + 1);
            Ok::<_, Infallible>(keys.range(from..).next().map(|key| (*key).to_owned()))
        });
        assert!(lookups.get() <= page.keys.len() + page.common_prefixes.len() + 2);
        page
    }

    /// The definition, read off all keys.
    fn page_by_looking_at_all<'a>(keys: impl IntoIterator<Item = &'a str>, query: &ListQuery) -> Page {
        let mut entries = BTreeSet::new();
        for key in keys {
            let Some(rest) = key.strip_prefix(query.prefix.as_str()) else { continue };
            let at = if query.delimiter.is_empty() { None } else { rest.find(&query.delimiter) };
            match at {
                Some(at) => entries.insert((&key[..query.prefix.len() + at + query.delimiter.len()], true)),
                None => entries.insert((key, false)),
            };
        }
        let entries: Vec<_> = entries.into_iter().filter(|(entry, _)| *entry > query.marker.as_str()).collect();
        let shown = &entries[..entries.len().min(query.max_keys)];
        let of = |group| shown.iter().filter(|entry| entry.1 == group).map(|entry| entry.0.to_owned()).collect();
        Page {
            keys: of(false),
            common_prefixes: of(true),
            next_marker: shown.last().filter(|_| shown.len() < entries.len()).map(|entry| entry.0.to_owned()),
        }
    }

    #[test]
    fn behind_all_that_begin_with_a_text() {
        assert_eq!(behind_all_of("a/").as_deref(), Some("a0"));
        assert_eq!(behind_all_of("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(behind_all_of("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(behind_all_of("\u{10ffff}"), None);
    }

    #[test]
    fn without_a_delimiter_all_keys_come() {
        let whole = page(KEYS, &query("", "", "", 1000));
        assert_eq!(whole.keys, KEYS);
        assert_eq!(whole.next_marker, None);
    }

    #[test]
    fn groups_count_and_are_named_once() {
        let first = page(KEYS, &query("", "/", "", 2));
        assert_eq!(first.keys, ["a.txt"]);
        assert_eq!(first.common_prefixes, ["docs/"]);
        assert_eq!(first.next_marker, Some("docs/".into()));
        let second = page(KEYS, &query("", "/", "docs/", 2));
        assert_eq!(second.common_prefixes, ["img/"]);
        assert_eq!(second.keys, ["z"]);
        assert_eq!(second.next_marker, Some("z".into()));
        let third = page(KEYS, &query("", "/", "z", 2));
        assert_eq!(third.keys, ["报"]);
        assert_eq!(third.next_marker, None);
    }

    #[test]
    fn a_folder_lists_its_own_marker_object() {
        let folder = page(KEYS, &query("docs/", "/", "", 1000));
        assert_eq!(folder.keys, ["docs/", "docs/a"]);
        assert_eq!(folder.common_prefixes, ["docs/sub/"]);
        let empty_name = page(KEYS, &query("img/", "/", "", 1000));
        assert_eq!(empty_name.common_prefixes, ["img//"]);
    }

    #[test]
    fn a_full_last_page_is_not_truncated() {
        assert_eq!(page(KEYS, &query("", "", "", 8)).next_marker, None);
        assert_eq!(page(KEYS, &query("", "", "", 7)).next_marker, Some("z".into()));
        assert_eq!(page(KEYS, &query("", "", "", 0)), Page::default());
    }

    #[test]
    fn parameters() {
        let parse = |raw| ListQuery::parse(&Query::parse(Some(raw)).unwrap());
        assert_eq!(parse("").unwrap(), query("", "", "", 1000));
        assert_eq!(parse("prefix=a%2F&delimiter=%2F&marker=m&max-keys=3").unwrap(), query("a/", "/", "m", 3));
        assert_eq!(parse("max-keys=5000").unwrap().max_keys, 1000);
        assert!(parse("encoding-type=url").unwrap().url_encoded);
        assert!(parse("encoding-type=xml").is_err());
        assert!(parse("max-keys=-1").is_err());
        assert!(parse("max-keys=x").is_err());
    }

    proptest! {
        /// Looking keys up finds what looking at all of them does, wherever the marker lies.
        #[test]
        fn a_page_is_what_the_definition_says(
            keys in prop::collection::btree_set("[ab/\u{10ffff}]{1,5}", 0..40),
            prefix in "[ab/]{0,2}",
            delimiter in "[ab/\u{10ffff}]{0,2}",
            marker in "[ab/\u{10ffff}]{0,4}",
            size in 1usize..6,
        ) {
            let query = query(&prefix, &delimiter, &marker, size);
            let keys = || keys.iter().map(String::as_str);
            prop_assert_eq!(page(keys(), &query), page_by_looking_at_all(keys(), &query));
        }

        /// Whatever the page size, walking by `NextMarker` gives what one
        /// large page gives, once each.
        #[test]
        fn pages_join_to_the_whole(
            keys in prop::collection::btree_set("[ab/]{1,5}", 0..40),
            prefix in "[ab/]{0,2}",
            size in 1usize..6,
        ) {
            let keys: BTreeSet<String> = keys;
            for delimiter in ["", "/", "b/"] {
                let whole = page(keys.iter().map(String::as_str), &query(&prefix, delimiter, "", 1000));
                let (mut got_keys, mut got_prefixes) = (Vec::new(), Vec::new());
                let mut marker = String::new();
                for _ in 0..=keys.len() {
                    let step = page(keys.iter().map(String::as_str), &query(&prefix, delimiter, &marker, size));
                    prop_assert!(step.keys.len() + step.common_prefixes.len() <= size);
                    got_keys.extend(step.keys);
                    got_prefixes.extend(step.common_prefixes);
                    match step.next_marker {
                        Some(next) => marker = next,
                        None => break,
                    }
                }
                prop_assert_eq!(&got_keys, &whole.keys);
                prop_assert_eq!(&got_prefixes, &whole.common_prefixes);
            }
        }
    }
}
