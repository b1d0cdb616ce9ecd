//! Files that may carry a workflow: pictures, films, sounds, models.

use comfyui::{CarriedWorkflow, CarriedWorkflowError, CarriedWorkflowReader, WorkflowFile};

use super::reader;

/// Longest text of a file.
const LONGEST: usize = 16 << 20;

pub(super) fn run(bytes: &[u8]) {
    let (piece, file) = reader(bytes);
    let whole = in_pieces(file, file.len());
    assert_eq!(in_pieces(file, usize::from(piece)), whole, "it depends on the pieces");
    assert_eq!(in_parts(file), whole, "it depends on what was passed over");
    match whole {
        Err(error) => super::assert_shown_as_it_is(&error.to_string()),
        Ok(carried) => {
            let texts = || carried.prompt.iter().chain(&carried.workflow);
            assert!(texts().next().is_some(), "nothing was found");
            for text in texts() {
                assert!(text.len() <= LONGEST, "{} bytes", text.len());
                let _ = WorkflowFile::detect(text);
            }
        }
    }
}

fn in_pieces(file: &[u8], piece: usize) -> Result<CarriedWorkflow, CarriedWorkflowError> {
    let mut reader = CarriedWorkflowReader::new();
    for piece in file.chunks(piece.max(1)) {
        if reader.push(piece)? {
            break;
        }
    }
    reader.finish()
}

/// Only the parts that the reader asks for.
fn in_parts(file: &[u8]) -> Result<CarriedWorkflow, CarriedWorkflowError> {
    let mut reader = CarriedWorkflowReader::new();
    let mut offset = 0;
    while let Some(part) = file.get(offset..).filter(|part| !part.is_empty()) {
        let part = &part[..part.len().min(64)];
        if reader.push(part)? {
            break;
        }
        offset += part.len();
        let next = reader.next_offset();
        if next > offset as u64 {
            assert!(reader.jump_to(next.min(file.len() as u64)), "it does not go where it asks to");
            offset = usize::try_from(next).unwrap_or(usize::MAX);
        }
    }
    reader.finish()
}
