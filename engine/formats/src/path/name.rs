//! Compares distinguished names as RFC 5280 section 7.1 wants it: letters of any case and any run of spaces are alike.

use crate::der::{DerError, Reader, TAG_OID, TAG_SEQUENCE, TAG_SET};

/// Whether two Names (DER) are the same.
pub fn same_name(one: &[u8], other: &[u8]) -> bool {
    one == other || matches!((folded(one), folded(other)), (Ok(one), Ok(other)) if one == other)
}

/// A key for tables: two Names that can be read have the same one if they are the same.
pub fn name_key(name: &[u8]) -> Vec<u8> {
    // The first byte keeps what is readable apart from what is not.
    match folded(name) {
        Ok(folded) => [b"n", folded.as_slice()].concat(),
        Err(_) => [b"?", name].concat(),
    }
}

/// Whether a Name lies in the subtree below another one: its first parts are the same (RFC 5280 section 4.2.1.10).
pub fn name_within(name: &[u8], tree: &[u8]) -> Result<bool, DerError> {
    // Each part has its length in front, so that the beginning of the bytes is the beginning of the parts.
    Ok(folded(name)?.starts_with(&folded(tree)?))
}

/// The values of one attribute (the content of its object identifier) in a Name, as far as they are texts.
pub fn attribute_texts(name: &[u8], wanted: &[u8]) -> Result<Vec<String>, DerError> {
    let mut found = Vec::new();
    let mut sets = Reader::new(name).enter(TAG_SEQUENCE)?;
    while !sets.is_empty() {
        let mut set = sets.enter(TAG_SET)?;
        while !set.is_empty() {
            let mut pair = set.enter(TAG_SEQUENCE)?;
            let (kind, value) = (pair.expect(TAG_OID)?.value, pair.read()?);
            if kind == wanted {
                found.extend(decoded(value.tag, value.value));
            }
        }
    }
    Ok(found)
}

/// A Name with its texts folded, each part with its length in front so that different names stay different.
fn folded(name: &[u8]) -> Result<Vec<u8>, DerError> {
    let mut out = Vec::with_capacity(name.len());
    let mut outer = Reader::new(name);
    let mut sets = outer.enter(TAG_SEQUENCE)?;
    outer.end()?;
    while !sets.is_empty() {
        let mut set = sets.enter(TAG_SET)?;
        let mut members = Vec::new();
        while !set.is_empty() {
            let mut pair = set.enter(TAG_SEQUENCE)?;
            let kind = pair.expect(TAG_OID)?.raw;
            let value = pair.read()?;
            pair.end()?;
            let mut member = kind.to_vec();
            match text(value.tag, value.value) {
                Some(text) => {
                    member.push(b't');
                    member.extend(text.into_bytes());
                }
                None => {
                    member.push(b'r');
                    member.extend_from_slice(value.raw);
                }
            }
            members.push(member);
        }
        members.sort_unstable();
        out.extend_from_slice(&(members.len() as u64).to_be_bytes());
        for member in members {
            out.extend_from_slice(&(member.len() as u64).to_be_bytes());
            out.extend_from_slice(&member);
        }
    }
    Ok(out)
}

/// The last common name in a Name, else the last organisation, for messages to people.
pub fn common_name(name: &[u8]) -> Option<String> {
    let (mut common, mut organisation) = (None, None);
    let mut sets = Reader::new(name).enter(TAG_SEQUENCE).ok()?;
    while let Ok(mut set) = sets.enter(TAG_SET) {
        while let Ok(mut pair) = set.enter(TAG_SEQUENCE) {
            let (kind, value) = (pair.expect(TAG_OID).ok()?.value, pair.read().ok()?);
            match kind {
                [0x55, 4, 3] => common = decoded(value.tag, value.value),
                [0x55, 4, 10] => organisation = decoded(value.tag, value.value),
                _ => {}
            }
        }
    }
    let shown = common.or(organisation)?;
    Some(shown.chars().filter(|c| !c.is_control()).take(SHOWN_CHARACTERS_MAX).collect())
}

const SHOWN_CHARACTERS_MAX: usize = 100;

fn text(tag: u8, value: &[u8]) -> Option<String> {
    let text = decoded(tag, value)?;
    let words: Vec<&str> = text.split_whitespace().collect();
    Some(words.join(" ").to_lowercase())
}

pub(crate) fn decoded(tag: u8, value: &[u8]) -> Option<String> {
    Some(match tag {
        // UTF8String, PrintableString, IA5String
        0x0c | 0x13 | 0x16 => std::str::from_utf8(value).ok()?.to_owned(),
        // TeletexString, which everybody fills with Latin-1
        0x14 => value.iter().map(|&octet| char::from(octet)).collect(),
        // BMPString
        0x1e if value.len().is_multiple_of(2) => {
            let units = value.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair));
            char::decode_utf16(units).collect::<Result<String, _>>().ok()?
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::tlv;

    fn name(parts: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let sets: Vec<Vec<u8>> = parts
            .iter()
            .map(|(kind, tag, value)| {
                let pair = tlv(TAG_SEQUENCE, &[&tlv(TAG_OID, &[&[0x55, 4, *kind]]), &tlv(*tag, &[value])]);
                tlv(TAG_SET, &[&pair])
            })
            .collect();
        tlv(TAG_SEQUENCE, &[&sets.concat()])
    }

    #[test]
    fn case_and_spaces_do_not_matter_but_everything_else_does() {
        let plain = name(&[(6, 0x13, b"DE"), (3, 0x0c, "Käse Root CA".as_bytes())]);
        assert!(same_name(&plain, &name(&[(6, 0x13, b"de"), (3, 0x0c, "  KÄSE   root CA ".as_bytes())])));
        assert!(same_name(&plain, &name(&[(6, 0x0c, b"DE"), (3, 0x14, b"K\xe4se Root CA")])));
        assert!(!same_name(&plain, &name(&[(6, 0x13, b"DE"), (3, 0x0c, "Käse RootCA".as_bytes())])));
        assert!(!same_name(&plain, &name(&[(3, 0x0c, "Käse Root CA".as_bytes()), (6, 0x13, b"DE")])));
        assert!(!same_name(&plain, &name(&[(6, 0x13, b"DE")])));
        assert!(!same_name(&plain, b""));
    }

    #[test]
    fn a_name_lies_in_the_subtree_of_its_first_parts() {
        let tree = name(&[(6, 0x13, b"DE"), (10, 0x0c, b"Acme")]);
        let inside = name(&[(6, 0x0c, b"de"), (10, 0x13, b"ACME"), (3, 0x0c, b"Erika")]);
        assert_eq!(name_within(&inside, &tree), Ok(true));
        assert_eq!(name_within(&tree, &tree), Ok(true));
        assert_eq!(name_within(&tree, &name(&[])), Ok(true), "everything is below the empty name");
        assert_eq!(name_within(&tree, &inside), Ok(false));
        assert_eq!(name_within(&inside, &name(&[(10, 0x0c, b"Acme")])), Ok(false));
        assert!(name_within(&inside, b"").is_err());
        assert_eq!(name_key(&inside), name_key(&name(&[(6, 0x13, b"DE"), (10, 0x13, b"acme"), (3, 0x0c, b"ERIKA")])));
        assert_ne!(name_key(&inside), name_key(&tree));
        assert_eq!(attribute_texts(&inside, &[0x55, 4, 3]), Ok(vec!["Erika".to_owned()]));
    }
}
