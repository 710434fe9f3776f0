//! Evidence records in XML, written by hand after RFC 6283: every link of a chain counts, of a group every member.

#![allow(clippy::unwrap_used)]

use archive::{ArchiveError, check_inspected};
use formats::inspect::record::Wanted;
use formats::inspect::{Record, RecordObject};
use formats::signature::HashAlgorithm::{self, Sha256, Sha512};
use formats::tsp::Token;
use testkit::world::{Hash, World};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:ers";

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let bits = group.iter().chain(&[0, 0]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let digit = |at: usize| if at > group.len() { '=' } else { char::from(DIGITS[bits >> (18 - 6 * at) & 63]) };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

/// Sorted, concatenated, hashed.
fn node(algorithm: HashAlgorithm, hashes: &[Vec<u8>]) -> Vec<u8> {
    let mut sorted = hashes.to_vec();
    sorted.sort();
    algorithm.digest(&sorted.concat()).unwrap()
}

/// `TimeStamp` over this hash, with the rest of its element in canonical form but without a namespace.
fn time_stamp(algorithm: HashAlgorithm, imprint: &[u8], later: i64) -> String {
    let world = World::shared_offline();
    let hash = if algorithm == Sha256 { Hash::Sha256 } else { Hash::Sha512 };
    let token = world.stamp_at(hash, imprint, world.now() + later).unwrap();
    assert!(Token::read(&token).is_ok());
    format!("><TimeStampToken Type=\"RFC3161\">{}</TimeStampToken></TimeStamp>", base64(&token))
}

fn sequence(number: usize, hashes: &[Vec<u8>]) -> String {
    let values: String = hashes.iter().map(|hash| format!("<DigestValue>{}</DigestValue>", base64(hash))).collect();
    format!("<Sequence Order=\"{number}\">{values}</Sequence>")
}

fn archive_time_stamp(number: usize, lists: &[&[Vec<u8>]], time_stamp: &str) -> String {
    let lists: String = lists.iter().zip(1..).map(|(list, number)| sequence(number, list)).collect();
    let tree = if lists.is_empty() { String::new() } else { format!("<HashTree>{lists}</HashTree>") };
    format!("<ArchiveTimeStamp Order=\"{number}\">{tree}<TimeStamp{time_stamp}</ArchiveTimeStamp>")
}

fn chain(number: usize, algorithm: HashAlgorithm, stamps: &str) -> String {
    let name = if algorithm == Sha256 { "sha256" } else { "sha512" };
    format!(
        "<ArchiveTimeStampChain Order=\"{number}\"><DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#{name}\">\
         </DigestMethod><CanonicalizationMethod Algorithm=\"http://www.w3.org/TR/2001/REC-xml-c14n-20010315\">\
         </CanonicalizationMethod>{stamps}</ArchiveTimeStampChain>"
    )
}

fn record(chains: &[&str]) -> String {
    let chains = chains.concat();
    format!(
        "<EvidenceRecord xmlns=\"{NAMESPACE}\" Version=\"1.0\"><ArchiveTimeStampSequence>{chains}\
         </ArchiveTimeStampSequence></EvidenceRecord>"
    )
}

fn judged(record: &str, documents: &[&[u8]]) -> Result<Vec<usize>, ArchiveError> {
    let bytes = record.as_bytes();
    let wanted = Wanted::by(bytes, true);
    let object = |document: &&[u8]| RecordObject { name: String::new(), digests: wanted.digests(document).unwrap() };
    let record = Record {
        name: None,
        xml: true,
        bytes: bytes.into(),
        objects: documents.iter().map(object).collect(),
        manifest: Vec::new(),
        covers: Vec::new(),
        signatures: Vec::new(),
    };
    let findings = check_inspected(&record)?;
    findings.since.map(|_| findings.stamps.iter().map(|stamp| stamp.chain).collect())
}

/// A group of two documents in a tree, its time stamp renewed, then its hash tree, then that time stamp.
fn renewed(documents: [&[u8]; 2], later: [i64; 4]) -> String {
    let of = |algorithm: HashAlgorithm| documents.map(|document| algorithm.digest(document).unwrap()).to_vec();
    let sibling = vec![Sha256.digest(b"another").unwrap()];
    let group = of(Sha256);
    let root = node(Sha256, &[vec![node(Sha256, &group)], sibling.clone()].concat());
    let first = time_stamp(Sha256, &root, later[0]);
    let canonical = |time_stamp: &str| format!("<TimeStamp xmlns=\"{NAMESPACE}\"{time_stamp}");
    let renewal = vec![Sha256.digest(canonical(&first).as_bytes()).unwrap()];
    let others = vec![Sha256.digest(b"other old time stamps").unwrap()];
    let second = time_stamp(Sha256, &node(Sha256, &[renewal.clone(), others.clone()].concat()), later[1]);
    let stamps =
        [archive_time_stamp(1, &[&group, &sibling], &first), archive_time_stamp(2, &[&renewal, &others], &second)];
    let old = chain(1, Sha256, &stamps.concat());
    let before = format!("<ArchiveTimeStampSequence xmlns=\"{NAMESPACE}\">{old}</ArchiveTimeStampSequence>");
    let list = [of(Sha512), vec![Sha512.digest(before.as_bytes()).unwrap()]].concat();
    let third = time_stamp(Sha512, &node(Sha512, &list), later[2]);
    let renewal = [Sha512.digest(canonical(&third).as_bytes()).unwrap()];
    let fourth = time_stamp(Sha512, &renewal[0], later[3]);
    let stamps = [archive_time_stamp(1, &[&list], &third), archive_time_stamp(2, &[], &fourth)];
    record(&[&old, &chain(2, Sha512, &stamps.concat())])
}

#[test]
fn records_are_renewed_and_every_link_counts() {
    let [one, two] = [b"Rechnung".as_slice(), b"<Anhang/>"];
    let good = renewed([one, two], [0, 10, 20, 30]);
    assert_eq!(judged(&good, &[two, one]), Ok(vec![1, 1, 2, 2]));
    // The document in XML is canonicalised before it is hashed; `<Anhang/>` has another canonical form.
    let [canonical, written] = [b"<Anhang></Anhang>".as_slice(), b"<Anhang  />"];
    let good_xml = renewed([one, canonical], [0, 10, 20, 30]);
    assert_eq!(judged(&good_xml, &[written, one]), Ok(vec![1, 1, 2, 2]));
    for documents in [&[one][..], &[two]] {
        assert!(judged(&good, documents).is_ok(), "a part of the group is proven as well");
    }
    for documents in [&[one, b"wrong"][..], &[b"wrong"], &[]] {
        assert!(judged(&good, documents).is_err());
    }
    // Times may be the same, but never go back.
    assert!(judged(&renewed([one, two], [0, 0, 0, 0]), &[one]).is_ok());
    for later in [[10, 0, 20, 30], [0, 20, 10, 30], [0, 10, 30, 20]] {
        assert!(judged(&renewed([one, two], later), &[one]).is_err());
    }
}

#[test]
fn one_document_alone_needs_no_tree() {
    let imprint = Sha256.digest(b"Rechnung").unwrap();
    let alone = archive_time_stamp(1, &[], &time_stamp(Sha256, &imprint, 0));
    let alone = record(&[&chain(1, Sha256, &alone)]);
    assert_eq!(judged(&alone, &[b"Rechnung"]), Ok(vec![1]));
    assert_eq!(judged(&alone, &[b"Rechnunk"]), Err(ArchiveError::NotCovered(1)));
    assert_eq!(judged(&alone, &[]), Err(ArchiveError::NeedsDigest(Sha256)));
}
