use std::path::PathBuf;

use comfyui::{CarriedWorkflow, CarriedWorkflowError, CarriedWorkflowReader};

/// The names of all files in `tests/data/carried` that carry a workflow.
pub(crate) const FILES: [&str; 15] = [
    "animated.png",
    "animated.webp",
    "drawing.svg",
    "film.mp4",
    "film.webm",
    "film_metadata_at_end.mp4",
    "latent.latent",
    "model.glb",
    "picture.exr",
    "picture.png",
    "picture.webp",
    "picture_16_bit.png",
    "sound.flac",
    "sound.mp3",
    "sound.opus",
];

pub(crate) fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/carried").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads a file that comes in pieces of so many bytes.
pub(crate) fn read(file: &[u8], piece: usize) -> Result<CarriedWorkflow, CarriedWorkflowError> {
    let mut reader = CarriedWorkflowReader::new();
    for piece in file.chunks(piece) {
        if reader.push(piece)? {
            break;
        }
    }
    reader.finish()
}
