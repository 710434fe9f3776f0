//! The time-stamping authority (RFC 3161, RFC 5816): answers requests, well or in one of the ways of [`Fault`].
//!
//! Sans IO and without a clock. A token costs one signature and a few copies, so that it can serve a load test.

use super::authority::{names_of, serial_of};
use super::der;
use super::fault::Fault;
use super::names::{Hash, SigningKey};
use crate::pki::Identity;
use anyhow::{Result, ensure};
use std::sync::Arc;

/// How the authority makes its tokens.
#[derive(Clone, Debug)]
pub struct StampSettings {
    /// The policy that it states when none is asked for, dotted.
    pub policy: String,
    /// `accuracy` in milliseconds; left out if 0.
    pub accuracy_millis: u64,
    /// Whether `ordering` is TRUE.
    pub ordering: bool,
    /// Whether `tsa` names the unit.
    pub name: bool,
    /// Whether the root is among the certificates, too.
    pub root: bool,
    /// The hash of the signature, of message-digest and of the signing-certificate attribute.
    pub hash: Hash,
}

impl Default for StampSettings {
    fn default() -> Self {
        let policy = "1.3.6.1.4.1.99999.3161.1".to_owned(); // invented, in a range that is nobody's
        Self { policy, accuracy_millis: 1000, ordering: false, name: true, root: false, hash: Hash::Sha256 }
    }
}

/// A time-stamp unit: its certificate and what of its tokens never changes.
pub(super) struct Unit {
    pub(super) identity: Arc<Identity>,
    key: SigningKey,
    /// `IssuerAndSerialNumber`.
    sid: Vec<u8>,
    subject: Vec<u8>,
    certificate: Vec<u8>,
    path: Vec<Vec<u8>>,
}

impl Unit {
    pub(super) fn new(identity: Arc<Identity>, hash: Hash) -> Result<Self> {
        let key = SigningKey::new(identity.key().clone(), hash)?;
        let mut chain = identity.chain_der().into_iter();
        let certificate = chain.next().unwrap_or_default();
        let (issuer, subject) = names_of(&certificate)?;
        let sid = der::seq(&[&issuer, &der::tlv(der::INTEGER, &[&serial_of(&certificate)?])]);
        Ok(Self { identity, key, sid, subject, certificate, path: chain.collect() })
    }
}

/// What a request asks for; `TimeStampReq` without what no answer depends on.
pub(super) struct Request<'a> {
    /// `MessageImprint`, with its header.
    pub(super) imprint: Vec<u8>,
    /// The content of the INTEGER.
    pub(super) nonce: Option<&'a [u8]>,
    /// The policy, with its header.
    pub(super) policy: Option<Vec<u8>>,
    pub(super) certificates: bool,
}

impl<'a> Request<'a> {
    /// Reads a `TimeStampReq`; the error is the reason to refuse it.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Refusal> {
        Self::parse(bytes).map_err(|_| Refusal::BadDataFormat).and_then(|(request, hash, length)| {
            match Hash::named(&hash) {
                Some(hash) if hash != Hash::Sha1 && hash.length() == length => Ok(request),
                Some(hash) if hash != Hash::Sha1 => Err(Refusal::BadDataFormat),
                _ => Err(Refusal::BadAlg),
            }
        })
    }

    fn parse(bytes: &'a [u8]) -> Result<(Self, Vec<u8>, usize)> {
        let mut outer = der::Reader(bytes);
        let mut inside = outer.enter(der::SEQUENCE)?;
        ensure!(outer.is_empty(), "more after the request");
        ensure!(inside.expect(der::INTEGER)?.content == [1], "version");
        let imprint = inside.expect(der::SEQUENCE)?;
        let mut parts = der::Reader(imprint.content);
        let hash = parts.enter(der::SEQUENCE)?.expect(der::OID)?.whole.to_vec();
        let length = parts.expect(der::OCTET_STRING)?.content.len();
        let policy = inside.optional(der::OID)?.map(|value| value.whole.to_vec());
        let nonce = inside.optional(der::INTEGER)?.map(|value| value.content);
        let certificates = inside.optional(der::BOOLEAN)?.is_some_and(|value| value.content != [0]);
        Ok((Self { imprint: imprint.whole.to_vec(), nonce, policy, certificates }, hash, length))
    }

    /// The request for a stamp on this hash value, with certificates and without a nonce.
    pub(super) fn plain(hash: Hash, imprint: &[u8]) -> Self {
        Self { imprint: message_imprint(hash, imprint), nonce: None, policy: None, certificates: true }
    }
}

/// Why a request gets no token: the bit of `PKIFailureInfo`.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    BadAlg = 0,
    BadDataFormat = 5,
    SystemFailure = 25,
}

/// `TimeStampResp` without a token: status 2 (rejection) or 3 (waiting).
pub(super) fn refusal(status: u64, why: Refusal) -> Vec<u8> {
    let text = der::seq(&[&der::tlv(0x0c, &[b"the authority of the test refuses"])]);
    let status = der::number(status);
    der::seq(&[&der::seq(&[&status, &text, &der::named_bits(&[why as usize])])])
}

/// `TimeStampResp` with a token: granted.
pub(super) fn granted(token: &[u8]) -> Vec<u8> {
    der::seq(&[&der::seq(&[&der::number(0)]), token])
}

/// `MessageImprint`.
fn message_imprint(hash: Hash, imprint: &[u8]) -> Vec<u8> {
    der::seq(&[&hash.identifier(), &der::tlv(der::OCTET_STRING, &[imprint])])
}

/// A token: the `ContentInfo` with the signed `TSTInfo`.
///
/// `other` is a certificate that is not the unit's, for the fault that refers to it.
pub(super) fn token(
    unit: &Unit,
    settings: &StampSettings,
    request: &Request,
    (seconds, millis): (i64, u16),
    fault: Option<Fault>,
) -> Result<Vec<u8>> {
    let info = info(unit, settings, request, (seconds, millis), fault)?;
    let hash = settings.hash;
    let digest = if hash == Hash::Sha256 { Vec::new() } else { hash.identifier() };
    let bound = match fault {
        Some(Fault::WrongEss) => unit.path.first().unwrap_or(&unit.certificate),
        _ => &unit.certificate,
    };
    let id = der::seq(&[&digest, &der::tlv(der::OCTET_STRING, &[&hash.of(bound)])]);
    let attribute = |kind: &str, value: Vec<u8>| der::seq(&[&der::oid(kind), &der::tlv(der::SET, &[&value])]);
    let mut attributes = der::set_of(vec![
        attribute("1.2.840.113549.1.9.3", der::oid(TST_INFO)),
        attribute("1.2.840.113549.1.9.4", der::tlv(der::OCTET_STRING, &[&hash.of(&info)])),
        attribute("1.2.840.113549.1.9.5", der::time(seconds)),
        attribute("1.2.840.113549.1.9.16.2.47", der::seq(&[&der::seq(&[&id])])),
    ]);
    let mut signature = unit.key.sign(&attributes)?;
    if fault == Some(Fault::BadSignature)
        && let Some(last) = signature.last_mut()
    {
        *last ^= 1;
    }
    attributes[0] = 0xa0; // signed as SET OF, written as [0] (RFC 5652 section 5.4)
    let signer = der::seq(&[
        &der::number(1),
        &unit.sid,
        &hash.identifier(),
        &attributes,
        &unit.key.identifier,
        &der::tlv(der::OCTET_STRING, &[&signature]),
    ]);
    let mut certificates = Vec::new();
    if request.certificates && fault != Some(Fault::NoCertificate) {
        let above = if settings.root { unit.path.len() } else { unit.path.len().saturating_sub(1) };
        let set = std::iter::once(&unit.certificate).chain(unit.path.iter().take(above)).cloned();
        certificates = der::set_of(set.collect());
        certificates[0] = 0xa0;
    }
    let (version, hashes) = (der::number(3), der::tlv(der::SET, &[&hash.identifier()]));
    let (content, signers) = (der::oid(TST_INFO), der::tlv(der::SET, &[&signer]));
    if fault == Some(Fault::NotDer) {
        let octets = [&[0x24, 0x80][..], &der::tlv(der::OCTET_STRING, &[&info]), END].concat();
        let inner = [&[0x30, 0x80][..], &content, &[0xa0, 0x80], &octets, END, END].concat();
        let data = [&[0x30, 0x80][..], &version, &hashes, &inner, &certificates, &signers, END].concat();
        return Ok([&[0x30, 0x80][..], &der::oid(SIGNED_DATA), &[0xa0, 0x80], &data, END, END].concat());
    }
    let inner = der::seq(&[&content, &der::tlv(0xa0, &[&der::tlv(der::OCTET_STRING, &[&info])])]);
    let data = der::seq(&[&version, &hashes, &inner, &certificates, &signers]);
    Ok(der::seq(&[&der::oid(SIGNED_DATA), &der::tlv(0xa0, &[&data])]))
}

/// `TSTInfo`.
fn info(
    unit: &Unit,
    settings: &StampSettings,
    request: &Request,
    (seconds, millis): (i64, u16),
    fault: Option<Fault>,
) -> Result<Vec<u8>> {
    let policy = match &request.policy {
        _ if fault == Some(Fault::WrongPolicy) => der::oid("1.3.6.1.4.1.99999.3161.666"),
        Some(asked) => asked.clone(),
        None => der::oid(&settings.policy),
    };
    let imprint = match fault {
        Some(Fault::WrongImprint) => message_imprint(Hash::Sha256, &Hash::Sha256.of(b"something else")),
        _ => request.imprint.clone(),
    };
    let seconds = match fault {
        Some(Fault::OldTime) => seconds - 10 * super::authority::DAY,
        Some(Fault::FutureTime) => seconds + 3600,
        _ => seconds,
    };
    let mut serial = [0; 16];
    openssl::rand::rand_bytes(&mut serial)?;
    serial[0] = serial[0] & 0x3f | 0x40;
    let mut accuracy = Vec::new();
    if settings.accuracy_millis > 0 {
        if settings.accuracy_millis >= 1000 {
            accuracy.extend(der::number(settings.accuracy_millis / 1000));
        }
        if !settings.accuracy_millis.is_multiple_of(1000) {
            let mut millis = der::number(settings.accuracy_millis % 1000);
            millis[0] = 0x80;
            accuracy.extend(millis);
        }
        accuracy = der::seq(&[&accuracy]);
    }
    let ordering = if settings.ordering { der::truth() } else { Vec::new() };
    let nonce = match (request.nonce, fault) {
        (Some(_), Some(Fault::WrongNonce)) => der::number(4711),
        (None, _) | (_, Some(Fault::NoNonce)) => Vec::new(),
        (Some(nonce), _) => der::tlv(der::INTEGER, &[nonce]),
    };
    // GeneralName: directoryName is explicitly tagged, because Name is a choice.
    let tsa = if settings.name { der::tlv(0xa0, &[&der::tlv(0xa4, &[&unit.subject])]) } else { Vec::new() };
    let time = der::generalized(seconds, millis);
    Ok(der::seq(&[
        &der::number(1),
        &policy,
        &imprint,
        &der::integer(&serial),
        &time,
        &accuracy,
        &ordering,
        &nonce,
        &tsa,
    ]))
}

const END: &[u8] = &[0, 0];
const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
const TST_INFO: &str = "1.2.840.113549.1.9.16.1.4";
