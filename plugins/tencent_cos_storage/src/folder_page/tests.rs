use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A bucket of objects that are as long as their keys, listed as COS's documentation says, and as it leaves open.
#[derive(Debug)]
struct Server {
    keys: BTreeSet<String>,
    /// Lists no more than this at once, whatever it is asked for.
    most: usize,
    /// Lists the folder that a marker names again.
    repeats: bool,
}

/// What a server lists: files, folders, and the marker of what follows.
type Listed = (Vec<(String, u64)>, Vec<String>, Option<String>);

impl Server {
    fn of<const N: usize>(keys: [&str; N]) -> Self {
        Self { keys: keys.into_iter().map(str::to_owned).collect(), most: usize::MAX, repeats: false }
    }

    /// What a list of everything would have: each id with its size, folders without one.
    fn entries(&self, prefix: &str) -> BTreeMap<String, Option<u64>> {
        let entries = self.keys.iter().filter_map(|key| {
            let rest = key.strip_prefix(prefix)?;
            Some(match rest.find('/') {
                Some(slash) => (key[..=prefix.len() + slash].to_owned(), None),
                None => (key.clone(), Some(key.len() as u64)),
            })
        });
        entries.collect()
    }

    fn list(&self, prefix: &str, request: &PageRequest) -> Listed {
        let after = request.marker.as_deref().unwrap_or_default();
        let is_listed = |id: &str| id > after || (self.repeats && id == after && id.ends_with('/'));
        let mut rest = self.entries(prefix).into_iter().filter(|(id, _)| is_listed(id)).peekable();
        let (mut files, mut folders, mut last) = (Vec::new(), Vec::new(), None);
        for (id, size) in rest.by_ref().take(usize::from(request.max_keys).min(self.most)) {
            last = Some(id.clone());
            match size {
                Some(size) => files.push((id, size)),
                None => folders.push(id),
            }
        }
        (files, folders, last.filter(|_| rest.peek().is_some()))
    }

    fn fill(&self, mut page: FolderPage) -> Result<(Vec<DriveFile>, Option<String>), Error> {
        while let Some(request) = page.next_request() {
            let (files, folders, next_marker) = self.list(page.prefix(), &request);
            page.add(files, folders, next_marker)?;
        }
        Ok(page.finish())
    }

    fn page(&self, prefix: &str, max_keys: u32, marker: Option<&str>) -> (Vec<String>, Option<String>) {
        let page = FolderPage::new(prefix.to_owned(), max_keys, marker.map(str::to_owned));
        let (entries, marker) = self.fill(page).unwrap();
        (entries.into_iter().map(|entry| entry.id).collect(), marker)
    }
}

fn numbered(count: usize) -> Server {
    Server { keys: (0..count).map(|number| format!("{number:05}")).collect(), most: 1000, repeats: false }
}

#[test]
fn folders_come_before_files() {
    let server = Server::of(["docs/", "docs/a.txt", "docs/sub/x", "docs/sub/y", "docs/z/", "docs/报告 一.txt"]);
    let (entries, marker) = server.fill(FolderPage::new("docs/".to_owned(), 20, None)).unwrap();
    let folder = |id: &str, name: &str| DriveFile {
        id: id.to_owned(),
        name: name.to_owned(),
        size: 0,
        r#type: DriveFileType::Folder,
    };
    let file = |id: &str, name: &str| DriveFile {
        id: id.to_owned(),
        name: name.to_owned(),
        size: id.len() as u64,
        r#type: DriveFileType::File,
    };
    let expected = [
        folder("docs/sub/", "sub"),
        folder("docs/z/", "z"),
        file("docs/a.txt", "a.txt"),
        file("docs/报告 一.txt", "报告 一.txt"),
    ];
    assert_eq!(entries, expected);
    assert_eq!(marker, None);
}

#[test]
fn the_folder_itself_takes_no_place_on_its_page() {
    let server = Server::of(["docs/", "docs/a", "docs/b", "docs/c"]);
    assert_eq!(server.page("docs/", 2, None), (vec!["docs/a".into(), "docs/b".into()], Some("docs/b".into())));
    assert_eq!(server.page("docs/", 2, Some("docs/b")), (vec!["docs/c".into()], None));
    assert_eq!(server.page("docs/", 3, None).1, None);
}

#[test]
fn a_folder_without_an_object_of_its_own_pages_the_same() {
    let server = Server::of(["docs/a", "docs/b", "docs/c"]);
    assert_eq!(server.page("docs/", 2, None), (vec!["docs/a".into(), "docs/b".into()], Some("docs/b".into())));
}

#[test]
fn one_list_makes_one_page() {
    let server = numbered(1000);
    for max_keys in [1, 20, 1000] {
        let mut page = FolderPage::new(String::new(), max_keys, None);
        let request = page.next_request().unwrap();
        let (files, folders, next_marker) = server.list("", &request);
        page.add(files, folders, next_marker).unwrap();
        assert_eq!(page.next_request(), None);
    }
}

#[test]
fn max_keys_is_bounded() {
    let server = numbered(3000);
    for (asked, given) in [(0, 1), (1, 1), (999, 999), (1000, 1000), (1001, 1000), (u32::MAX, 1000)] {
        let (entries, marker) = server.page("", asked, None);
        assert_eq!(entries.len(), given);
        assert_eq!(marker.as_ref(), entries.last());
    }
}

#[test]
fn an_empty_folder_is_a_page_without_entries() {
    assert_eq!(Server::of([]).page("", 20, None), (vec![], None));
    assert_eq!(Server::of(["docs/"]).page("docs/", 20, None), (vec![], None));
    assert_eq!(Server::of(["other"]).page("docs/", 20, None), (vec![], None));
}

#[test]
fn a_server_that_gives_more_than_asked_is_cut_to_measure() {
    let mut page = FolderPage::new(String::new(), 2, None);
    page.next_request().unwrap();
    let files = ["a", "c", "d"].map(|key| (key.to_owned(), 1));
    page.add(files, ["b/".to_owned()], None).unwrap();
    let (entries, marker) = page.finish();
    assert_eq!(entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>(), ["b/", "a"]);
    assert_eq!(marker.as_deref(), Some("b/"));
}

#[test]
fn a_list_that_turns_in_a_circle_is_an_error() {
    let mut page = FolderPage::new(String::new(), 20, Some("m".to_owned()));
    page.next_request().unwrap();
    assert!(page.add([], ["a/".to_owned()], Some("m".to_owned())).is_err());
}

#[test]
fn a_server_that_lists_next_to_nothing_is_not_asked_for_ever() {
    let server = Server { most: 1, ..numbered(100) };
    let (entries, marker) = server.page("", 100, None);
    assert_eq!(entries.len(), MAX_REQUESTS as usize);
    assert_eq!(marker.as_ref(), entries.last());
}

#[test]
fn names() {
    for (key, name) in [
        ("a.txt", "a.txt"),
        ("docs/a.txt", "a.txt"),
        ("docs/sub/", "sub"),
        ("docs//", "/"),
        ("/", "/"),
        ("/a", "a"),
        ("a\\b", "a\\b"),
        ("docs/报告 😀\u{1}.pdf", "报告 😀\u{1}.pdf"),
    ] {
        assert_eq!(base_name(key), name, "{key:?}");
    }
}

proptest! {
    /// All pages together are the folder, each entry once; each page is full but the last; nothing is listed twice.
    #[test]
    fn pages_join_to_the_folder(
        keys in prop::collection::btree_set("[ab/é\u{1}]{1,6}", 0..60),
        prefix in prop_oneof![Just(String::new()), "[ab/]{0,2}/", "[ab]{1,2}"],
        max_keys in 1..8_u32,
        most in 1..10_usize,
        repeats: bool,
    ) {
        // A server that repeats a folder and lists one entry at a time never gets past it, whoever asks.
        let server = Server { keys, most: most.max(1 + usize::from(repeats)), repeats };
        let mut expected = server.entries(&prefix);
        if prefix.ends_with('/') {
            expected.remove(&prefix);
        }
        let mut seen = BTreeMap::new();
        let mut marker = None;
        loop {
            let (entries, next) = server.fill(FolderPage::new(prefix.clone(), max_keys, marker)).unwrap();
            prop_assert!(entries.len() <= max_keys as usize);
            prop_assert!(next.is_none() || entries.len() == max_keys as usize);
            prop_assert!(entries.is_sorted_by_key(|entry| (entry.r#type, &entry.id)));
            for entry in entries {
                let size = (entry.r#type == DriveFileType::File).then_some(entry.size);
                prop_assert_eq!(seen.insert(entry.id, size), None);
            }
            marker = next;
            if marker.is_none() {
                break;
            }
        }
        prop_assert_eq!(seen, expected);
    }
}
