//! Nothing in this crate's source can send but the one place that takes a `Reading`.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// Each source file and its text, tests apart.
fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
            found.push((path.display().to_string(), text));
        }
    }
}

#[test]
fn one_place_sends_and_it_takes_no_method() {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 10);
    let places = |words: &str| -> Vec<&str> {
        let with = found.iter().filter(|(_, text)| text.contains(words));
        with.map(|(path, _)| path.rsplit('/').next().unwrap()).collect()
    };
    assert_eq!(places(".send()"), ["client.rs"]);
    assert_eq!(places(".request("), ["client.rs"]);
    assert_eq!(places("Method::"), ["reading.rs"]);
    for words in [".post(", ".put(", ".delete(", ".patch(", ".body(reqwest", ".multipart(", ".json(", ".form("] {
        assert_eq!(places(words), [""; 0], "{words}");
    }
    let client = &found.iter().find(|(path, _)| path.ends_with("/client.rs")).unwrap().1;
    assert_eq!(client.matches(".send()").count(), 1);
}
