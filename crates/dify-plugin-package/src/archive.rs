use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// Largest package that is read, and largest sum of its files. Dify takes no more than 50 MiB
/// (dify-plugin-daemon, `pkg/plugin_packager/decoder/zip.go`).
const MAX_BYTES: u64 = 200 * 1024 * 1024;

/// Most files of a package that is read.
const MAX_FILES: usize = 10_000;

/// Why a package cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It is no zip, or a broken one.
    #[error("not a package: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// A file in it cannot be read or written.
    // Quoted: the name is the package's own, and may hold anything.
    #[error("{file:?}: {source}")]
    File {
        /// Its path in the package.
        file: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// It is larger than any package may be.
    #[error("the package holds more than {MAX_FILES} files or {MAX_BYTES} bytes")]
    TooLarge,
}

/// A zip of files only, without folders of their own, which the daemon would trip over, in the order given.
pub(crate) fn write(files: &BTreeMap<String, Vec<u8>>, comment: Option<&str>) -> Result<Vec<u8>, ArchiveError> {
    write_in_order(files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())), comment)
}

pub(crate) fn write_in_order<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    comment: Option<&str>,
) -> Result<Vec<u8>, ArchiveError> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        zip.start_file(path, options)?;
        zip.write_all(bytes).map_err(|source| ArchiveError::File { file: path.to_owned(), source })?;
    }
    if let Some(comment) = comment {
        zip.set_comment(comment)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// A package that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Paths and bytes, in the order of the zip, which is the order that signatures count on.
    pub files: Vec<(String, Vec<u8>)>,
    /// The zip's comment, where the signature is.
    pub comment: String,
}

/// The bytes of the package at `path`, of which no more are read than any package may have.
///
/// # Errors
/// When it cannot be read, or is longer.
pub fn read_package(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other(ArchiveError::TooLarge));
    }
    Ok(bytes)
}

/// Reads a package.
///
/// # Errors
/// [`ArchiveError`] when it is no package, or larger than any may be.
pub fn read_archive(package: &[u8]) -> Result<Archive, ArchiveError> {
    let mut zip = ZipArchive::new(Cursor::new(package))?;
    if package.len() as u64 > MAX_BYTES || zip.len() > MAX_FILES {
        return Err(ArchiveError::TooLarge);
    }
    let comment = String::from_utf8_lossy(zip.comment()).into_owned();
    let mut files = Vec::new();
    let mut room = MAX_BYTES;
    for index in 0..zip.len() {
        let file = zip.by_index(index)?;
        let path = file.name()?.into_owned();
        let mut bytes = Vec::new();
        let read = file.take(room + 1).read_to_end(&mut bytes);
        let read = read.map_err(|source| ArchiveError::File { file: path.clone(), source })?;
        room = room.checked_sub(read as u64).ok_or(ArchiveError::TooLarge)?;
        files.push((path, bytes));
    }
    Ok(Archive { files, comment })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_in_its_order() {
        let files = [("b/c.txt", b"1".as_slice()), ("a", b"".as_slice()), ("b/a.txt", b"3".as_slice())];
        let package = write_in_order(files, Some("{}")).unwrap();
        let read = read_archive(&package).unwrap();
        let files: Vec<_> = files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect();
        assert_eq!(read, Archive { files, comment: "{}".to_owned() });
    }

    #[test]
    fn what_is_no_package_is_refused() {
        assert!(matches!(read_archive(b"not a zip"), Err(ArchiveError::Zip(_))));
        assert!(read_archive(b"").is_err());
    }

    #[test]
    fn a_package_that_unpacks_to_more_than_any_may_is_refused() {
        let zeros = vec![0; 70 << 20];
        let files = [("a", zeros.as_slice()), ("b", zeros.as_slice()), ("c", zeros.as_slice())];
        let bomb = write_in_order(files, None).unwrap();
        assert!(bomb.len() < 1 << 20);
        assert!(matches!(read_archive(&bomb), Err(ArchiveError::TooLarge)));
    }

    #[test]
    fn a_package_of_too_many_files_is_refused() {
        let names: Vec<String> = (0..=MAX_FILES).map(|number| number.to_string()).collect();
        let many = write_in_order(names.iter().map(|name| (name.as_str(), b"".as_slice())), None).unwrap();
        assert!(matches!(read_archive(&many), Err(ArchiveError::TooLarge)));
    }

    #[test]
    fn a_file_that_no_package_can_be_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long");
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(read_package(&path).unwrap_err().to_string().contains("holds more than"));
        std::fs::write(&path, b"short").unwrap();
        assert_eq!(read_package(&path).unwrap(), b"short");
    }

    #[test]
    fn names_of_files_are_shown_and_not_obeyed() {
        let mut broken = write_in_order([("\u{1b}[2Ja", b"hello, hello, hello, hello".as_slice())], None).unwrap();
        // Within the compressed bytes: behind the header of 30 bytes and the name.
        broken[38] ^= 0xff;
        let error = read_archive(&broken).unwrap_err().to_string();
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}
