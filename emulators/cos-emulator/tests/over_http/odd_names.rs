use crate::client::{BUCKET, Request, server};

const NAMES: [&str; 20] = [
    "/leading",
    "//two",
    "a//b",
    "a/",
    "a/./b",
    "a/../b",
    "..",
    ".",
    "报告 一.txt",
    "😀",
    "plus+and space",
    "percent%20%2F",
    "hash#question?amp&equals=",
    "semi;colon:comma,quote'\"",
    "back\\slash",
    "tab\tnew\nline\rreturn",
    "bell\u{7}one\u{1}",
    "<xml>&amp;",
    "[brackets]{}|^`",
    "~tilde!*()",
];

#[tokio::test]
async fn every_name_is_got_and_listed_as_it_is() {
    let server = server().await;
    let long = "长".repeat(283);
    for name in NAMES.into_iter().chain([long.as_str()]) {
        server.put_object(BUCKET, name, name.to_owned()).unwrap();
        let got = Request::object(&server, name).send();
        assert_eq!((got.status, got.text()), (200, name), "{name:?}");
    }

    let list = Request::bucket(&server).query("encoding-type", "url").send();
    let listed: Vec<String> = list
        .all("Key")
        .iter()
        .map(|key| {
            let decoded = percent_encoding::percent_decode_str(key).decode_utf8();
            decoded.unwrap().into_owned()
        })
        .collect();
    let mut expected: Vec<&str> = NAMES.into_iter().chain([long.as_str()]).collect();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert!(list.text().is_ascii());
}

#[tokio::test]
async fn empty_names_between_slashes_are_folders_too() {
    let server = server().await;
    for name in ["/x", "//y", "a//b"] {
        server.put_object(BUCKET, name, "").unwrap();
    }
    let prefixes = |prefix: &str| {
        let list = Request::bucket(&server).query("prefix", prefix).query("delimiter", "/").send();
        let mut all = list.all("Prefix");
        all.retain(|found| found != prefix);
        (all, list.all("Key"))
    };
    let none: Vec<String> = vec![];
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(prefixes(""), (texts(&["/", "a/"]), none.clone()));
    assert_eq!(prefixes("/"), (texts(&["//"]), texts(&["/x"])));
    assert_eq!(prefixes("//"), (none, texts(&["//y"])));
}
