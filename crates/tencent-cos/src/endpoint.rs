use std::fmt;
use std::str::FromStr;

use origin_client::Origin;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

const BUCKET: &str = "{bucket}";
const REGION: &str = "{region}";

/// A DNS label holds no more, and a bucket's name is one.
const MAX_NAME_LENGTH: usize = 63;

/// Everything but the unreserved characters of RFC 3986: what COS's signature asks of values
/// (<https://cloud.tencent.com/document/product/436/7778>), and safe in a path or a query.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// How the address of a bucket is made: a URL in which `{bucket}` and `{region}` stand for the bucket's name and region.
///
/// | template | for |
/// |---|---|
/// | `https://{bucket}.cos.{region}.myqcloud.com` | COS, the default |
/// | `https://{bucket}.cos-internal.{region}.tencentcos.cn` | COS from inside Tencent Cloud |
/// | `https://{bucket}.cos.accelerate.myqcloud.com` | global acceleration |
/// | `https://files.example.com` | a custom domain, which stands for one bucket |
/// | `http://127.0.0.1:9000/{bucket}` | a server that takes the bucket from the path |
///
/// A template without a scheme is `https`. `{bucket}` is the first label of the host or the last segment of the path.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointTemplate {
    scheme: &'static str,
    /// Host and port, with placeholders.
    authority: String,
    /// Path before the bucket's segment, with placeholders; empty, or begins with a slash and ends without.
    base: String,
    place: BucketPlace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BucketPlace {
    Host,
    Path,
    /// The whole host is one bucket's.
    Nowhere,
}

/// Why no address could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// The template cannot be used.
    #[error(
        "the endpoint {problem}; an endpoint looks like https://{{bucket}}.cos.{{region}}.myqcloud.com or \
         http://127.0.0.1:9000/{{bucket}}"
    )]
    Template {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Not the name of a bucket.
    #[error(
        "{bucket:?} is not a bucket's name: letters, digits and hyphens, the APPID at its end, such as \
         examplebucket-1250000000"
    )]
    Bucket {
        /// The name as given, cut where it is long.
        bucket: String,
    },
    /// Not the name of a region.
    #[error("{region:?} is not a region: letters, digits and hyphens, such as ap-guangzhou")]
    Region {
        /// The name as given, cut where it is long.
        region: String,
    },
    /// The template needs a region and there is none.
    #[error("no region is known, and the endpoint needs one, such as ap-guangzhou")]
    RegionMissing,
    /// An empty key would address the bucket itself.
    #[error("the object's key is empty")]
    EmptyKey,
    /// The keys `.` and `..`: a URL cannot carry them, because every client and proxy resolves such a path.
    #[error("the object {key:?} cannot be addressed by a URL: its whole key is a dot segment")]
    DotKey {
        /// `.` or `..`.
        key: String,
    },
    /// The key does not fit into a URL.
    #[error("the object's key cannot be addressed by a URL: it has {length} bytes")]
    Unaddressable {
        /// Length of the key in bytes.
        length: usize,
    },
    /// The template stands for one bucket, so there is no address at which buckets are listed.
    #[error("the endpoint {host} stands for a single bucket and cannot list buckets: name the bucket instead")]
    OneBucket {
        /// Host and port of the template.
        host: String,
    },
}

impl EndpointTemplate {
    /// Reads a template. An empty one is the default.
    ///
    /// # Errors
    /// [`EndpointError::Template`], which says what a template looks like.
    pub fn parse(template: &str) -> Result<Self, EndpointError> {
        let problem = |problem| Err(EndpointError::Template { problem });
        let template = template.trim();
        if template.is_empty() {
            return Ok(Self::default());
        }
        let (scheme, rest) = match template.split_once("://") {
            None => ("https", template),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => ("https", rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => ("http", rest),
            Some(_) => return problem("begins neither with https:// nor with http://"),
        };
        if rest.contains(['?', '#']) {
            return problem("has a query or a fragment");
        }
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        if authority.contains('@') {
            return problem("holds a user name or a password");
        }
        let placeholders_out = rest.replace(BUCKET, "").replace(REGION, "");
        if placeholders_out.contains(['{', '}']) {
            return problem("has a placeholder other than {bucket} and {region}");
        }
        if !placeholders_out.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_~:/[]".contains(&b)) {
            return problem("has a character that a host or a plain path cannot have");
        }
        let path = path.trim_end_matches('/');
        let segments = || path.split('/').filter(|_| !path.is_empty());
        if segments().any(|segment| matches!(segment, "" | "." | "..")) {
            return problem("has an empty segment or a dot segment in its path");
        }
        let (place, base) = match rest.matches(BUCKET).count() {
            0 if path.is_empty() => (BucketPlace::Nowhere, String::new()),
            0 => return problem("has a path without {bucket}"),
            1 if authority.contains(BUCKET) => {
                if !authority.starts_with("{bucket}.") {
                    return problem("does not have {bucket} as the first label of its host");
                }
                if !path.is_empty() {
                    return problem("has {bucket} in its host and a path as well");
                }
                (BucketPlace::Host, String::new())
            }
            1 => {
                let Some(base) = path.strip_suffix(BUCKET).filter(|base| base.is_empty() || base.ends_with('/')) else {
                    return problem("does not have {bucket} as the last segment of its path");
                };
                let base = base.trim_end_matches('/');
                (BucketPlace::Path, if base.is_empty() { String::new() } else { format!("/{base}") })
            }
            _ => return problem("has {bucket} more than once"),
        };
        let template = Self { scheme, authority: authority.to_owned(), base, place };
        // Stand-ins prove that host and port are well formed once the placeholders are filled in.
        match Url::parse(&fill(&format!("{scheme}://{authority}/"), "b", "r")) {
            Ok(url) if Origin::of(&url).is_ok() => Ok(template),
            _ => problem("has no usable host"),
        }
    }

    /// Whether an address needs a region.
    #[must_use]
    pub fn needs_region(&self) -> bool {
        self.authority.contains(REGION) || self.base.contains(REGION)
    }

    /// Whether the template stands for one bucket, whatever its name.
    #[must_use]
    pub const fn is_one_bucket(&self) -> bool {
        matches!(self.place, BucketPlace::Nowhere)
    }

    /// Whether requests travel over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.scheme == "https"
    }

    /// The address of `bucket` in `region`, or of the object `key` in it.
    ///
    /// The key reaches the server byte for byte: everything but letters, digits, `-_.~` and `/` is percent-encoded. A
    /// slash beside a `.` or `..` segment is written `%2F`, as the official Python SDK writes it
    /// (`qcloud_cos/cos_client.py`, `uri`), because a URL with dot segments is resolved before it is sent. Two keys
    /// remain that no URL can carry: `.` and `..` themselves.
    ///
    /// # Errors
    /// [`EndpointError`] for a name, region or key that cannot be in an address.
    pub fn bucket_url(&self, bucket: &str, region: Option<&str>, key: Option<&str>) -> Result<Url, EndpointError> {
        check_bucket(bucket)?;
        let region = self.region(region)?;
        let mut path = fill(&self.base, bucket, region);
        if self.place == BucketPlace::Path {
            path.push('/');
            path.push_str(bucket);
        }
        path.push('/');
        if let Some(key) = key {
            push_key(&mut path, key)?;
        }
        let unaddressable = || EndpointError::Unaddressable { length: key.map_or(0, str::len) };
        let url = format!("{}://{}{path}", self.scheme, fill(&self.authority, bucket, region));
        let url = Url::parse(&url).map_err(|_| unaddressable())?;
        // Whatever the URL library does to a path, a key that it changed is never asked for.
        if url.path() == path { Ok(url) } else { Err(unaddressable()) }
    }

    /// The address at which buckets are listed.
    ///
    /// - COS's own hosts (`myqcloud.com`, `tencentcos.cn`): `service.cos.` and that domain, which lists the buckets of
    ///   every region (<https://cloud.tencent.com/document/product/436/8291>, the official SDK's `list_buckets`);
    /// - another host with `{bucket}` in it: the host without that label, and with the region filled in;
    /// - `{bucket}` in the path: the path before it;
    /// - a custom domain without `{bucket}`: none.
    ///
    /// # Errors
    /// [`EndpointError::OneBucket`] for such a domain; [`EndpointError::RegionMissing`] and [`EndpointError::Region`]
    /// where the address has a region.
    pub fn service_url(&self, region: Option<&str>) -> Result<Url, EndpointError> {
        let authority = match self.place {
            BucketPlace::Nowhere => return Err(EndpointError::OneBucket { host: self.authority.clone() }),
            BucketPlace::Path => self.authority.as_str(),
            BucketPlace::Host => {
                let domain = ["myqcloud.com", "tencentcos.cn"]
                    .into_iter()
                    .find(|domain| self.authority.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')));
                if let Some(domain) = domain {
                    return Url::parse(&format!("{}://service.cos.{domain}/", self.scheme))
                        .map_err(|_| EndpointError::Template { problem: "has no usable host" });
                }
                self.authority.trim_start_matches("{bucket}.")
            }
        };
        let address = format!("{}://{authority}{}/", self.scheme, self.base);
        let region = if address.contains(REGION) { self.region(region)? } else { "" };
        Url::parse(&fill(&address, "", region)).map_err(|_| EndpointError::Template { problem: "has no usable host" })
    }

    fn region<'a>(&self, region: Option<&'a str>) -> Result<&'a str, EndpointError> {
        match region {
            Some(region) if is_name(region) => Ok(region),
            Some(region) => Err(EndpointError::Region { region: cut(region) }),
            None if self.needs_region() => Err(EndpointError::RegionMissing),
            None => Ok(""),
        }
    }
}

impl Default for EndpointTemplate {
    /// `https://{bucket}.cos.{region}.myqcloud.com`.
    fn default() -> Self {
        Self {
            scheme: "https",
            authority: "{bucket}.cos.{region}.myqcloud.com".to_owned(),
            base: String::new(),
            place: BucketPlace::Host,
        }
    }
}

impl FromStr for EndpointTemplate {
    type Err = EndpointError;

    fn from_str(template: &str) -> Result<Self, EndpointError> {
        Self::parse(template)
    }
}

impl fmt::Display for EndpointTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.base)?;
        if self.place == BucketPlace::Path { f.write_str("/{bucket}") } else { Ok(()) }
    }
}

impl fmt::Debug for EndpointTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EndpointTemplate({self})")
    }
}

/// The query `name=value&…`, encoded so that the server and the signature read the same values.
pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (name, value) in parameters {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.extend(utf8_percent_encode(value, ENCODED));
    }
    query
}

/// `text` with its placeholders filled in.
fn fill(text: &str, bucket: &str, region: &str) -> String {
    text.replace(BUCKET, bucket).replace(REGION, region)
}

fn push_key(path: &mut String, key: &str) -> Result<(), EndpointError> {
    let is_dots = |segment: &str| matches!(segment, "." | "..");
    if key.is_empty() {
        return Err(EndpointError::EmptyKey);
    }
    if is_dots(key) {
        return Err(EndpointError::DotKey { key: key.to_owned() });
    }
    let mut before = "";
    for (index, segment) in key.split('/').enumerate() {
        if index > 0 {
            path.push_str(if is_dots(before) || is_dots(segment) { "%2F" } else { "/" });
        }
        path.extend(utf8_percent_encode(segment, ENCODED));
        before = segment;
    }
    Ok(())
}

fn check_bucket(bucket: &str) -> Result<(), EndpointError> {
    if is_name(bucket) { Ok(()) } else { Err(EndpointError::Bucket { bucket: cut(bucket) }) }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_LENGTH).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

fn cut(name: &str) -> String {
    name.chars().take(MAX_NAME_LENGTH).collect()
}

#[cfg(test)]
mod tests;
