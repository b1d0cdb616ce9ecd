//! From a Host header and a path to a bucket, a region and a key.
//!
//! The host forms are those of the COS page "Regions and Access Endpoints"
//! and of `format_region` in `cos_comm.py` of the official Python SDK.

use crate::{error::ServiceError, url_encoding::decode_path};

/// COS's limit for an object key, in bytes of UTF-8.
pub(crate) const MAX_KEY_BYTES: usize = 850;

/// What a request speaks of. A region of `None` means any: the host did not
/// name one (an IP address, `service.…`) or names all (`accelerate`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    Service { region: Option<String> },
    Bucket { bucket: String, region: Option<String> },
    Object { bucket: String, region: Option<String>, key: String },
}

/// Works out what `host` (with or without a port) and `path` (as sent,
/// percent-encoded) speak of.
pub(crate) fn resolve(host: &str, path: &str) -> Result<Resource, ServiceError> {
    let path = path.strip_prefix('/').ok_or(ServiceError::InvalidUri)?;
    match Host::parse(host) {
        Host::Virtual { bucket, region } => in_bucket(bucket, region, path),
        Host::PathStyle { region } => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            if bucket.is_empty() {
                // "//key": a bucket without a name.
                return if key.is_empty() && path.is_empty() {
                    Ok(Resource::Service { region })
                } else {
                    Err(ServiceError::NoSuchBucket)
                };
            }
            let bucket = decode_path(bucket).ok_or(ServiceError::InvalidUri)?;
            in_bucket(bucket, region, key)
        }
    }
}

fn in_bucket(bucket: String, region: Option<String>, raw_key: &str) -> Result<Resource, ServiceError> {
    let key = decode_path(raw_key).ok_or(ServiceError::InvalidUri)?;
    if key.len() > MAX_KEY_BYTES {
        return Err(ServiceError::KeyTooLong);
    }
    Ok(if key.is_empty() { Resource::Bucket { bucket, region } } else { Resource::Object { bucket, region, key } })
}

enum Host {
    Virtual { bucket: String, region: Option<String> },
    PathStyle { region: Option<String> },
}

impl Host {
    fn parse(host: &str) -> Self {
        let host = without_port(host).to_ascii_lowercase();
        let labels: Vec<&str> = match host.strip_suffix(".myqcloud.com").or_else(|| host.strip_suffix(".tencentcos.cn"))
        {
            Some(rest) => rest.split('.').collect(),
            None => {
                return match host.strip_suffix(".localhost") {
                    Some(bucket) if !bucket.contains('.') => Self::Virtual { bucket: bucket.to_owned(), region: None },
                    _ => Self::PathStyle { region: None },
                };
            }
        };
        match labels.as_slice() {
            ["cos" | "cos-internal", region] => Self::PathStyle { region: named_region(region) },
            [bucket, "cos" | "cos-internal", region] => {
                Self::Virtual { bucket: (*bucket).to_owned(), region: named_region(region) }
            }
            // `service.cos…`, and names that COS does not have.
            _ => Self::PathStyle { region: None },
        }
    }
}

fn named_region(label: &str) -> Option<String> {
    (label != "accelerate").then(|| label.to_owned())
}

/// The host without its port; an IPv6 address keeps its brackets.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(bucket: &str, region: Option<&str>, key: &str) -> Resource {
        Resource::Object { bucket: bucket.into(), region: region.map(Into::into), key: key.into() }
    }

    #[test]
    fn virtual_hosts_name_bucket_and_region() {
        for (host, region) in [
            ("a-125.cos.ap-beijing.myqcloud.com", Some("ap-beijing")),
            ("a-125.cos.ap-beijing.myqcloud.com:8080", Some("ap-beijing")),
            ("A-125.COS.ap-Beijing.MyQCloud.com", Some("ap-beijing")),
            ("a-125.cos.ap-beijing.tencentcos.cn", Some("ap-beijing")),
            ("a-125.cos-internal.ap-beijing.tencentcos.cn", Some("ap-beijing")),
            ("a-125.cos.accelerate.myqcloud.com", None),
            ("a-125.cos-internal.accelerate.tencentcos.cn", None),
            ("a-125.localhost:9000", None),
        ] {
            assert_eq!(resolve(host, "/x/y"), Ok(object("a-125", region, "x/y")), "{host}");
        }
    }

    #[test]
    fn other_hosts_are_path_style() {
        for (host, region) in [
            ("127.0.0.1:9000", None),
            ("[::1]:9000", None),
            ("localhost", None),
            ("cos:9000", None),
            ("cos.ap-beijing.myqcloud.com", Some("ap-beijing")),
        ] {
            assert_eq!(resolve(host, "/a-125/x/y"), Ok(object("a-125", region, "x/y")), "{host}");
            assert_eq!(resolve(host, "/"), Ok(Resource::Service { region: region.map(Into::into) }));
            for path in ["/a-125", "/a-125/"] {
                assert_eq!(
                    resolve(host, path),
                    Ok(Resource::Bucket { bucket: "a-125".into(), region: region.map(Into::into) })
                );
            }
        }
        assert_eq!(resolve("service.cos.myqcloud.com", "/"), Ok(Resource::Service { region: None }));
        assert_eq!(resolve("127.0.0.1", "//x"), Err(ServiceError::NoSuchBucket));
    }

    #[test]
    fn keys_are_taken_as_they_are() {
        let host = "a-125.cos.ap-beijing.myqcloud.com";
        let expected = |key| Ok(object("a-125", Some("ap-beijing"), key));
        assert_eq!(resolve(host, "//x"), expected("/x"));
        assert_eq!(resolve(host, "/a//b/"), expected("a//b/"));
        assert_eq!(resolve(host, "/a/../b"), expected("a/../b"));
        assert_eq!(resolve(host, "/a%2F%2e%2e/b+c%2B"), expected("a/../b+c+"));
        assert_eq!(resolve(host, "/%E6%8A%A5%01"), expected("报\u{1}"));
    }

    #[test]
    fn bad_paths_are_refused() {
        let host = "127.0.0.1";
        assert_eq!(resolve(host, "*"), Err(ServiceError::InvalidUri));
        assert_eq!(resolve(host, "/b-1/%ff"), Err(ServiceError::InvalidUri));
        let path = |length| format!("/b-1/{}", "k".repeat(length));
        assert!(resolve(host, &path(850)).is_ok());
        assert_eq!(resolve(host, &path(851)), Err(ServiceError::KeyTooLong));
    }
}
