//! A plain deterministic mutator: spoils good input in the ways that parsers fall over, without any tool.
//!
//! It is what `cargo test` drives the entry points of the fuzz targets with on machines without libFuzzer. It knows
//! nothing about coverage; the same seed gives the same inputs, so a failure can be repeated.

use crate::pdf::Numbers;

/// Endlessly many spoiled copies of these samples (`take` as many as there is time for). Each differs from its sample by
/// one to four changes and is at most 4 KiB longer.
pub fn mutations(samples: &[Vec<u8>], seed: u64) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut numbers = Numbers::new(seed);
    std::iter::repeat_with(move || {
        let mut input = match samples.len() {
            0 => Vec::new(),
            count => samples[numbers.below(count as u64) as usize].clone(),
        };
        for _ in 0..=numbers.below(4) {
            change(&mut input, &mut numbers);
        }
        input
    })
}

/// Numbers at the edges of types, written as text and as the long length of a DER value.
const NUMBERS: [&[u8]; 14] = [
    b"0",
    b"-1",
    b"1",
    b"65535",
    b"65536",
    b"2147483647",
    b"-2147483648",
    b"4294967295",
    b"4294967296",
    b"9223372036854775807",
    b"18446744073709551615",
    b"99999999999999999999999999",
    b"\x84\xff\xff\xff\xff",
    b"\x88\x7f\xff\xff\xff\xff\xff\xff\xff",
];

/// Words that change what follows them, of PDF and of BER.
const WORDS: [&[u8]; 24] = [
    b"<<",
    b">>",
    b"[",
    b"]",
    b"(",
    b")",
    b"%",
    b"obj\n",
    b"endobj\n",
    b"stream\n",
    b"endstream\n",
    b"xref\n",
    b"trailer\n",
    b"startxref\n",
    b"%%EOF\n",
    b" 0 R ",
    b"null",
    b"/Prev 9",
    b"/Length 7 0 R",
    b"/Type /ObjStm",
    b"\x30\x80",
    b"\x00\x00",
    b"\x24\x80\x04\x01",
    b"\xff",
];

fn change(input: &mut Vec<u8>, numbers: &mut Numbers) {
    let place = numbers.below(input.len() as u64 + 1) as usize;
    let end = (place + 1 + numbers.below(64) as usize).min(input.len());
    match numbers.below(10) {
        0 if place < input.len() => input[place] ^= 1 << numbers.below(8),
        1 if place < input.len() => input[place] = numbers.draw() as u8,
        2 => drop(input.drain(place..end)),
        3 => {
            let copied = input[place..end].to_vec();
            insert(input, place, &copied);
        }
        4 => {
            let count = 1 + numbers.below(16) as usize;
            let noise = numbers.bytes(count);
            insert(input, place, &noise);
        }
        5 => input.truncate(place),
        6 | 7 => number(input, place, NUMBERS[numbers.below(NUMBERS.len() as u64) as usize]),
        8 => insert(input, place, WORDS[numbers.below(WORDS.len() as u64) as usize]),
        _ => {
            let word = WORDS[numbers.below(WORDS.len() as u64) as usize];
            insert(input, place, &word.repeat(1 + numbers.below(40) as usize));
        }
    }
}

fn insert(input: &mut Vec<u8>, place: usize, what: &[u8]) {
    drop(input.splice(place..place, what.iter().copied()));
}

/// Replaces the next decimal number after `place`, or writes the new one there if none follows soon.
fn number(input: &mut Vec<u8>, place: usize, new: &[u8]) {
    let near = &input[place..(place + 200).min(input.len())];
    let Some(start) = near.iter().position(u8::is_ascii_digit) else { return insert(input, place, new) };
    let digits = near[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    drop(input.splice(place + start..place + start + digits, new.iter().copied()));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_seed_decides_and_the_inputs_differ_and_stay_near_their_sample() {
        let samples = vec![b"1 0 obj << /Length 55 >> endobj".repeat(100), b"\x30\x82\x01\x00".repeat(50)];
        let some = |seed| mutations(&samples, seed).take(2_000).collect::<Vec<_>>();
        let first = some(1);
        assert_eq!(first, some(1));
        assert_ne!(first, some(2));
        let different: std::collections::HashSet<_> = first.iter().collect();
        assert!(different.len() > 1_800, "{}", different.len());
        let longest = samples.iter().map(Vec::len).max().unwrap();
        assert!(first.iter().all(|input| input.len() <= longest + 4_096));
    }

    #[test]
    fn nothing_to_spoil_is_no_reason_to_fall_over() {
        assert_eq!(mutations(&[], 3).take(500).count(), 500);
        assert_eq!(mutations(&[Vec::new()], 3).take(500).count(), 500);
    }
}
