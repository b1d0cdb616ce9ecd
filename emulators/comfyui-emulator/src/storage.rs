//! The folders `input`, `output` and `temp`, in memory or on disk.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use bytes::Bytes;

use crate::lock::lock;
use crate::models::Models;

/// What the folders may hold together when they are in memory, unless the builder says otherwise.
pub(crate) const DEFAULT_MEMORY_LIMIT: u64 = 1 << 30;

/// How many levels of folders are looked through when everything is listed.
const MAX_DEPTH: usize = 16;

/// One of the three folders that ComfyUI knows (`get_directory_by_type` in its `folder_paths.py`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Folder {
    /// What was uploaded.
    Input,
    /// What was saved.
    Output,
    /// Previews; ComfyUI empties it at every start.
    Temp,
}

impl Folder {
    /// The name, as in `type=input`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
            Self::Temp => "temp",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "input" => Some(Self::Input),
            "output" => Some(Self::Output),
            "temp" => Some(Self::Temp),
            _ => None,
        }
    }

    fn index(self) -> usize {
        match self {
            Self::Input => 0,
            Self::Output => 1,
            Self::Temp => 2,
        }
    }
}

/// A name as nodes and `/view` write it: `"a/b.png"`, or with its folder, `"b.png [output]"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AnnotatedName {
    pub(crate) name: String,
    pub(crate) folder: Option<Folder>,
}

impl AnnotatedName {
    /// As ComfyUI's `annotated_filepath`: the annotation and the one character before it go, so
    /// that `"b.png[output]"` loses its last letter and names nothing.
    pub(crate) fn parse(text: &str) -> Self {
        for folder in [Folder::Output, Folder::Input, Folder::Temp] {
            let annotation = format!("[{}]", folder.name());
            if let Some(rest) = text.strip_suffix(&annotation) {
                let mut name = rest.to_owned();
                name.pop();
                return Self { name, folder: Some(folder) };
            }
        }
        Self { name: text.to_owned(), folder: None }
    }

    /// The folder and the path in it, or `None` if that would be outside the folder.
    pub(crate) fn locate(&self) -> Option<(Folder, String)> {
        let folder = self.folder.unwrap_or(Folder::Input);
        Some((folder, path_inside(folder, &self.name)?))
    }
}

/// The plain path in `folder` that `name` stands for, or `None` if it leaves the folder.
///
/// `../input/a.png` in `input` is `a.png`, as on the real server, which compares whole paths.
pub(crate) fn path_inside(folder: Folder, name: &str) -> Option<String> {
    if name.contains('\0') {
        return None;
    }
    let mut parts = if name.starts_with('/') { Vec::new() } else { vec!["data", folder.name()] };
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let inside = parts.strip_prefix(&["data", folder.name()][..])?;
    Some(inside.join("/"))
}

/// `os.path.join` for two parts.
pub(crate) fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() || name.starts_with('/') {
        name.to_owned()
    } else {
        format!("{}/{name}", directory.trim_end_matches('/'))
    }
}

/// A file and when it was written.
#[derive(Debug, Clone)]
pub(crate) struct StoredFile {
    pub(crate) bytes: Bytes,
    pub(crate) modified: SystemTime,
}

/// Why a file could not be stored or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The memory for files is used up.
    #[error("the emulator's memory for files ({limit} bytes) is full")]
    Full {
        /// The limit in bytes.
        limit: u64,
    },
    /// The path leaves its folder or names no file.
    #[error("{path:?} is no file inside the {folder} folder")]
    Outside {
        /// The folder it was meant for.
        folder: &'static str,
        /// The path.
        path: String,
    },
    /// The disk said no.
    #[error("could not {action} {path}: {source}")]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the disk said.
        source: io::Error,
    },
}

#[derive(Debug, Default)]
struct Memory {
    folders: [BTreeMap<String, StoredFile>; 3],
    used: u64,
}

#[derive(Debug)]
enum Place {
    Memory(Box<Mutex<Memory>>),
    Disk(PathBuf),
}

/// The three folders, and the names of the models.
#[derive(Debug)]
pub(crate) struct Storage {
    place: Place,
    memory_limit: u64,
    pub(crate) models: Models,
}

impl Storage {
    pub(crate) fn in_memory(memory_limit: u64) -> Self {
        Self { place: Place::Memory(Box::default()), memory_limit, models: Models::new() }
    }

    /// Opens `directory`; `temp` is emptied, as ComfyUI does at its start.
    pub(crate) fn on_disk(directory: &Path) -> Result<Self, StorageError> {
        for folder in [Folder::Input, Folder::Output, Folder::Temp] {
            let path = directory.join(folder.name());
            if folder == Folder::Temp && path.is_dir() {
                fs::remove_dir_all(&path).map_err(disk("empty", &path))?;
            }
            fs::create_dir_all(&path).map_err(disk("create", &path))?;
        }
        Ok(Self { place: Place::Disk(directory.to_owned()), memory_limit: u64::MAX, models: Models::new() })
    }

    /// The most that memory may hold, and how much of it is used, in bytes.
    pub(crate) fn memory(&self) -> (u64, u64) {
        match &self.place {
            Place::Memory(memory) => (self.memory_limit, lock(memory).used),
            Place::Disk(_) => (0, 0),
        }
    }

    /// The file at `path`, a path that [`path_inside`] has made; `None` if there is none.
    pub(crate) fn read(&self, folder: Folder, path: &str) -> Result<Option<StoredFile>, StorageError> {
        match &self.place {
            Place::Memory(memory) => {
                Ok(lock(memory).folders.get(folder.index()).and_then(|files| files.get(path)).cloned())
            }
            Place::Disk(root) => {
                let path = on_disk(root, folder, path)?;
                let Ok(metadata) = fs::metadata(&path) else { return Ok(None) };
                if !metadata.is_file() {
                    return Ok(None);
                }
                let bytes = fs::read(&path).map_err(disk("read", &path))?;
                let modified = metadata.modified().map_err(disk("read the time of", &path))?;
                Ok(Some(StoredFile { bytes: bytes.into(), modified }))
            }
        }
    }

    /// Writes a whole file, over an older one if there is one.
    pub(crate) fn write(&self, folder: Folder, path: &str, bytes: Bytes) -> Result<(), StorageError> {
        if path.is_empty() {
            return Err(StorageError::Outside { folder: folder.name(), path: path.to_owned() });
        }
        match &self.place {
            Place::Memory(memory) => {
                let mut memory = lock(memory);
                let Memory { folders, used } = &mut *memory;
                let Some(files) = folders.get_mut(folder.index()) else { return Ok(()) };
                let before = files.get(path).map_or(0, |file| file.bytes.len() as u64);
                let after = used.saturating_sub(before).saturating_add(bytes.len() as u64);
                if after > self.memory_limit {
                    return Err(StorageError::Full { limit: self.memory_limit });
                }
                *used = after;
                let modified = SystemTime::now();
                files.insert(path.to_owned(), StoredFile { bytes, modified });
                Ok(())
            }
            Place::Disk(root) => {
                let path = on_disk(root, folder, path)?;
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).map_err(disk("create", parent))?;
                }
                fs::write(&path, &bytes).map_err(disk("write", &path))
            }
        }
    }

    /// Removes a file; whether there was one.
    pub(crate) fn remove(&self, folder: Folder, path: &str) -> bool {
        match &self.place {
            Place::Memory(memory) => {
                let mut memory = lock(memory);
                let Memory { folders, used } = &mut *memory;
                let removed = folders.get_mut(folder.index()).and_then(|files| files.remove(path));
                if let Some(file) = &removed {
                    *used = used.saturating_sub(file.bytes.len() as u64);
                }
                removed.is_some()
            }
            Place::Disk(root) => on_disk(root, folder, path).is_ok_and(|path| fs::remove_file(path).is_ok()),
        }
    }

    /// Whether there is a file.
    pub(crate) fn exists(&self, folder: Folder, path: &str) -> bool {
        match &self.place {
            Place::Memory(memory) => {
                lock(memory).folders.get(folder.index()).is_some_and(|files| files.contains_key(path))
            }
            Place::Disk(root) => on_disk(root, folder, path).is_ok_and(|path| path.is_file()),
        }
    }

    /// Whether there is a directory, which in memory is one that holds a file. `""` is the folder itself.
    pub(crate) fn has_directory(&self, folder: Folder, path: &str) -> bool {
        if path.is_empty() {
            return true;
        }
        match &self.place {
            Place::Memory(memory) => {
                let inside = format!("{path}/");
                let memory = lock(memory);
                memory
                    .folders
                    .get(folder.index())
                    .is_some_and(|files| files.keys().any(|name| name.starts_with(&inside)))
            }
            Place::Disk(root) => on_disk(root, folder, path).is_ok_and(|path| path.is_dir()),
        }
    }

    /// The names of the files directly in `directory` (`""` for the folder itself), sorted.
    pub(crate) fn names_in(&self, folder: Folder, directory: &str) -> Vec<String> {
        self.all(folder)
            .into_iter()
            .filter_map(|path| {
                let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
                (parent == directory).then(|| name.to_owned())
            })
            .collect()
    }

    /// The paths of all files of a folder, sorted.
    pub(crate) fn all(&self, folder: Folder) -> Vec<String> {
        match &self.place {
            Place::Memory(memory) => lock(memory)
                .folders
                .get(folder.index())
                .map(|files| files.keys().cloned().collect())
                .unwrap_or_default(),
            Place::Disk(root) => {
                let mut paths = Vec::new();
                collect(&root.join(folder.name()), "", MAX_DEPTH, &mut paths);
                paths.sort();
                paths
            }
        }
    }
}

fn collect(directory: &Path, prefix: &str, depth: usize, paths: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = join(prefix, &entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_file() {
            paths.push(name);
        } else if depth > 0 && path.is_dir() {
            collect(&path, &name, depth - 1, paths);
        }
    }
}

fn on_disk(root: &Path, folder: Folder, path: &str) -> Result<PathBuf, StorageError> {
    let clean = path_inside(folder, path).filter(|inside| inside == path);
    match clean {
        Some(inside) => Ok(root.join(folder.name()).join(inside)),
        None => Err(StorageError::Outside { folder: folder.name(), path: path.to_owned() }),
    }
}

fn disk<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StorageError + 'a {
    move |source| StorageError::Disk { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::{AnnotatedName, Folder, Storage, StorageError, path_inside};

    #[test]
    fn names_carry_their_folder_after_a_space() {
        let parse = |text| {
            let name = AnnotatedName::parse(text);
            (name.name, name.folder)
        };
        assert_eq!(parse("a.png"), ("a.png".into(), None));
        assert_eq!(parse("x/a.png [output]"), ("x/a.png".into(), Some(Folder::Output)));
        assert_eq!(parse("a.png[temp]"), ("a.pn".into(), Some(Folder::Temp)));
    }

    #[test]
    fn paths_stay_inside_their_folder() {
        assert_eq!(path_inside(Folder::Input, "a/./b.png").as_deref(), Some("a/b.png"));
        assert_eq!(path_inside(Folder::Input, "../input/b.png").as_deref(), Some("b.png"));
        assert_eq!(path_inside(Folder::Input, "../output/b.png"), None);
        assert_eq!(path_inside(Folder::Input, "/etc/passwd"), None);
        assert_eq!(path_inside(Folder::Input, "../../../../x"), None);
    }

    #[test]
    fn memory_is_bounded_and_given_back() {
        let storage = Storage::in_memory(10);
        storage.write(Folder::Input, "a", vec![0; 6].into()).unwrap();
        let error = storage.write(Folder::Input, "b", vec![0; 6].into()).unwrap_err();
        assert!(matches!(error, StorageError::Full { limit: 10 }));
        storage.write(Folder::Input, "a", vec![0; 10].into()).unwrap();
        assert!(storage.remove(Folder::Input, "a"));
        assert_eq!(storage.memory(), (10, 0));
    }

    #[test]
    fn disk_and_memory_agree() {
        let directory = tempfile::tempdir().unwrap();
        for storage in [Storage::in_memory(100), Storage::on_disk(directory.path()).unwrap()] {
            storage.write(Folder::Output, "rec/a.png", "x".into()).unwrap();
            storage.write(Folder::Output, "b.png", "y".into()).unwrap();
            assert_eq!(storage.all(Folder::Output), ["b.png", "rec/a.png"]);
            assert_eq!(storage.names_in(Folder::Output, "rec"), ["a.png"]);
            assert_eq!(storage.read(Folder::Output, "b.png").unwrap().unwrap().bytes, "y");
            assert!(storage.read(Folder::Output, "rec").unwrap().is_none());
            assert!(!storage.exists(Folder::Output, "c.png"));
            assert!(storage.remove(Folder::Output, "rec/a.png"));
            assert!(storage.write(Folder::Output, "", "z".into()).is_err());
        }
    }
}
