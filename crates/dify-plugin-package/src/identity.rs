use sha2::{Digest, Sha256};

/// The checksum by which Dify knows a package: over its files sorted by path, of each the digest of the path and that of
/// the bytes (dify-plugin-daemon, `pkg/plugin_packager/decoder/checksum.go`). In hexadecimal.
#[must_use]
pub fn checksum<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_unstable_by_key(|(path, _)| *path);
    let mut whole = Sha256::new();
    for (path, bytes) in files {
        whole.update(Sha256::digest(path));
        whole.update(Sha256::digest(bytes));
    }
    whole.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `author/name:version@checksum`.
#[must_use]
pub fn unique_identifier(author: &str, name: &str, version: &str, checksum: &str) -> String {
    format!("{author}/{name}:{version}@{checksum}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_files_does_not_matter_and_their_paths_do() {
        let (a, b) = (("a", b"1".as_slice()), ("b", b"2".as_slice()));
        assert_eq!(checksum([a, b]), checksum([b, a]));
        assert_ne!(checksum([a, b]), checksum([("a", b.1), ("b", a.1)]));
        assert_eq!(checksum([a]).len(), 64);
    }
}
