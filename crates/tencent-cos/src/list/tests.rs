use proptest::prelude::*;

use super::*;

fn page(inner: &str) -> Result<ObjectPage, MalformedAnswer> {
    parse_object_page(
        format!("<?xml version='1.0' encoding='utf-8' ?>\n<ListBucketResult>{inner}</ListBucketResult>").as_bytes(),
    )
}

fn object(key: &str) -> String {
    format!(
        "<Contents><Key>{key}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>&quot;e&quot;</ETag>\
         <Size>5</Size><Owner><ID>1</ID></Owner><StorageClass>STANDARD</StorageClass></Contents>"
    )
}

#[test]
fn a_page_of_objects_and_folders() {
    let page = page(&format!(
        "<Name>b-125</Name><EncodingType>url</EncodingType><Prefix>%E6%8A%A5/</Prefix><Marker/><MaxKeys>3</MaxKeys>\
         <Delimiter>/</Delimiter><IsTruncated>true</IsTruncated><NextMarker>%E6%8A%A5/c/</NextMarker>{}\
         <CommonPrefixes><Prefix>%E6%8A%A5/b/</Prefix></CommonPrefixes>{}\
         <CommonPrefixes><Prefix>%E6%8A%A5/c/</Prefix></CommonPrefixes>",
        object("%E6%8A%A5/"),
        object("%E6%8A%A5/a%20b+c%25%00.txt"),
    ))
    .unwrap();
    let keys: Vec<_> = page.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["报/", "报/a b+c%\0.txt"]);
    assert_eq!(page.common_prefixes, ["报/b/", "报/c/"]);
    assert_eq!((page.is_truncated, page.next_marker.as_deref()), (true, Some("报/c/")));
    assert_eq!(
        page.objects.first().unwrap(),
        &ObjectSummary {
            key: "报/".to_owned(),
            size: 5,
            last_modified: "2024-01-01T00:00:00.000Z".to_owned(),
            etag: "\"e\"".to_owned(),
            storage_class: "STANDARD".to_owned(),
        }
    );
}

#[test]
fn keys_are_decoded_only_where_the_answer_says_they_are_encoded() {
    let key = |inner: &str| page(inner).unwrap().objects.first().unwrap().key.clone();
    assert_eq!(key(&object("100%25")), "100%25");
    assert_eq!(key(&object("a&amp;b &lt;c&gt;")), "a&b <c>");
    assert_eq!(key(&format!("<EncodingType>url</EncodingType>{}", object("100%25"))), "100%");
}

#[test]
fn without_a_marker_the_greatest_name_is_the_marker() {
    let truncated = |inner: &str| page(&format!("<IsTruncated>true</IsTruncated>{inner}")).map(|page| page.next_marker);
    assert_eq!(truncated(&(object("a") + &object("b"))), Ok(Some("b".to_owned())));
    let folder = "<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>";
    assert_eq!(truncated(&(object("b") + folder)), Ok(Some("c/".to_owned())));
    assert_eq!(truncated(&(object("d") + folder)), Ok(Some("d".to_owned())));
    assert!(truncated("").unwrap_err().to_string().contains("not where"));
}

#[test]
fn an_empty_bucket_is_an_empty_page() {
    assert_eq!(page("<IsTruncated>false</IsTruncated><NextMarker/>"), Ok(ObjectPage::default()));
    assert_eq!(parse_object_page(b"<ListBucketResult/>"), Ok(ObjectPage::default()));
}

#[test]
fn what_is_not_a_page_is_said_to_be_none() {
    for body in [
        &b""[..],
        b"<html><body>hello</body></html>",
        b"<ListAllMyBucketsResult/>",
        b"<ListBucketResults/>",
        b"<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        b"<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        b"<ListBucketResult><IsTruncated>true",
        b"\xff",
    ] {
        assert!(parse_object_page(body).is_err(), "{}", String::from_utf8_lossy(body));
    }
    assert!(page(&object("a").repeat(1001)).unwrap_err().to_string().contains("more than 1000"));
    let not_utf8 = page(&format!("<EncodingType>url</EncodingType>{}", object("%FF")));
    assert!(not_utf8.unwrap_err().to_string().contains("not UTF-8"));
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(body in "(<|>|/|ListBucketResult|Contents|Key|Size|&[a-z#0-9]{1,4};|%|\\PC){0,60}") {
        let _ = parse_object_page(body.as_bytes());
        let _ = parse_object_page(format!("<ListBucketResult>{body}</ListBucketResult>").as_bytes());
    }
}
