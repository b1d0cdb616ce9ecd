//! Files whose metadata stand behind a film.

use comfyui::{CarriedWorkflowError, CarriedWorkflowReader, Carrier};

use crate::files::file;

/// The film whose metadata stand at the end, with a film of so many bytes more.
fn stretched(more: u64) -> (Vec<u8>, Vec<u8>) {
    let bytes = file("film_metadata_at_end.mp4");
    let at = bytes.windows(4).position(|window| window == b"mdat").unwrap() - 4;
    let size = u64::from(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()));
    let end = at + usize::try_from(size).unwrap();
    let head = [&bytes[..at], b"\0\0\0\x01mdat", &(size + 8 + more).to_be_bytes(), &bytes[at + 8..end]].concat();
    (head, bytes[end..].to_vec())
}

#[test]
fn what_does_not_matter_can_be_jumped_over() {
    let film = 40 << 30;
    let (head, tail) = stretched(film);
    let mut reader = CarriedWorkflowReader::new();
    // Recognised only by what is enough for that.
    let mut start = head.clone();
    start.resize(8192, 0);
    assert!(!reader.push(&start).unwrap());
    assert_eq!(reader.carrier(), Some(Carrier::Mp4));
    let next = reader.next_offset();
    assert_eq!(next, head.len() as u64 + film);
    assert!(!reader.jump_to(next + 1) && !reader.jump_to(0), "that would leave something out");
    assert!(reader.jump_to(next));
    assert!(reader.push(&tail).unwrap());
    assert!(reader.finish().unwrap().prompt.is_some());
}

#[test]
fn a_film_that_comes_whole_is_passed_over_and_not_kept() {
    let film: u64 = 64 << 20;
    let (head, tail) = stretched(film);
    let piece = vec![7; 1 << 20];
    let mut reader = CarriedWorkflowReader::new();
    assert!(!reader.push(&head).unwrap());
    for _ in 0..film >> 20 {
        assert!(!reader.push(&piece).unwrap());
    }
    assert!(reader.push(&tail).unwrap());
    assert!(reader.finish().unwrap().workflow.is_some());
}

#[test]
fn a_film_without_end_is_given_up() {
    let (head, _) = stretched(1 << 40);
    let piece = vec![7; 1 << 20];
    let mut reader = CarriedWorkflowReader::new();
    assert!(!reader.push(&head).unwrap());
    let error = (0..2000).find_map(|_| reader.push(&piece).err()).unwrap();
    assert!(matches!(error, CarriedWorkflowError::TooFar { carrier: Carrier::Mp4, .. }), "{error}");
}
