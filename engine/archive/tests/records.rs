//! Evidence records: of other makers, good and bad, and our own, judged by openssl where it can judge.

#![allow(clippy::unwrap_used)]

use archive::{ArchiveError, EvidenceRecord, HashTree, Proof, check};
use formats::crypto;
use formats::signature::HashAlgorithm;
use formats::tsp::Token;
use model::{Digest, DigestAlgorithm};
use proptest::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use testkit::world::{Hash, World};
use testkit::{corpora, tools};

fn digest(algorithm: DigestAlgorithm, bytes: &[u8]) -> Digest {
    crypto::digest(algorithm, bytes)
}

fn sha256(bytes: &[u8]) -> Digest {
    digest(DigestAlgorithm::Sha256, bytes)
}

/// A time stamp of the world over a digest, this many seconds from now.
fn stamp(imprint: &Digest, later: i64) -> Token {
    let world = World::shared_offline();
    let hash = match imprint.algorithm() {
        DigestAlgorithm::Sha256 => Hash::Sha256,
        DigestAlgorithm::Sha384 => Hash::Sha384,
        DigestAlgorithm::Sha512 => Hash::Sha512,
    };
    let token = Token::read(&world.stamp_at(hash, imprint.as_bytes(), world.now() + later).unwrap()).unwrap();
    assert!(token.stamps(imprint));
    token
}

fn prove(record: &[u8], documents: &[&[u8]]) -> Result<Proof, ArchiveError> {
    let digests = |algorithm: HashAlgorithm| {
        documents.iter().map(|document| algorithm.digest(document).ok()).collect::<Option<Vec<_>>>()
    };
    check(&EvidenceRecord::read(record)?, &digests)
}

/// Documents `0`, `1`, … in one tree under one time stamp.
fn records(count: u32) -> Vec<Vec<u8>> {
    let tree = HashTree::new((0..count).map(|number| vec![sha256(&number.to_be_bytes())]).collect()).unwrap();
    let token = stamp(&tree.root(), 0);
    (0..count as usize).map(|at| EvidenceRecord::new(tree.algorithm(), tree.reduced(at), &token).der()).collect()
}

#[test]
fn every_document_of_a_tree_is_proven_by_its_record_and_no_other_is() {
    for count in [1, 2, 3, 4, 5, 7, 8, 9, 33] {
        for (number, record) in (0_u32..).zip(records(count)) {
            prove(&record, &[&number.to_be_bytes()]).unwrap();
            assert!(prove(&record, &[&(number + 1).to_be_bytes()]).is_err());
            assert_eq!(EvidenceRecord::read(&record).unwrap().der(), record);
        }
    }
}

#[test]
fn a_group_is_proven_whole_and_only_whole() {
    let [document, signature, more] = [b"Rechnung".as_slice(), b"Signatur", b"mehr"];
    let group = vec![sha256(document), sha256(signature)];
    for others in [vec![], vec![vec![sha256(b"x")], vec![sha256(b"y"), sha256(b"z")]]] {
        let tree = HashTree::new([vec![group.clone()], others].concat()).unwrap();
        let record = EvidenceRecord::new(tree.algorithm(), tree.reduced(0), &stamp(&tree.root(), 0)).der();
        prove(&record, &[signature, document]).unwrap();
        for wrong in [&[document, more][..], &[document, signature, more], &[]] {
            assert!(prove(&record, wrong).is_err(), "{wrong:?}");
        }
    }
}

#[test]
fn records_are_renewed_and_every_link_counts() {
    let document = b"Rechnung".as_slice();
    let first = HashTree::new(vec![vec![sha256(document)], vec![sha256(b"other")]]).unwrap();
    let record = EvidenceRecord::new(first.algorithm(), first.reduced(0), &stamp(&first.root(), 0));
    // The time stamp grows old.
    let leaf = record.renewal_leaf().unwrap().unwrap();
    let second = HashTree::new(vec![vec![sha256(b"another old time stamp")], vec![leaf]]).unwrap();
    let record = record.renewed(second.reduced(1), &stamp(&second.root(), 10)).unwrap();
    // The digest grows old.
    let documents = [digest(DigestAlgorithm::Sha512, document)];
    let leaves = record.rehash_leaves(&documents);
    let third = HashTree::new(vec![leaves, vec![digest(DigestAlgorithm::Sha512, b"x")]]).unwrap();
    let record = record.rehashed(third.algorithm(), third.reduced(0), &stamp(&third.root(), 20));
    let leaf = record.renewal_leaf().unwrap().unwrap();
    let record = record.renewed(None, &stamp(&leaf, 30)).unwrap().der();

    let proof = prove(&record, &[document]).unwrap();
    assert_eq!(proof.stamps.iter().map(|(chain, _)| *chain).collect::<Vec<_>>(), [0, 0, 1, 1]);
    assert_eq!(proof.since, proof.stamps[0].1.time());
    assert_eq!(prove(&record, &[b"other"]).unwrap_err(), ArchiveError::NotCovered(1));
    let only_old = |algorithm: HashAlgorithm| {
        (algorithm == HashAlgorithm::Sha256).then(|| vec![sha256(document).as_bytes().to_vec()])
    };
    let error = check(&EvidenceRecord::read(&record).unwrap(), &only_old).unwrap_err();
    assert_eq!(error, ArchiveError::NeedsDigest(HashAlgorithm::Sha512));

    let alone = EvidenceRecord::new(DigestAlgorithm::Sha256, None, &stamp(&sha256(document), 0));
    let leaf = alone.renewal_leaf().unwrap().unwrap();
    let earlier = alone.clone().renewed(None, &stamp(&leaf, -10)).unwrap().der();
    assert!(matches!(prove(&earlier, &[document]), Err(ArchiveError::Rule(_))), "renewed before it was made");
    let elsewhere = alone.renewed(None, &stamp(&sha256(b"x"), 10)).unwrap().der();
    assert_eq!(prove(&elsewhere, &[document]).unwrap_err(), ArchiveError::NotCovered(2));
}

#[test]
fn openssl_accepts_the_time_stamp_over_the_root_that_the_record_leads_to() {
    let documents: Vec<Vec<u8>> = (0..5_u8).map(|number| vec![number; 9]).collect();
    let tree = HashTree::new(documents.iter().map(|document| vec![sha256(document)]).collect()).unwrap();
    let record = EvidenceRecord::new(tree.algorithm(), tree.reduced(3), &stamp(&tree.root(), 0)).der();
    let record = EvidenceRecord::read(&record).unwrap();
    let stamp = record.stamps().next().unwrap();
    // The root once more, by hand, from what the record says.
    let mut current = stamp.tree.as_ref().unwrap()[0][0].clone();
    assert_eq!(current, sha256(&documents[3]).as_bytes());
    for list in &stamp.tree.as_ref().unwrap()[1..] {
        let mut pair = [current, list[0].clone()];
        pair.sort();
        current = sha256(&pair.concat()).as_bytes().to_vec();
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, &stamp.token).unwrap();
    let hex: String = current.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut command = std::process::Command::new("openssl");
    command.args(["ts", "-verify", "-token_in", "-digest", &hex, "-in"]).arg(&file);
    tools::ok("openssl", command.arg("-CAfile").arg(World::shared_offline().ca_pem())).unwrap();
}

/// What the corpus says of each RFC 4998 record, against what we say. Where the covered data is not given, the first
/// hash in the record stands for it: then the rest of the record is judged, unless it is a record of several chains, for
/// which that hash is not enough.
#[test]
fn records_of_other_makers_are_judged_as_their_labels_say() {
    let Some(folder) = corpora::corpora("evidence-records") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut good, mut bad, mut wrong) = (0, 0, Vec::new());
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (Some(&path), Some(&expected)) = (columns.first(), columns.get(1)) else { continue };
        let is_asn1 = path.contains(".ers") || path.contains(".er.b64");
        if !is_asn1 || path.ends_with(".xml") || !matches!(expected, "er-valid" | "er-invalid") {
            continue;
        }
        let data = columns.get(2).filter(|data| !data.is_empty()).map(|data| folder.join(data));
        // Its CMS version is not 3, on which nothing depends.
        if path.ends_with("example_wrong_cms_version.ers.b64") {
            continue;
        }
        let Some(verdict) = judged(&folder.join(path), data.as_deref()) else { continue };
        match (expected, &verdict) {
            ("er-valid", Ok(_)) => good += 1,
            ("er-invalid", Err(_)) => bad += 1,
            _ => wrong.push(format!("{path}: {expected}, but {:?}", verdict.map(|proof| proof.stamps.len()))),
        }
    }
    println!("{good} good and {bad} bad ones judged as expected; otherwise: {wrong:#?}");
    assert!(good >= 15 && bad >= 3 && wrong.is_empty(), "{good} good, {bad} bad, {wrong:#?}");
}

fn judged(file: &PathBuf, data: Option<&Path>) -> Option<Result<Proof, ArchiveError>> {
    let mut bytes = std::fs::read(file).unwrap();
    if file.extension().is_some_and(|extension| extension == "b64") {
        let text: String = String::from_utf8(bytes).unwrap().split_whitespace().collect();
        bytes = openssl_base64(&text);
    }
    let record = match EvidenceRecord::read(&bytes) {
        Ok(record) => record,
        Err(error) => return Some(Err(error)),
    };
    let chains: Vec<_> = record.stamps().cloned().collect();
    if data.is_none() && record.chains().count() > 1 {
        return None;
    }
    let documents = |algorithm: HashAlgorithm| match data {
        Some(data) => Some(vec![algorithm.digest(&std::fs::read(data).unwrap()).ok()?]),
        None => {
            let first = chains.first()?;
            let listed = first.tree.as_ref().and_then(|lists| lists.first()?.first()).cloned();
            Some(vec![listed.unwrap_or(Token::read(&first.token).ok()?.imprint().value.clone())])
        }
    };
    Some(check(&record, &documents))
}

fn openssl_base64(text: &str) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let [text_file, out] = ["text", "out"].map(|name| folder.path().join(name));
    std::fs::write(&text_file, text).unwrap();
    let mut command = std::process::Command::new("openssl");
    command.args(["base64", "-d", "-A", "-in"]).arg(&text_file).arg("-out").arg(&out);
    tools::ok("openssl", &mut command).unwrap();
    std::fs::read(out).unwrap()
}

fn sample() -> &'static [u8] {
    static RECORD: OnceLock<Vec<u8>> = OnceLock::new();
    RECORD.get_or_init(|| records(6).swap_remove(2))
}

/// Bits of the time stamp that nobody signs may turn; none of the hashes may, and none of the signature.
#[test]
fn no_turned_bit_of_the_hashes_is_overlooked() {
    let record = EvidenceRecord::read(sample()).unwrap();
    let token = record.stamps().next().unwrap().token.len();
    for at in 0..sample().len() - token {
        for bit in 0..8 {
            let mut changed = sample().to_vec();
            changed[at] ^= 1 << bit;
            if prove(&changed, &[&2_u32.to_be_bytes()]).is_ok() {
                // digestAlgorithms only repeats what the time stamps say.
                assert!(at < 24, "bit {bit} of byte {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_of_any_shape_lead_to_their_root(sizes in prop::collection::vec(1_usize..4, 1..40), picked in any::<prop::sample::Index>()) {
        let member = |group: usize, member: usize| sha256(&[group as u8, member as u8]);
        let groups: Vec<Vec<Digest>> = sizes.iter().enumerate().map(|(g, size)| (0..*size).map(|m| member(g, m)).collect()).collect();
        let tree = HashTree::new(groups.clone()).unwrap();
        let group = picked.index(groups.len());
        let mut current: Option<Vec<u8>> = None;
        for list in tree.reduced(group).unwrap_or_else(|| vec![vec![groups[group][0].as_bytes().to_vec()]]) {
            let mut hashes: Vec<Vec<u8>> = list.into_iter().chain(current.take()).collect();
            hashes.sort();
            current = Some(if hashes.len() == 1 { hashes.remove(0) } else { sha256(&hashes.concat()).as_bytes().to_vec() });
        }
        let root = tree.root();
        prop_assert_eq!(current.unwrap(), root.as_bytes());
    }

    #[test]
    fn damaged_records_never_panic(seed in any::<u64>()) {
        for changed in testkit::mutate::mutations(&[sample().to_vec()], seed).take(8) {
            let _ = prove(&changed, &[&2_u32.to_be_bytes()]);
        }
    }
}
