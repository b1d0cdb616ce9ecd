//! Files of an answer, on their way to a folder.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use dify_plugin_host::{Carrier, IncomingFile, ReceivedFile};

/// A folder into which files are written while they arrive, however they come. Nothing in it is overwritten.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Files whose names are not known before their end, in the order in which they began.
    unnamed: Arc<Mutex<VecDeque<PathBuf>>>,
    /// Files that were uploaded and not yet named by a link, in the order in which they came.
    uploaded: Arc<Mutex<VecDeque<PathBuf>>>,
}

impl Folder {
    /// Makes the folder where it does not exist.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Ok(Self { path: path.to_owned(), unnamed: Arc::default(), uploaded: Arc::default() })
    }

    /// Where the bytes of a file go that comes in messages.
    pub(crate) fn sink(&self, _: &IncomingFile) -> io::Result<Box<dyn Write + Send>> {
        let (path, file) = self.create_file("incoming")?;
        self.unnamed.lock().unwrap_or_else(PoisonError::into_inner).push_back(path);
        Ok(Box::new(BufWriter::new(file)))
    }

    /// Where the bytes of a file go that is uploaded.
    pub(crate) fn upload_sink(&self, name: &str) -> io::Result<Box<dyn Write + Send>> {
        let (path, file) = self.create_file(name)?;
        self.uploaded.lock().unwrap_or_else(PoisonError::into_inner).push_back(path);
        Ok(Box::new(BufWriter::new(file)))
    }

    /// Gives a file that is complete its name, and says where it is.
    pub(crate) fn settle(&self, received: &ReceivedFile) -> io::Result<PathBuf> {
        let arrived = if received.carrier == Carrier::Link { &self.uploaded } else { &self.unnamed };
        let path = arrived.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let path = path.ok_or_else(|| io::Error::other("a file that never came was announced"))?;
        if received.carrier == Carrier::Link {
            return Ok(path);
        }
        let (settled, _) = self.create_file(received.name.as_deref().unwrap_or("file"))?;
        fs::rename(path, &settled)?;
        Ok(settled)
    }

    /// A new file of this name, or of one with a number behind it.
    fn create_file(&self, name: &str) -> io::Result<(PathBuf, File)> {
        let name = Path::new(name).file_name().unwrap_or_else(|| "file".as_ref());
        let (stem, extension) = (Path::new(name).file_stem().unwrap_or(name), Path::new(name).extension());
        for number in 0..10_000 {
            let mut candidate = stem.to_os_string();
            if number > 0 {
                candidate.push(format!(" ({number})"));
            }
            if let Some(extension) = extension {
                candidate.push(".");
                candidate.push(extension);
            }
            let path = self.path.join(candidate);
            match File::create_new(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!("{} is full of files of one name", self.path.display())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten_and_nothing_escapes() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::create(&parent.path().join("out")).unwrap();
        let names = ["a.png", "a.png", "../a.png", "noext", "noext", ".."];
        let made: Vec<String> = names
            .iter()
            .map(|name| folder.create_file(name).unwrap().0.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(made, ["a.png", "a (1).png", "a (2).png", "noext", "noext (1)", "file"]);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
