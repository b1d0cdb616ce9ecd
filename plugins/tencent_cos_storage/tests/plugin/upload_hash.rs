//! An upload address that keeps the hash of a file and not the file.

#![allow(dead_code, clippy::unwrap_used)]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use cos_emulator::generated_bytes;
use dify_plugin_host::UploadEndpoint;
use sha2::{Digest, Sha256};

/// SHA-256 of what was uploaded until now, and how many bytes that was.
#[derive(Clone, Default)]
pub(crate) struct UploadHash(Arc<Mutex<(Sha256, u64)>>);

impl UploadHash {
    pub(crate) async fn endpoint(&self) -> UploadEndpoint {
        let hash = self.clone();
        UploadEndpoint::builder().files_to(move |_| Ok(Box::new(hash.clone()))).start().await.unwrap()
    }

    pub(crate) fn received(&self) -> u64 {
        self.0.lock().unwrap().1
    }

    pub(crate) fn finish(&self) -> (Vec<u8>, u64) {
        let (hash, length) = self.0.lock().unwrap().clone();
        (hash.finalize().to_vec(), length)
    }
}

impl Write for UploadHash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        state.0.update(bytes);
        state.1 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What [`UploadHash::finish`] gives for a generated object.
pub(crate) fn hash_of_generated(length: u64, seed: u64) -> (Vec<u8>, u64) {
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    let mut offset = 0;
    while offset < length {
        let size = usize::try_from(length - offset).unwrap().min(piece.len());
        generated_bytes(seed, offset, &mut piece[..size]);
        hash.update(&piece[..size]);
        offset += size as u64;
    }
    (hash.finalize().to_vec(), length)
}
