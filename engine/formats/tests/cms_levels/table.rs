//! The table of EN 319 122-1 section 6.3 as a reader of DER, apart from the one that the product has: which fields and
//! attributes each level must and must not have, and what its time stamps are over.

use formats::crypto::digest;
use formats::der::{Reader, Tlv, tlv};
use formats::tsp::Token;
use model::DigestAlgorithm::Sha256;
use model::profile::Level;

const AA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02";
const PKCS9: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09";
const ARCHIVE_TIME_STAMP: &[u8] = b"\x04\x00\x8d\x45\x02\x04";
const HASH_INDEX: &[u8] = b"\x04\x00\x81\x95\x32\x01\x05";
const OCSP_RESPONSE: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x10\x02";
const DATA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01";

/// The fields of a SignedData, each whole.
pub(crate) struct Fields<'a> {
    version: &'a [u8],
    content_type: &'a [u8],
    pub(crate) certificates: Vec<Tlv<'a>>,
    pub(crate) revocations: Vec<Tlv<'a>>,
    pub(crate) signers: Vec<Tlv<'a>>,
}

fn all<'a>(content: &'a [u8]) -> Vec<Tlv<'a>> {
    let mut reader = Reader::new(content);
    std::iter::from_fn(|| (!reader.is_empty()).then(|| reader.read().unwrap())).collect()
}

impl<'a> Fields<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Self {
        let mut outer = Reader::new(message);
        let mut info = outer.enter(0x30).unwrap();
        outer.end().unwrap();
        info.expect(6).unwrap();
        let mut data = info.enter(0xa0).unwrap().enter(0x30).unwrap();
        let version = data.expect(2).unwrap().value;
        data.expect(0x31).unwrap();
        let content_type = data.enter(0x30).unwrap().expect(6).unwrap().raw;
        let mut optional = |tag| data.optional(tag).unwrap().map_or(Vec::new(), |set| all(set.value));
        let (certificates, revocations) = (optional(0xa0), optional(0xa1));
        let signers = all(data.expect(0x31).unwrap().value);
        data.end().unwrap();
        Self { version, content_type, certificates, revocations, signers }
    }
}

/// An attribute: the content of its OBJECT IDENTIFIER, and its values, each whole.
struct Attribute<'a> {
    oid: &'a [u8],
    values: Vec<&'a [u8]>,
}

/// A SignerInfo: its fields up to the signature, whole; the value of the signature; the attributes.
struct Signer<'a> {
    covered: Vec<u8>,
    signature: &'a [u8],
    signed: Vec<Attribute<'a>>,
    unsigned: Vec<Attribute<'a>>,
}

impl<'a> Signer<'a> {
    fn read(info: &Tlv<'a>) -> Self {
        let mut fields = all(info.value);
        let attributes = |set: &Tlv<'a>| {
            let read = |attribute: &Tlv<'a>| {
                let mut fields = Reader::new(attribute.value);
                let oid = fields.expect(6).unwrap().value;
                let values = all(fields.expect(0x31).unwrap().value).iter().map(|value| value.raw).collect();
                Attribute { oid, values }
            };
            all(set.value).iter().map(read).collect::<Vec<_>>()
        };
        let unsigned = match fields.last() {
            Some(last) if last.tag == 0xa1 => attributes(&fields.pop().unwrap()),
            _ => Vec::new(),
        };
        assert_eq!(fields.iter().map(|field| field.tag).collect::<Vec<_>>(), [2, 0x30, 0x30, 0xa0, 0x30, 4]);
        Self {
            covered: fields.iter().flat_map(|field| field.raw).copied().collect(),
            signature: fields[5].value,
            signed: attributes(&fields[3]),
            unsigned,
        }
    }

    /// All values of the unsigned attributes of this type, each of which has one.
    fn unsigned(&self, oid: &[u8]) -> Vec<&'a [u8]> {
        let found = self.unsigned.iter().filter(|attribute| attribute.oid == oid);
        found
            .map(|attribute| match attribute.values[..] {
                [value] => value,
                _ => panic!("an attribute with {} values", attribute.values.len()),
            })
            .collect()
    }
}

fn arc(prefix: &[u8], arc: u8) -> Vec<u8> {
    [prefix, &[arc]].concat()
}

/// Checks every requirement of a level for a message of ours with this content.
pub(crate) fn check(level: Level, message: &[u8], content: &[u8]) {
    let fields = Fields::read(message);
    let others = fields.revocations.iter().filter(|entry| entry.tag == 0xa1).count();
    assert_eq!(fields.version, if others > 0 { [5] } else { [1] }, "version");
    assert_eq!(fields.content_type, DATA);
    assert!(!fields.certificates.is_empty() && !fields.signers.is_empty());
    for signer in &fields.signers {
        check_signer(level, &fields, &Signer::read(signer), content);
    }
    if level >= Level::Lt {
        check_evidence(&fields);
    } else {
        assert!(fields.revocations.is_empty());
    }
}

fn check_signer(level: Level, fields: &Fields<'_>, signer: &Signer<'_>, content: &[u8]) {
    let count = |oid: Vec<u8>| {
        let found: Vec<_> = signer.signed.iter().filter(|attribute| attribute.oid == oid).collect();
        assert!(found.iter().all(|attribute| attribute.values.len() == 1));
        found.len()
    };
    for (oid, name) in [(3, "content-type"), (4, "message-digest"), (5, "signing-time")] {
        assert_eq!(count(arc(PKCS9, oid)), 1, "{name}");
    }
    assert_eq!(count(arc(AA, 12)) + count(arc(AA, 47)), 1, "signing-certificate");

    let stamps = signer.unsigned(&arc(AA, 14));
    assert_eq!(stamps.is_empty(), level == Level::B, "signature-time-stamp");
    for stamp in stamps {
        assert!(Token::read(stamp).unwrap().stamps(&digest(Sha256, signer.signature)));
    }
    // References, values and time stamps of the older levels.
    for oid in [21, 22, 23, 24, 25, 26, 27, 48] {
        assert!(signer.unsigned(&arc(AA, oid)).is_empty(), "id-aa {oid} must be absent");
    }
    let archives = signer.unsigned(ARCHIVE_TIME_STAMP);
    assert_eq!(archives.is_empty(), level != Level::Lta, "archive-time-stamp-v3");
    for archive in archives {
        check_archive(fields, signer, archive, content);
    }
}

/// EN 319 122-1 sections 5.5.2 and 5.5.3.
fn check_archive(fields: &Fields<'_>, signer: &Signer<'_>, archive: &[u8], content: &[u8]) {
    let token = Fields::read(archive);
    assert_eq!(token.signers.len(), 1);
    let [index] = Signer::read(&token.signers[0]).unsigned(HASH_INDEX)[..] else { panic!("one ats-hash-index-v3") };
    let parts = all(Reader::new(index).expect(0x30).unwrap().value);
    let [algorithm, certificates, revocations, unsigned] = &parts[..] else { panic!("four fields") };
    assert_eq!(algorithm.raw, b"\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01");

    let hash = |bytes: &[u8]| digest(Sha256, bytes).as_bytes().to_vec();
    let whole = |entries: &[Tlv<'_>]| entries.iter().map(|entry| hash(entry.raw)).collect::<Vec<_>>();
    let values = signer
        .unsigned
        .iter()
        .flat_map(|attribute| attribute.values.iter().map(|value| hash(&[&tlv(6, &[attribute.oid]), *value].concat())));
    let known = [whole(&fields.certificates), whole(&fields.revocations), values.collect()];
    for (list, known) in [certificates, revocations, unsigned].into_iter().zip(&known) {
        let entries = all(list.value);
        assert!(!entries.is_empty());
        assert!(entries.iter().all(|entry| entry.tag == 4 && known.iter().any(|known| known == entry.value)));
    }
    let covered = [fields.content_type, &hash(content), &signer.covered, index].concat();
    assert!(Token::read(archive).unwrap().stamps(&digest(Sha256, &covered)), "the imprint");
}

/// Every certificate's issuer is there, and there is revocation material of both kinds.
fn check_evidence(fields: &Fields<'_>) {
    let certificates: Vec<_> =
        fields.certificates.iter().map(|one| openssl::x509::X509::from_der(one.raw).unwrap()).collect();
    for certificate in &certificates {
        let issued = |issuer: &openssl::x509::X509| issuer.issued(certificate) == openssl::x509::X509VerifyResult::OK;
        assert!(certificates.iter().any(issued), "a path is not complete");
    }
    let (mut lists, mut answers) = (0, 0);
    for entry in &fields.revocations {
        if entry.tag == 0xa1 {
            let mut other = Reader::new(entry.value);
            assert_eq!(other.expect(6).unwrap().value, OCSP_RESPONSE);
            assert_eq!(other.expect(0x30).unwrap().value[..3], [0x0a, 1, 0], "a successful OCSPResponse");
            other.end().unwrap();
            answers += 1;
        } else {
            assert_eq!(entry.tag, 0x30);
            lists += 1;
        }
    }
    assert!(lists > 0 && answers > 0, "{lists} lists, {answers} answers");
}

/// A message in DER with one signer, with these unsigned attributes (the whole `[1]`) put in.
pub(crate) fn with_unsigned(message: &[u8], unsigned: &[u8]) -> Vec<u8> {
    let mut info = Reader::new(message).enter(0x30).unwrap();
    let kind = info.expect(6).unwrap().raw;
    let mut fields = all(info.enter(0xa0).unwrap().expect(0x30).unwrap().value);
    let signers = fields.pop().unwrap();
    let [signer] = all(signers.value)[..] else { panic!("one signer") };
    let signer = tlv(0x30, &[signer.value, unsigned]);
    let mut parts: Vec<&[u8]> = fields.iter().map(|field| field.raw).collect();
    let signers = tlv(0x31, &[&signer]);
    parts.push(&signers);
    tlv(0x30, &[kind, &tlv(0xa0, &[&tlv(0x30, &parts)])])
}
