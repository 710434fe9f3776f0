//! A recipe reads as the bytes it stands for, whole and in pieces, and so does a recipe over a recipe.

use formats::recipe::{Assembled, Part, flatten};
use formats::{Source, SourceError};
use proptest::prelude::*;
use std::ops::Range;

/// The plain meaning of a recipe.
fn write_out(parts: &[Part], original: &[u8]) -> Vec<u8> {
    let cut = |range: &Range<u64>| &original[range.start as usize..range.end as usize];
    parts
        .iter()
        .flat_map(|part| match part {
            Part::Bytes(bytes) => bytes.clone(),
            Part::Original => original.to_vec(),
            Part::Slice(range) => cut(range).to_vec(),
            Part::Base64(range) => base64_simd::STANDARD.encode_to_string(cut(range)).into_bytes(),
        })
        .collect()
}

fn read(source: &dyn Source, range: Range<u64>) -> Result<Vec<u8>, SourceError> {
    let mut buffer = vec![0; (range.end - range.start) as usize];
    source.read_exact_at(range.start, &mut buffer).map(|()| buffer)
}

fn range(length: u64) -> impl Strategy<Value = Range<u64>> {
    (0..=length, 0..=length).prop_map(|(a, b)| a.min(b)..a.max(b))
}

fn parts(length: u64) -> impl Strategy<Value = Vec<Part>> {
    let part = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20).prop_map(Part::Bytes),
        Just(Part::Original),
        range(length).prop_map(Part::Slice),
        range(length).prop_map(Part::Base64),
    ];
    prop::collection::vec(part, 0..6)
}

proptest! {
    #[test]
    fn any_piece_reads_as_what_it_stands_for(
        (original, parts) in prop::collection::vec(any::<u8>(), 0..200)
            .prop_flat_map(|original| { let length = original.len() as u64; (Just(original), parts(length)) }),
        (a, b) in (any::<u16>(), any::<u16>()),
    ) {
        let expected = write_out(&parts, &original);
        let assembled = Assembled::new(&parts, &original);
        prop_assert_eq!(assembled.len(), expected.len() as u64);
        let (a, b) = (a as u64 % (assembled.len() + 1), b as u64 % (assembled.len() + 1));
        let wanted = a.min(b)..a.max(b);
        prop_assert_eq!(read(&assembled, wanted.clone()).unwrap(), &expected[wanted.start as usize..wanted.end as usize]);
        prop_assert!(read(&assembled, 0..assembled.len() + 1).is_err());
    }

    #[test]
    fn a_recipe_over_a_recipe_is_one_over_the_original(
        (original, inner, outer) in prop::collection::vec(any::<u8>(), 0..200)
            .prop_flat_map(|original| { let length = original.len() as u64; (Just(original), parts(length)) })
            .prop_flat_map(|(original, inner)| {
                let length = write_out(&inner, &original).len() as u64;
                (Just(original), Just(inner), parts(length))
            }),
    ) {
        let expected = write_out(&outer, &write_out(&inner, &original));
        let flat = flatten(outer, &inner, &original).unwrap();
        prop_assert_eq!(write_out(&flat, &original), expected);
    }
}

#[test]
fn long_base64_reads_in_pieces() {
    let original: Vec<u8> = (0..1_000_003_u32).map(|n| (n * 7) as u8).collect();
    let parts = [Part::Bytes(b"<a>".to_vec()), Part::Base64(1..1_000_001), Part::Bytes(b"</a>".to_vec())];
    let assembled = Assembled::new(&parts, &original);
    assert!(read(&assembled, 0..assembled.len()).unwrap() == write_out(&parts, &original));
}
