//! Whatever happens to a file on its way: no panic, no endless loop, no memory for what a length only claims.

use comfyui::CarriedWorkflowReader;
use proptest::prelude::*;

use crate::files::{FILES, file, read};

fn survives(bytes: &[u8], piece: usize) {
    if let Ok(carried) = read(bytes, piece) {
        assert!(carried.prompt.is_some() || carried.workflow.is_some());
    }
}

#[test]
fn files_that_are_cut_off_anywhere() {
    for name in FILES {
        let bytes = file(name);
        for length in 0..bytes.len() {
            survives(&bytes[..length], 4096);
        }
    }
}

#[test]
fn files_with_a_byte_of_all_ones_anywhere() {
    for name in FILES {
        let mut bytes = file(name);
        for at in 0..bytes.len() {
            let byte = std::mem::replace(&mut bytes[at], 0xff);
            survives(&bytes, 4096);
            bytes[at] = byte;
        }
    }
}

proptest! {
    #[test]
    fn files_with_changes_in_many_places(
        name in prop::sample::select(FILES.to_vec()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
        piece in 1_usize..9000,
    ) {
        let mut bytes = file(name);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survives(&bytes, piece);
    }

    /// The same answer, or none, whatever the pieces.
    #[test]
    fn pieces_make_no_difference(
        name in prop::sample::select(FILES.to_vec()),
        change in (any::<prop::sample::Index>(), any::<u8>()),
        piece in 1_usize..9000,
    ) {
        let mut bytes = file(name);
        let at = change.0.index(bytes.len());
        bytes[at] = change.1;
        prop_assert_eq!(read(&bytes, usize::MAX), read(&bytes, piece));
    }

    #[test]
    fn bytes_of_all_kinds_behind_the_start_of_a_format(
        name in prop::sample::select(FILES.to_vec()),
        kept in 4_usize..40,
        noise in prop::collection::vec(any::<u8>(), 0..6000),
    ) {
        let bytes = file(name);
        survives(&[&bytes[..kept], &noise].concat(), 1000);
    }

    #[test]
    fn nothing_that_matters_is_jumped_over(name in prop::sample::select(FILES.to_vec()), piece in 1_usize..5000) {
        let bytes = file(name);
        let mut reader = CarriedWorkflowReader::new();
        let mut at = 0;
        while at < bytes.len() {
            let end = bytes.len().min(at + piece);
            if reader.push(&bytes[at..end]).unwrap() {
                break;
            }
            at = usize::try_from(reader.next_offset()).unwrap();
            prop_assert!(reader.jump_to(at as u64));
        }
        let carried = reader.finish().unwrap();
        prop_assert!(carried.prompt.is_some() && carried.workflow.is_some());
    }
}
