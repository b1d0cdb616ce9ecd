use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

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
    #[error("{file}: {source}")]
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

/// Reads a package.
///
/// # Errors
/// [`ArchiveError`] when it is no package, or larger than any may be.
pub fn read_archive(package: &[u8]) -> Result<Archive, ArchiveError> {
    let mut zip = ZipArchive::new(Cursor::new(package))?;
    if zip.len() > MAX_FILES {
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
}
