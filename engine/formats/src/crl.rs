//! Certificate revocation lists (RFC 5280 section 5): reads them in a stream, however long they are, and answers for
//! single certificates. What stays in memory is eight bytes for each entry; the list itself stays in its source.

mod scope;
mod stream;

pub use scope::{ALL_REASONS, Scope, Uncovered};

use crate::cms::certificate::Certificate;
use crate::cms::certificate::extensions::{find, oid};
use crate::der::{DerError, Reader, TAG_INTEGER, TAG_SEQUENCE, read_time};
use crate::ocsp::{Revoked, Rules, Status};
use crate::path::same_name;
use crate::signature::{Method, Unverified, dotted};
use crate::source::{Source, SourceError};
use model::Time;
use model::limits::CRL_WHOLE_BYTES_MAX;
use std::ops::Range;
use stream::Window;

/// Why a CRL says nothing.
#[derive(Debug, thiserror::Error)]
pub enum CrlFault {
    /// Not a CRL.
    #[error("the CRL cannot be read: {0}")]
    Malformed(#[from] DerError),
    /// The medium is at fault.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// Its signature is wrong.
    #[error("the CRL's signature: {0}")]
    Signature(Unverified),
    /// It does not count now.
    #[error("the CRL does not count now: {0}")]
    Time(&'static str),
    /// It does not speak about this certificate.
    #[error("the CRL does not cover this certificate: {0}")]
    Uncovered(Uncovered),
    /// It has a critical extension that nobody here knows.
    #[error("the CRL has the unknown critical extension {0}")]
    Extension(String),
    /// The delta CRL does not belong to the complete one.
    #[error("the delta CRL does not continue the complete one")]
    OtherDelta,
}

/// The index of a CRL. Its bytes stay in the source that it was read from, which is handed in again for look-ups.
#[derive(Debug)]
pub struct Crl {
    /// Who issued it, the whole Name.
    pub issuer: Vec<u8>,
    /// The key identifier of who signed it.
    pub authority_key_id: Option<Vec<u8>>,
    /// When it was issued.
    pub this_update: Time,
    /// When the next one will be issued at the latest.
    pub next_update: Option<Time>,
    /// `cRLNumber`, without leading zeros.
    pub number: Option<Vec<u8>>,
    /// For a delta CRL the `BaseCRLNumber`, without leading zeros.
    pub base_number: Option<Vec<u8>>,
    /// Expired certificates stay on it if they expired after this moment.
    pub expired_since: Option<Time>,
    /// Which certificates and reasons it is about.
    pub scope: Scope,
    /// Where its delta CRLs are, http and https.
    pub deltas: Vec<String>,
    /// For each entry a hash of its serial number in the upper half, its offset in the lower, ascending.
    entries: Vec<u64>,
    /// Where entries name another issuer than the ones before: offset of the entry, place of the Name's GeneralNames.
    issuers: Vec<(u32, Range<u64>)>,
    signed: Range<u64>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl Crl {
    /// Reads a `CertificateList` in DER, once through, and indexes it. Its signature is not checked.
    pub fn read(source: &dyn Source) -> Result<Self, CrlFault> {
        stream::read(source)
    }

    /// Checks the signature with the issuer's key (SubjectPublicKeyInfo), once more through the list.
    pub fn verify(&self, source: &dyn Source, subject_public_key_info: &[u8]) -> Result<(), CrlFault> {
        let method = Method::of_identifier(&self.algorithm).map_err(CrlFault::Signature)?;
        let mut window = Window::new(source);
        let verdict = match method.hash() {
            Some(hash) => {
                let mut running = hash.start().map_err(CrlFault::Signature)?;
                window.each(&self.signed, |chunk| running.update(chunk).map_err(CrlFault::Signature))?;
                let digest = running.finish().map_err(CrlFault::Signature)?;
                method.verify_digest(subject_public_key_info, &digest, &self.signature)
            }
            None if self.signed.end - self.signed.start > CRL_WHOLE_BYTES_MAX => {
                return Err(CrlFault::Malformed(DerError::TooMany));
            }
            None => {
                let mut message = Vec::new();
                window.each(&self.signed, |chunk| {
                    message.extend_from_slice(chunk);
                    Ok(())
                })?;
                method.verify(subject_public_key_info, &message, &self.signature)
            }
        };
        verdict.map_err(CrlFault::Signature)
    }

    /// The signature algorithm.
    pub fn method(&self) -> Result<Method, Unverified> {
        Method::of_identifier(&self.algorithm)
    }

    /// How many entries it has.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is revoked on it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether it counts at this moment.
    pub fn check_times(&self, now: Time, rules: &Rules) -> Result<(), CrlFault> {
        rules.check_times(now, self.this_update, self.next_update).map_err(CrlFault::Time)
    }

    /// The entry of a certificate, the last one if there are several. `source` is the one it was read from.
    pub fn entry(&self, source: &dyn Source, certificate: &Certificate<'_>) -> Result<Option<Revoked>, CrlFault> {
        let serial = Reader::new(certificate.serial).expect(TAG_INTEGER)?.value;
        let wanted = u64::from(stream::hash(serial)) << 32;
        let start = self.entries.partition_point(|&entry| entry < wanted);
        let mut window = Window::new(source);
        let mut found = None;
        for &entry in self.entries.iter().skip(start).take_while(|&&entry| entry >> 32 == wanted >> 32) {
            let offset = entry as u32;
            let raw = window.value(u64::from(offset), model::limits::CRL_ENTRY_BYTES_MAX)?;
            let entry = Entry::parse(raw)?;
            if entry.serial != serial {
                continue;
            }
            let revoked = Revoked { at: entry.at, reason: entry.reason };
            if self.entry_is_of(&mut window, offset, certificate)? {
                found = Some(revoked);
            }
        }
        Ok(found)
    }

    /// Whether the entry at this offset is about a certificate of this one's issuer.
    fn entry_is_of(
        &self,
        window: &mut Window<'_>,
        offset: u32,
        certificate: &Certificate<'_>,
    ) -> Result<bool, CrlFault> {
        let change = self.issuers.partition_point(|(from, _)| *from <= offset);
        let Some((_, place)) = change.checked_sub(1).and_then(|at| self.issuers.get(at)) else {
            return Ok(same_name(&self.issuer, certificate.issuer));
        };
        let length = usize::try_from(place.end - place.start).unwrap_or(usize::MAX);
        let names = window.bytes(place.start, length)?;
        Ok(scope::directory_names(names)?.any(|name| same_name(name, certificate.issuer)))
    }
}

/// A CRL together with the source that it lies in.
pub type Held<'a> = (&'a Crl, &'a dyn Source);

/// The state of a certificate by a complete CRL and, if there is one, a delta CRL that continues it. Times, scope and
/// numbers are checked; signatures have been checked before. From a list for some reasons only nothing but a revocation
/// follows.
pub fn judge(
    complete: Held<'_>,
    delta: Option<Held<'_>>,
    certificate: &Certificate<'_>,
    now: Time,
    rules: &Rules,
) -> Result<Status, CrlFault> {
    let listed = listed(complete, delta, certificate)?;
    for (crl, _) in [Some(complete), delta].into_iter().flatten() {
        crl.check_times(now, rules)?;
    }
    match listed.entry {
        Some(revoked) => Ok(Status::Revoked(revoked)),
        // Who is on such a list is revoked; who is not may be on another one.
        None if listed.reasons != ALL_REASONS => Err(CrlFault::Uncovered(Uncovered::Reasons)),
        None => Ok(Status::Good),
    }
}

/// What a CRL says about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The entry. `None`: it is not revoked for any of `reasons`.
    pub entry: Option<Revoked>,
    /// The reasons that the list is about for this certificate, as bits like those of `ReasonFlags`;
    /// [`ALL_REASONS`] if for all.
    pub reasons: u16,
}

/// What a complete CRL, with or without a delta CRL that continues it, says about a certificate, whenever that was.
/// Scope and numbers are checked, signatures and times are not.
pub fn listed(complete: Held<'_>, delta: Option<Held<'_>>, certificate: &Certificate<'_>) -> Result<Listed, CrlFault> {
    let (crl, source) = complete;
    if crl.base_number.is_some() {
        return Err(CrlFault::OtherDelta);
    }
    let reasons = crl.scope.covers(crl, certificate).map_err(CrlFault::Uncovered)?;
    let mut entry = crl.entry(source, certificate)?;
    if let Some((delta, source)) = delta {
        delta.continues(crl)?;
        match delta.entry(source, certificate)? {
            Some(Revoked { reason: Some(REMOVED), .. }) => entry = None,
            Some(newer) => entry = Some(newer),
            None => {}
        }
    }
    Ok(Listed { entry, reasons })
}

/// removeFromCRL.
const REMOVED: u8 = 8;

impl Crl {
    /// Whether this is a delta CRL that may be read together with a complete one.
    ///
    /// RFC 5280 section 5.2.4: same issuer and scope, and the complete CRL is neither older than the base nor newer than
    /// the delta.
    pub fn continues(&self, complete: &Crl) -> Result<(), CrlFault> {
        let (Some(base), Some(number)) = (&self.base_number, &self.number) else { return Err(CrlFault::OtherDelta) };
        let complete_number = complete.number.as_ref().ok_or(CrlFault::OtherDelta)?;
        let fits = same_name(&self.issuer, &complete.issuer)
            && self.scope == complete.scope
            && self.authority_key_id == complete.authority_key_id
            && !less(complete_number, base)
            && !less(number, complete_number);
        if fits { Ok(()) } else { Err(CrlFault::OtherDelta) }
    }
}

/// Compares numbers of any length without leading zeros.
fn less(one: &[u8], other: &[u8]) -> bool {
    (one.len(), one) < (other.len(), other)
}

/// One entry of `revokedCertificates`.
struct Entry<'a> {
    serial: &'a [u8],
    at: Time,
    reason: Option<u8>,
    /// The content of certificateIssuer.
    issuer: Option<&'a [u8]>,
}

impl<'a> Entry<'a> {
    fn parse(raw: &'a [u8]) -> Result<Self, CrlFault> {
        let mut fields = Reader::new(raw).enter(TAG_SEQUENCE)?;
        let serial = fields.expect(TAG_INTEGER)?.value;
        let at = read_time(&fields.read()?)?;
        let mut entry = Self { serial, at, reason: None, issuer: None };
        if let Some(extensions) = fields.optional(TAG_SEQUENCE)? {
            for extension in crate::cms::certificate::extensions::each(extensions.value) {
                let extension = extension?;
                match extension.oid {
                    oid::REASON_CODE => match *Reader::new(extension.value).expect(0x0a)?.value {
                        [reason @ 0..=10] => entry.reason = Some(reason),
                        _ => return Err(CrlFault::Malformed(DerError::Malformed)),
                    },
                    oid::CERTIFICATE_ISSUER => {
                        entry.issuer = Some(Reader::new(extension.value).expect(TAG_SEQUENCE)?.value);
                    }
                    oid::INVALIDITY_DATE => {}
                    other if extension.critical => return Err(CrlFault::Extension(dotted(other))),
                    _ => {}
                }
            }
        }
        fields.end()?;
        Ok(entry)
    }
}

/// The number in an extension's INTEGER, without leading zeros.
fn number(extensions: &[u8], oid: &[u8]) -> Result<Option<Vec<u8>>, DerError> {
    let Some(extension) = find(extensions, oid)? else { return Ok(None) };
    let value = Reader::new(extension.value).expect(TAG_INTEGER)?.value;
    let zeros = value.iter().take_while(|&&octet| octet == 0).count();
    Ok(value.get(zeros..).map(<[u8]>::to_vec))
}
