use percent_encoding::percent_decode_str;
use serde::Deserialize;

use crate::endpoint::query;
use crate::{Cos, CosError, MalformedAnswer, Operation, Target, xml};

/// Most objects and common prefixes COS gives in one page.
const MAX_KEYS: u16 = 1000;

/// Which objects to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// `name-appid`.
    pub bucket: String,
    /// Where the bucket is; the configured region when none is given.
    pub region: Option<String>,
    /// Only keys that begin with this. Empty: all.
    pub prefix: String,
    /// Keys that are equal from the prefix to this character are folded into one common prefix; `/` makes folders.
    pub delimiter: Option<String>,
    /// Only keys after this one, in the order of their UTF-8 bytes: the [`next_marker`](ObjectPage::next_marker) of the
    /// page before.
    pub marker: Option<String>,
    /// Most objects and common prefixes to list, 1 to 1000; 1000 when not given.
    pub max_keys: Option<u16>,
}

/// A page of a bucket's list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectPage {
    /// The objects, in the order of their keys' UTF-8 bytes.
    pub objects: Vec<ObjectSummary>,
    /// The folders, in the same order; each begins with the prefix and ends with the delimiter.
    pub common_prefixes: Vec<String>,
    /// Whether more follow.
    pub is_truncated: bool,
    /// The marker of the next page; there whenever [`is_truncated`](Self::is_truncated) is.
    pub next_marker: Option<String>,
}

/// An object as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObjectSummary {
    /// The key, decoded.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// When it was last written, ISO 8601, such as `2019-05-24T11:49:50.000Z`.
    pub last_modified: String,
    /// The entity tag as COS writes it, quotation marks included.
    pub etag: String,
    /// `STANDARD`, `STANDARD_IA`, `ARCHIVE`, `DEEP_ARCHIVE`, ….
    pub storage_class: String,
}

impl Cos {
    /// One page of a bucket's list.
    ///
    /// `GET Bucket`, <https://cloud.tencent.com/document/product/436/7734>, which needs `cos:GetBucket`. A list may lack
    /// an object that was written a moment ago.
    ///
    /// # Errors
    /// [`CosError`].
    pub async fn list_objects(&self, request: &ListRequest) -> Result<ObjectPage, CosError> {
        let max_keys = request.max_keys.unwrap_or(MAX_KEYS);
        if !(1..=MAX_KEYS).contains(&max_keys) {
            return Err(CosError::MaxKeys(max_keys));
        }
        let region = self.region(request.region.as_deref());
        let mut url = self.endpoint().bucket_url(&request.bucket, region, None)?;
        let max_keys = max_keys.to_string();
        // Keys may hold characters that XML cannot; encoded, they all pass.
        let mut parameters = vec![("encoding-type", "url"), ("max-keys", max_keys.as_str())];
        if !request.prefix.is_empty() {
            parameters.push(("prefix", &request.prefix));
        }
        parameters.extend(request.delimiter.as_deref().map(|delimiter| ("delimiter", delimiter)));
        parameters.extend(request.marker.as_deref().map(|marker| ("marker", marker)));
        url.set_query(Some(&query(&parameters)));
        let target = Target::bucket(Operation::GetBucket, &request.bucket, region);
        self.fetch(&target, &url, parse_object_page).await
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListXml {
    encoding_type: Option<String>,
    #[serde(default)]
    is_truncated: bool,
    next_marker: Option<String>,
    // Objects and folders may come in turns, which takes quick-xml's `overlapped-lists`.
    #[serde(default)]
    contents: Vec<ContentsXml>,
    #[serde(default)]
    common_prefixes: Vec<PrefixXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContentsXml {
    key: String,
    size: u64,
    #[serde(default)]
    last_modified: String,
    #[serde(rename = "ETag", default)]
    etag: String,
    #[serde(default)]
    storage_class: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PrefixXml {
    prefix: String,
}

/// Reads the body of a `GET Bucket` answer. Keys are percent-decoded if the answer says that they are encoded.
///
/// Without a delimiter COS may leave `NextMarker` out; then the last key is the marker of the next page.
///
/// # Errors
/// [`MalformedAnswer`] for anything but a list of at most 1000 objects and common prefixes.
pub fn parse_object_page(body: &[u8]) -> Result<ObjectPage, MalformedAnswer> {
    let xml: ListXml = xml::parse(body, "ListBucketResult")?;
    if xml.contents.len() + xml.common_prefixes.len() > usize::from(MAX_KEYS) {
        return Err(MalformedAnswer(format!("a page lists more than {MAX_KEYS} objects")));
    }
    let encoded = xml.encoding_type.is_some_and(|encoding| encoding.eq_ignore_ascii_case("url"));
    let decode = |text: String| match percent_decode_str(&text).decode_utf8() {
        _ if !encoded => Ok(text),
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(MalformedAnswer::new(&format!("the key {text:?} is not UTF-8"))),
    };
    let objects = xml
        .contents
        .into_iter()
        .map(|object| {
            Ok(ObjectSummary {
                key: decode(object.key)?,
                size: object.size,
                last_modified: object.last_modified,
                etag: object.etag,
                storage_class: object.storage_class,
            })
        })
        .collect::<Result<Vec<_>, MalformedAnswer>>()?;
    let common_prefixes = xml
        .common_prefixes
        .into_iter()
        .map(|entry| decode(entry.prefix))
        .collect::<Result<Vec<_>, MalformedAnswer>>()?;
    let next_marker = if xml.is_truncated {
        let given = xml.next_marker.filter(|marker| !marker.is_empty()).map(decode).transpose()?;
        let last = || objects.last().map(|object| &object.key).max(common_prefixes.last()).cloned();
        let Some(marker) = given.or_else(last) else {
            return Err(MalformedAnswer("a page says that more follow, and not where".to_owned()));
        };
        Some(marker)
    } else {
        None
    };
    Ok(ObjectPage { objects, common_prefixes, is_truncated: xml.is_truncated, next_marker })
}

#[cfg(test)]
mod tests;
