//! The buckets that the user names, for keys that may not list buckets.

use dify_plugin::Error;

/// Most buckets that can be named.
const MAX_BUCKETS: usize = 1000;

/// Longest part of a wrong entry that a message repeats, in characters.
const MAX_SHOWN: usize = 80;

/// The buckets that are shown and opened, and no others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AllowList(Vec<AllowedBucket>);

/// One entry, `name-appid[@region]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AllowedBucket {
    pub(crate) name: String,
    pub(crate) region: Option<String>,
}

impl AllowList {
    /// Reads entries that are separated by commas, line breaks or white space; an empty text is no list.
    ///
    /// # Errors
    /// When an entry is not `name-appid` or `name-appid@region`, or a bucket is named in two regions.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, Error> {
        let mut buckets: Vec<AllowedBucket> = Vec::new();
        let is_separator = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；' | '、');
        for entry in text.split(is_separator).filter(|entry| !entry.is_empty()) {
            let (name, region) = match entry.split_once('@') {
                Some((name, region)) => (name, Some(region)),
                None => (entry, None),
            };
            if !is_bucket_name(name) || !region.is_none_or(is_region) {
                let entry: String = entry.chars().take(MAX_SHOWN).collect();
                return Err(Error::credentials(format!(
                    "{entry:?} in the list of buckets is not a bucket: write name-appid or name-appid@region, such as \
                     examplebucket-1250000000@ap-guangzhou"
                )));
            }
            let bucket = AllowedBucket { name: name.to_owned(), region: region.map(str::to_owned) };
            let is_full = buckets.len() == MAX_BUCKETS;
            match buckets.iter_mut().find(|known| known.name == name) {
                None if is_full => {
                    return Err(Error::credentials(format!("the list names more than {MAX_BUCKETS} buckets")));
                }
                None => buckets.push(bucket),
                Some(known) if known.region.is_none() => *known = bucket,
                Some(known) if bucket.region.is_some() && known.region != bucket.region => {
                    return Err(Error::credentials(format!("the list names the bucket {name} in two regions")));
                }
                Some(_) => {}
            }
        }
        Ok((!buckets.is_empty()).then_some(Self(buckets)))
    }

    pub(crate) fn buckets(&self) -> &[AllowedBucket] {
        &self.0
    }

    pub(crate) fn find(&self, name: &str) -> Option<&AllowedBucket> {
        self.0.iter().find(|bucket| bucket.name == name)
    }
}

/// `name-appid` (<https://cloud.tencent.com/document/product/436/13312>).
fn is_bucket_name(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(short, appid)| {
        is_region(short) && !appid.is_empty() && appid.bytes().all(|b| b.is_ascii_digit())
    }) && name.len() <= 63
}

fn is_region(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Vec<(String, Option<String>)> {
        let list = AllowList::parse(text).unwrap();
        let buckets = list.iter().flat_map(AllowList::buckets);
        buckets.map(|bucket| (bucket.name.clone(), bucket.region.clone())).collect()
    }

    fn pair(name: &str, region: Option<&str>) -> (String, Option<String>) {
        (name.to_owned(), region.map(str::to_owned))
    }

    #[test]
    fn commas_and_lines_separate() {
        for text in
            ["a-1@ap-beijing,b-2", " a-1@ap-beijing\n\nb-2\r\n", "a-1@ap-beijing， b-2,", "a-1@ap-beijing;b-2;a-1"]
        {
            assert_eq!(parse(text), [pair("a-1", Some("ap-beijing")), pair("b-2", None)], "{text:?}");
        }
    }

    #[test]
    fn nothing_is_no_list() {
        for text in ["", " \n", ",,"] {
            assert_eq!(AllowList::parse(text).unwrap(), None, "{text:?}");
        }
    }

    #[test]
    fn a_region_may_be_said_once() {
        assert_eq!(parse("a-1,a-1@ap-beijing"), [pair("a-1", Some("ap-beijing"))]);
        let error = AllowList::parse("a-1@ap-beijing,a-1@ap-shanghai").unwrap_err();
        assert!(error.message().contains("a-1 in two regions"), "{error}");
    }

    #[test]
    fn a_wrong_entry_is_named() {
        for entry in ["a", "A-1", "a-1@", "a-1@ap/x", "https://a-1.cos.ap-beijing.myqcloud.com", "a-b", "-1"] {
            let error = AllowList::parse(&format!("b-2,{entry}")).unwrap_err();
            assert!(error.message().contains(&format!("{entry:?}")), "{error}");
        }
    }

    #[test]
    fn the_list_has_an_end() {
        let text: String = (0..=MAX_BUCKETS).map(|number| format!("a-{number},")).collect();
        assert!(AllowList::parse(&text).unwrap_err().message().contains("more than 1000"));
    }
}
