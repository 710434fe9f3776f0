//! The Document Security Store of our files (EN 319 142-1 5.4), read with a PDF library that does not write it: what is
//! in it, what each signature's entry refers to, and that nothing is there twice. Damaged stores end in no panic.

use crate::lifting::{add_evidence, lifted, proofs, sign_to, signed, stamp_document, stamp_signatures, world_signer};
use crate::support::Pieces;
use formats::evidence::Evidence;
use formats::lift::{self, Kind};
use lopdf::{Dictionary, Document, Object, ObjectId};
use model::DigestAlgorithm::Sha256;
use model::profile::Level;
use openssl::hash::{MessageDigest, hash};
use openssl::ocsp::{OcspResponse, OcspResponseStatus};
use openssl::x509::X509Crl;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use testkit::pdf::{Form, Shape, invoice};
use testkit::pki::KeyKind;
use testkit::world::{Issuer, Unit, World};

/// Lists of references: `[certificates, answers, lists]`.
type Lists = [Vec<ObjectId>; 3];

/// A security store as lopdf reads it.
struct Stored {
    document: Document,
    lists: Lists,
    entries: BTreeMap<String, Lists>,
}

impl Stored {
    fn read(bytes: &[u8]) -> Self {
        let document = Document::load_mem(bytes).unwrap();
        let store = dictionary(&document, document.catalog().unwrap().get(b"DSS").unwrap()).clone();
        let entries = dictionary(&document, store.get(b"VRI").unwrap());
        let entries = entries.iter().filter(|(key, _)| *key != b"Type").map(|(key, entry)| {
            let entry = dictionary(&document, entry);
            (
                String::from_utf8(key.clone()).unwrap(),
                [b"Cert", &b"OCSP"[..], b"CRL"].map(|key| list(&document, entry, key)),
            )
        });
        let entries = entries.collect();
        let lists = [b"Certs", &b"OCSPs"[..], b"CRLs"].map(|key| list(&document, &store, key));
        Self { document, lists, entries }
    }

    /// What is in the streams of one list.
    fn values(&self, number: usize) -> Vec<Vec<u8>> {
        let stream = |id: &ObjectId| self.document.get_object(*id).unwrap().as_stream().unwrap();
        self.lists[number].iter().map(|id| stream(id).decompressed_content().unwrap()).collect()
    }
}

fn dictionary<'a>(document: &'a Document, object: &'a Object) -> &'a Dictionary {
    document.dereference(object).unwrap().1.as_dict().unwrap()
}

fn list(document: &Document, of: &Dictionary, key: &[u8]) -> Vec<ObjectId> {
    let Ok(array) = of.get(key) else { return Vec::new() };
    let array = document.dereference(array).unwrap().1.as_array().unwrap();
    array.iter().map(|item| item.as_reference().unwrap()).collect()
}

/// The keys of all signatures' entries: the SHA-1 of `/Contents` with what fills it up, found by its angle brackets.
fn keys(bytes: &[u8]) -> BTreeSet<String> {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    let values = text.split("/Contents <").skip(1).filter(|rest| !rest.starts_with('<'));
    let key = |rest: &str| {
        let octets = from_hex(rest.split('>').next().unwrap());
        to_hex(&hash(MessageDigest::sha1(), &octets).unwrap())
    };
    values.map(key).collect()
}

fn from_hex(digits: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(pair).collect()
}

fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

fn is_without_duplicates<T: Ord + Clone>(list: &[T]) -> bool {
    list.iter().collect::<BTreeSet<_>>().len() == list.len()
}

#[test]
fn the_store_holds_all_certificates_answers_and_lists_under_the_right_key() {
    let world = World::shared_offline();
    for form in [Form::Classic, Form::XrefStream, Form::ObjectStreams] {
        let signer = world_signer(KeyKind::P256);
        let (_, bytes) = sign_to(&signer, &invoice(3, &Shape { form, ..Shape::default() }), Level::Lt);
        let stored = Stored::read(&bytes);
        let [certificates, answers, lists] = [0, 1, 2].map(|number| stored.values(number));
        let [signers, units] = [signer.identity.chain_der(), world.unit(Unit::Good).unwrap().chain_der()];
        let chains = [signers, units, vec![world.authority_der(Issuer::Seals), world.root_der()]].concat();
        for expected in &chains {
            assert!(certificates.contains(expected), "a certificate of a path is missing");
        }
        assert!(
            is_without_duplicates(&certificates) && is_without_duplicates(&answers) && is_without_duplicates(&lists)
        );
        // The signer and the time-stamp unit each have an answer, which is signed by a responder that is there too.
        assert_eq!(answers.len(), 2);
        for answer in &answers {
            let answer = OcspResponse::from_der(answer).unwrap();
            assert!(answer.status() == OcspResponseStatus::SUCCESSFUL && answer.basic().is_ok());
        }
        // The authorities themselves are in the root's list, whose signature is the root's.
        let root = openssl::x509::X509::from_der(&world.root_der()).unwrap();
        let is_roots = |list: &Vec<u8>| X509Crl::from_der(list).unwrap().verify(&root.public_key().unwrap()).unwrap();
        assert!(lists.iter().any(is_roots), "{} lists", lists.len());

        assert_eq!(stored.entries.keys().cloned().collect::<BTreeSet<_>>(), keys(&bytes));
        let [entry] = &stored.entries.values().collect::<Vec<_>>()[..] else { panic!("one signature, one entry") };
        assert_eq!(**entry, stored.lists, "the only signature needs all that is there");
    }
}

#[test]
fn renewal_adds_entries_and_nothing_twice() {
    let once = signed(&world_signer(KeyKind::P256), &invoice(3, &Shape::default()));
    let twice = signed(&world_signer(KeyKind::Rsa2048), &once);
    let first = lifted(&twice, Level::Lta).unwrap();
    let second = stamp_document(&add_evidence(&first).unwrap()).unwrap();
    let (before, after) = (Stored::read(&first), Stored::read(&second));
    for number in 0..3 {
        let [before, after] = [before.values(number), after.values(number)];
        assert!(is_without_duplicates(&after) && after.starts_with(&before), "what is there stays, once");
    }
    // Evidence comes before the last time stamp, which therefore has no entry yet.
    let all = keys(&second);
    let known: BTreeSet<String> = after.entries.keys().cloned().collect();
    assert!(known.is_subset(&all) && all.len() == known.len() + 1, "{known:?} of {all:?}");
    assert!(before.entries.keys().all(|key| after.entries.contains_key(key)));
    let entries = after.entries.values().flatten().zip(after.lists.iter().cycle());
    entries.for_each(|(of_entry, of_store)| assert!(of_entry.iter().all(|id| of_store.contains(id))));
}

/// All steps with damaged bytes, in memory and through a window: an error or a document, the same in both. Answers
/// whether evidence was written.
fn lift_damaged(bytes: &[u8], evidence: &Evidence) -> bool {
    for find in [lift::signature_time_stamps, lift::archive_time_stamps] {
        let whole = find(Kind::Pdf, &bytes, None, Sha256, None);
        let pieces = find(Kind::Pdf, &Pieces(bytes), None, Sha256, None);
        let [whole, pieces] = [whole, pieces]
            .map(|place| place.map(|place| place.imprints().to_vec()).map_err(|error| error.to_string()));
        assert_eq!(whole, pieces);
    }
    lift::evidence(Kind::Pdf, &bytes, None, None).and_then(|place| place.fill(evidence)).is_ok()
}

/// Places and their new bytes.
type Changes = Vec<(usize, u8)>;
/// Bytes copied from one place to another, and how many.
type Moves = Vec<(usize, usize, usize)>;

#[test]
fn damage_never_ends_in_a_panic() {
    // What the world says of another signer is not there yet.
    let evidence = proofs(std::iter::once(&*world_signer(KeyKind::Rsa2048).signer.certificate));
    for form in [Form::Classic, Form::ObjectStreams] {
        let signed = signed(&world_signer(KeyKind::P256), &invoice(3, &Shape { form, ..Shape::default() }));
        let stamped = stamp_signatures(&signed).unwrap();
        let proven = add_evidence(&stamped).unwrap();
        let archived = stamp_document(&proven).unwrap();
        // What lies behind the signature may change without breaking it, so that writing is reached with odd stores.
        for (bytes, range) in [(&archived, 0..archived.len()), (&proven, stamped.len()..proven.len())] {
            let change = (range.clone(), any::<u8>());
            let moved = (range.clone(), range.clone(), 1..24_usize);
            let strategy = (prop::collection::vec(change, 0..3), prop::collection::vec(moved, 0..3));
            let written = Cell::new(0);
            let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
            let test = |(changes, moves): (Changes, Moves)| {
                let mut damaged = bytes.clone();
                changes.into_iter().for_each(|(at, byte)| damaged[at] = byte);
                for (from, to, length) in moves {
                    let length = length.min(damaged.len() - from.max(to));
                    damaged.copy_within(from..from + length, to);
                }
                written.set(written.get() + usize::from(lift_damaged(&damaged, &evidence)));
                Ok(())
            };
            TestRunner::new(config).run(&strategy, test).unwrap();
            assert!(written.get() > 10, "evidence was written only {} times", written.get());
        }
    }
}
