//! What is in a folder on disk, in the order of keys, and read again only when the folder has changed.

use std::{
    collections::HashMap,
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use super::look;

/// A folder with more files is refused rather than held in memory; what is kept of all folders together is no more.
const MAX_NAMES: usize = 1_000_000;
/// How much older than its reading a folder's last change has to be for the reading to be kept: more than the time for
/// which the clock of a file system stands still, so that a later change has another time. On Linux that is 10 ms at most.
const STANDSTILL: Duration = Duration::from_millis(100);
/// The same where times are in whole seconds, or, on FAT, in every other one.
const COARSE_STANDSTILL: Duration = Duration::from_secs(3);

/// The files and folders of a folder. Links and the like are passed over, and what has no name in UTF-8.
#[derive(Debug)]
pub(super) struct Entries {
    /// Sorted. Folders have a slash at the end, which puts them where their keys are.
    names: Vec<Box<str>>,
    /// Whether there is nothing at all, also nothing that was passed over.
    pub(super) is_empty: bool,
}

impl Entries {
    fn read(path: &Path) -> io::Result<Self> {
        let mut names = Vec::new();
        let mut is_empty = true;
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            is_empty = false;
            let kind = entry.file_type()?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if kind.is_dir() {
                names.push(format!("{name}/").into());
            } else if kind.is_file() {
                names.push(name.into());
            }
            if names.len() > MAX_NAMES {
                return Err(io::Error::other("too many files in one folder"));
            }
        }
        names.sort_unstable();
        Ok(Self { names, is_empty })
    }

    /// The names from the first one that is not below `from`, or is a folder that `from` lies in.
    pub(super) fn from(&self, from: &str) -> &[Box<str>] {
        let is_below = |name: &str| name < from && !(name.ends_with('/') && from.starts_with(name));
        let first = self.names.partition_point(|name| is_below(name));
        self.names.get(first..).unwrap_or_default()
    }
}

/// What changes with the names in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    /// Since 1970.
    changed: Duration,
    /// Device and number; 0 where there are none.
    identity: (u64, u64),
}

impl Version {
    /// The time of change and not of modification, which whoever copies folders sets back.
    #[cfg(unix)]
    fn of(folder: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;

        let changed = Duration::new(folder.ctime().try_into().ok()?, folder.ctime_nsec().try_into().ok()?);
        Some(Self { changed, identity: (folder.dev(), folder.ino()) })
    }

    #[cfg(not(unix))]
    fn of(folder: &Metadata) -> Option<Self> {
        let changed = folder.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Self { changed, identity: (0, 0) })
    }

    /// Whether a folder that was of this version at `time` is of another one after any later change.
    fn is_settled_at(&self, time: SystemTime) -> bool {
        let standstill = if self.changed.subsec_nanos() == 0 { COARSE_STANDSTILL } else { STANDSTILL };
        time.duration_since(UNIX_EPOCH).is_ok_and(|time| self.changed + standstill < time)
    }
}

/// Folders that were read before.
#[derive(Debug, Default)]
pub(super) struct EntriesCache(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    folders: HashMap<PathBuf, (Version, Arc<Entries>)>,
    names: usize,
}

impl EntriesCache {
    /// What is in the folder now; `None` if it is no folder any more.
    pub(super) fn read(&self, path: &Path) -> io::Result<Option<Arc<Entries>>> {
        let time = SystemTime::now();
        let Some(metadata) = look(path)?.filter(Metadata::is_dir) else {
            return Ok(None);
        };
        let version = Version::of(&metadata);
        if let Some(entries) = version.and_then(|version| self.known(path, version)) {
            return Ok(Some(entries));
        }
        let entries = match Entries::read(path) {
            Ok(entries) => Arc::new(entries),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if let Some(version) = version.filter(|version| version.is_settled_at(time)) {
            self.keep(path, version, &entries);
        }
        Ok(Some(entries))
    }

    fn known(&self, path: &Path, version: Version) -> Option<Arc<Entries>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.folders.get(path).filter(|(then, _)| *then == version).map(|(_, entries)| Arc::clone(entries))
    }

    fn keep(&self, path: &Path, version: Version, entries: &Arc<Entries>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // An empty folder takes room as well.
        let names = entries.names.len() + 1;
        if let Some((_, old)) = known.folders.remove(path) {
            known.names = known.names.saturating_sub(old.names.len() + 1);
        }
        if known.names + names > MAX_NAMES {
            *known = Known::default();
        }
        known.names += names;
        known.folders.insert(path.to_owned(), (version, Arc::clone(entries)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_the_order_of_keys() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "a.txt", "a0", "b"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        fs::create_dir(folder.path().join("a-folder")).unwrap();
        fs::remove_file(folder.path().join("a")).unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        let entries = Entries::read(folder.path()).unwrap();
        let from = |from| entries.from(from).iter().map(|name| &**name).collect::<Vec<_>>();
        assert_eq!(from(""), ["a-folder/", "a.txt", "a/", "a0", "b"]);
        assert_eq!(from("a/x"), ["a/", "a0", "b"]);
        assert_eq!(from("a/"), ["a/", "a0", "b"]);
        assert_eq!(from("a0\0"), ["b"]);
        assert_eq!(from("c"), [""; 0]);
    }

    #[test]
    fn a_change_is_seen_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = EntriesCache::default();
        let names = || cache.read(folder.path()).unwrap().unwrap().names.len();
        let is_kept = || !cache.0.lock().unwrap().folders.is_empty();
        for round in 0..100 {
            let file = folder.path().join(round.to_string());
            fs::write(&file, "").unwrap();
            assert_eq!(names(), 1);
            fs::remove_file(&file).unwrap();
            assert_eq!(names(), 0);
        }
        while !is_kept() {
            assert_eq!(names(), 0);
            std::thread::yield_now();
        }
        let modified = fs::metadata(folder.path()).unwrap().modified().unwrap();
        fs::write(folder.path().join("late"), "").unwrap();
        if cfg!(unix) {
            // Whoever copies files into a folder may set its time back.
            fs::File::open(folder.path()).unwrap().set_modified(modified).unwrap();
        }
        assert_eq!(names(), 1);
        fs::remove_file(folder.path().join("late")).unwrap();
        assert_eq!(names(), 0);
    }

    #[test]
    fn only_what_has_settled_is_kept() {
        let second = Duration::from_secs(1_000);
        let fine = Version { changed: second + Duration::from_nanos(1), identity: (0, 0) };
        let coarse = Version { changed: second, identity: (0, 0) };
        let at = |milliseconds| UNIX_EPOCH + second + Duration::from_millis(milliseconds);
        for (time, fine_is_kept, coarse_is_kept) in
            [(0, false, false), (99, false, false), (101, true, false), (2_999, true, false), (3_001, true, true)]
        {
            assert_eq!(fine.is_settled_at(at(time)), fine_is_kept, "{time}");
            assert_eq!(coarse.is_settled_at(at(time)), coarse_is_kept, "{time}");
        }
        assert!(!fine.is_settled_at(UNIX_EPOCH));
    }

    #[test]
    fn what_is_kept_is_not_read_again_and_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = EntriesCache::default();
        let version = Version { changed: Duration::ZERO, identity: (1, 2) };
        let entries = |count| Arc::new(Entries { names: vec!["x".into(); count], is_empty: false });
        cache.keep(folder.path(), version, &entries(MAX_NAMES / 2));
        assert!(cache.known(folder.path(), version).is_some());
        assert!(cache.known(folder.path(), Version { identity: (1, 3), ..version }).is_none());
        cache.keep(folder.path(), version, &entries(MAX_NAMES / 2));
        assert_eq!(cache.0.lock().unwrap().names, MAX_NAMES / 2 + 1);
        cache.keep(Path::new("other"), version, &entries(MAX_NAMES / 2));
        assert!(cache.known(folder.path(), version).is_none());
        assert_eq!(cache.0.lock().unwrap().folders.len(), 1);
    }
}
