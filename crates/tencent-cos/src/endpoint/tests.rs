use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::*;

const NAME: &str = "examplebucket-1250000000";

fn url(template: &str, region: Option<&str>, key: Option<&str>) -> Result<String, EndpointError> {
    Ok(EndpointTemplate::parse(template)?.bucket_url(NAME, region, key)?.to_string())
}

#[test]
fn addresses_of_buckets() {
    for (template, region, expected) in [
        ("", Some("ap-guangzhou"), "https://examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com/"),
        (
            "{bucket}.cos-internal.{region}.tencentcos.cn",
            Some("ap-beijing-1"),
            "https://examplebucket-1250000000.cos-internal.ap-beijing-1.tencentcos.cn/",
        ),
        (
            "https://{bucket}.cos.accelerate.myqcloud.com/",
            None,
            "https://examplebucket-1250000000.cos.accelerate.myqcloud.com/",
        ),
        ("files.example.com", Some("ap-guangzhou"), "https://files.example.com/"),
        ("HTTP://127.0.0.1:9000/{bucket}/", None, "http://127.0.0.1:9000/examplebucket-1250000000/"),
        ("http://[::1]:9000/{bucket}", None, "http://[::1]:9000/examplebucket-1250000000/"),
        (
            "https://gateway.example/cos/{region}/{bucket}",
            Some("ap-guangzhou"),
            "https://gateway.example/cos/ap-guangzhou/examplebucket-1250000000/",
        ),
    ] {
        assert_eq!(url(template, region, None).as_deref(), Ok(expected), "{template}");
    }
}

#[test]
fn addresses_at_which_buckets_are_listed() {
    for (template, region, expected) in [
        ("", None, Ok("https://service.cos.myqcloud.com/")),
        ("http://{bucket}.cos.{region}.myqcloud.com", None, Ok("http://service.cos.myqcloud.com/")),
        ("{bucket}.cos.accelerate.myqcloud.com", None, Ok("https://service.cos.myqcloud.com/")),
        ("{bucket}.cos-internal.{region}.tencentcos.cn", None, Ok("https://service.cos.tencentcos.cn/")),
        ("http://127.0.0.1:9000/{bucket}", None, Ok("http://127.0.0.1:9000/")),
        ("https://gateway.example/cos/{bucket}", None, Ok("https://gateway.example/cos/")),
        ("{bucket}.cos.{region}.example.com:8443", Some("r1"), Ok("https://cos.r1.example.com:8443/")),
        ("{bucket}.cos.{region}.example.com", None, Err(EndpointError::RegionMissing)),
        ("{bucket}.notmyqcloud.com", None, Ok("https://notmyqcloud.com/")),
        ("files.example.com", None, Err(EndpointError::OneBucket { host: "files.example.com".to_owned() })),
    ] {
        let service = EndpointTemplate::parse(template).unwrap().service_url(region).map(String::from);
        assert_eq!(service, expected.map(str::to_owned), "{template}");
    }
}

#[test]
fn a_template_that_cannot_be_says_why_and_what_one_looks_like() {
    for (template, problem) in [
        ("ftp://{bucket}.example.com", "neither with https://"),
        ("https://user:sesame@{bucket}.example.com", "a user name or a password"),
        ("https://{bucket}.example.com/?sesame", "a query or a fragment"),
        ("https://{bucket}.example.com/path", "a path as well"),
        ("https://x.{bucket}.example.com", "first label"),
        ("https://{bucket}/", "first label"),
        ("https://{bucket}.{bucket}.example.com", "more than once"),
        ("https://example.com/path", "a path without {bucket}"),
        ("https://example.com/{bucket}/path", "last segment"),
        ("https://example.com/x{bucket}", "last segment"),
        ("https://example.com/a//{bucket}", "an empty segment"),
        ("https://example.com/../{bucket}", "dot segment"),
        ("https://{appid}.example.com", "a placeholder other than"),
        ("https://{bucket}.exa mple.com", "a character"),
        ("https://{bucket}.例.com", "a character"),
        ("https:///{bucket}", "no usable host"),
        ("https://{bucket}.example.com:99999", "no usable host"),
    ] {
        let error = EndpointTemplate::parse(template).unwrap_err().to_string();
        assert!(error.contains(problem), "{template}: {error}");
        assert!(error.contains("looks like https://{bucket}.cos.{region}.myqcloud.com"), "{error}");
        assert!(!error.contains("sesame"), "{error}");
    }
}

#[test]
fn a_template_is_shown_as_it_is_written() {
    for template in
        ["https://{bucket}.cos.{region}.myqcloud.com", "http://127.0.0.1:9000/{bucket}", "https://files.example.com"]
    {
        assert_eq!(EndpointTemplate::parse(template).unwrap().to_string(), template);
    }
    assert_eq!(EndpointTemplate::parse(" ").unwrap(), EndpointTemplate::default());
}

#[test]
fn names_and_regions_cannot_change_the_host() {
    let template = EndpointTemplate::default();
    let long = "a".repeat(64);
    for bucket in ["", "a.b", "a/b", "a@b", "evil.example#", "-a", "a-", "a b", "桶", "a%2e", "{region}", long.as_str()]
    {
        let error = template.bucket_url(bucket, Some("ap-guangzhou"), None).unwrap_err();
        assert!(matches!(error, EndpointError::Bucket { .. }), "{bucket}: {error}");
    }
    for region in ["", "a.b", "a/b", "ap-guangzhou.evil.example/", "ap guangzhou", long.as_str()] {
        let error = template.bucket_url(NAME, Some(region), None).unwrap_err();
        assert!(matches!(error, EndpointError::Region { .. }), "{region}: {error}");
    }
    assert_eq!(template.bucket_url(NAME, None, None), Err(EndpointError::RegionMissing));
}

#[test]
fn keys_are_written_so_that_nothing_on_the_way_changes_them() {
    for (key, path) in [
        ("docs/a.txt", "/docs/a.txt"),
        ("/lead", "//lead"),
        ("a//b/", "/a//b/"),
        ("./a", "/.%2Fa"),
        ("../a", "/..%2Fa"),
        ("a/../b", "/a%2F..%2Fb"),
        ("a/.", "/a%2F."),
        ("../..", "/..%2F.."),
        ("a./b..", "/a./b.."),
        ("...", "/..."),
        ("%2e%2e/a", "/%252e%252e/a"),
        ("a b+c%?#&=", "/a%20b%2Bc%25%3F%23%26%3D"),
        ("a\\b", "/a%5Cb"),
        ("报告 一.txt", "/%E6%8A%A5%E5%91%8A%20%E4%B8%80.txt"),
        ("😀\n\u{1b}\u{7f}", "/%F0%9F%98%80%0A%1B%7F"),
    ] {
        let url = url("http://127.0.0.1", None, Some(key));
        assert_eq!(url, Ok(format!("http://127.0.0.1{path}")), "{key:?}");
    }
}

#[test]
fn keys_that_no_url_carries_are_refused() {
    assert_eq!(url("h.example", None, Some("")), Err(EndpointError::EmptyKey));
    for key in [".", ".."] {
        assert_eq!(url("h.example", None, Some(key)), Err(EndpointError::DotKey { key: key.to_owned() }));
    }
}

#[test]
fn a_query_is_encoded_once_and_without_plus_signs() {
    assert_eq!(query(&[("prefix", "报 a+b/&="), ("max-keys", "1")]), "prefix=%E6%8A%A5%20a%2Bb%2F%26%3D&max-keys=1");
    assert_eq!(query(&[]), "");
}

proptest! {
    #[test]
    fn every_key_survives_byte_for_byte(key in "(\\PC|[./%\\x00-\\x20]){1,40}") {
        prop_assume!(key != "." && key != "..");
        for (template, base) in [("h.example", "/"), ("http://h.example/{bucket}", "/examplebucket-1250000000/")] {
            let url = EndpointTemplate::parse(template).unwrap().bucket_url(NAME, None, Some(&key)).unwrap();
            let sent = url.path().strip_prefix(base).unwrap();
            prop_assert_eq!(percent_decode_str(sent).decode_utf8().unwrap(), key.as_str());
            // A second parse is what the HTTP library and proxies do.
            let again = Url::parse(url.as_str()).unwrap();
            prop_assert_eq!(again.path(), url.path());
        }
    }

    #[test]
    fn any_template_is_read_or_refused(template in "(\\PC|[{}:/.]|\\{bucket\\}|\\{region\\}){0,60}") {
        if let Ok(parsed) = EndpointTemplate::parse(&template) {
            prop_assert!(parsed.bucket_url(NAME, Some("r"), Some("k")).is_ok(), "{}", parsed);
            prop_assert_eq!(EndpointTemplate::parse(&parsed.to_string()), Ok(parsed));
        }
    }
}
