//! Looks through long runs of bytes for what is rare in them, a block at a time.

/// Bytes that are looked at before it is asked whether one of them was meant.
const BLOCK_BYTES: usize = 64;

/// Where the first byte stands that is wanted.
#[inline]
pub(crate) fn position(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
    // Without an end in the middle of a block the compiler compares many bytes at a time.
    let has_none = |block: &&[u8; BLOCK_BYTES]| block.iter().fold(0, |any, byte| any | u8::from(wanted(*byte))) == 0;
    let from = blocks.iter().take_while(has_none).count() * BLOCK_BYTES;
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().position(|byte| wanted(*byte)).map(|at| from + at)
}

/// Where the first of these two bytes stands that the second one follows, or at the very end may follow yet.
pub(crate) fn pair(bytes: &[u8], [first, second]: [u8; 2]) -> Option<usize> {
    let (blocks, _) = bytes.as_chunks::<BLOCK_BYTES>();
    let (behind, _) = bytes.get(1..).unwrap_or_default().as_chunks::<BLOCK_BYTES>();
    let has_none = |(block, behind): &(&[u8; BLOCK_BYTES], &[u8; BLOCK_BYTES])| {
        let both = |(one, next): (&u8, &u8)| u8::from(*one == first) & u8::from(*next == second);
        block.iter().zip(behind.iter()).map(both).fold(0, |any, both| any | both) == 0
    };
    let from = blocks.iter().zip(behind).take_while(has_none).count() * BLOCK_BYTES;
    let rest = bytes.get(from..).unwrap_or_default();
    let follows = |at: usize| rest.get(at + 1).is_none_or(|next| *next == second);
    (0..rest.len()).find(|at| rest.get(*at) == Some(&first) && follows(*at)).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_found_wherever_it_stands() {
        for length in 0..300 {
            let mut bytes = vec![b'.'; length];
            assert_eq!(position(&bytes, |byte| byte == b'<'), None);
            for at in (0..length).rev() {
                bytes[at] = b'<';
                assert_eq!(position(&bytes, |byte| byte == b'<'), Some(at), "of {length}");
            }
        }
    }

    #[test]
    fn a_pair_is_found_wherever_it_stands_and_its_first_half_at_the_end() {
        for length in 0..300 {
            let mut bytes = vec![b'\n'; length];
            assert_eq!(pair(&bytes, *b"\r\n"), None);
            for at in (0..length).rev() {
                bytes[at] = b'\r';
                assert_eq!(pair(&bytes, *b"\r\n"), Some(at), "of {length}");
                bytes[at] = b'\n';
                assert_eq!(pair(&bytes, *b"\r\n"), None, "of {length}");
            }
            bytes.iter_mut().for_each(|byte| *byte = b'\r');
            assert_eq!(pair(&bytes, *b"\r\n"), length.checked_sub(1));
        }
    }
}
