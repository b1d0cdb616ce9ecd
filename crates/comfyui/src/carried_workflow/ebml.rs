//! Numbers of variable length, of which Matroska is made: the zeros before the first one tell how many bytes follow.

/// How many bytes a number has, by its first one; nothing if it is none.
pub(super) const fn length(first: u8) -> Option<usize> {
    if first == 0 { None } else { Some(first.leading_zeros() as usize + 1) }
}

/// An element's id, its mark kept.
pub(super) fn id(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |id, byte| id << 8 | u32::from(*byte))
}

/// A size, its mark taken off; nothing if it is not known.
pub(super) fn size(bytes: &[u8]) -> Option<u64> {
    let bits = 7 * u32::try_from(bytes.len()).unwrap_or(8).min(8);
    let all = u64::MAX >> (64 - bits);
    let size = bytes.iter().fold(0, |size, byte| size << 8 | u64::from(*byte)) & all;
    (size != all).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_marks() {
        assert_eq!(length(0x1a), Some(4));
        assert_eq!((length(0x80), length(0x01), length(0)), (Some(1), Some(8), None));
        assert_eq!(id(&[0x1a, 0x45, 0xdf, 0xa3]), 0x1a45_dfa3);
        assert_eq!((size(&[0x85]), size(&[0x40, 0x05]), size(&[0xff])), (Some(5), Some(5), None));
        assert_eq!(size(&[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(size(&[1, 0, 0, 0, 0, 0, 0, 9]), Some(9));
    }
}
