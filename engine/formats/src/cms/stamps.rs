//! Time stamps inside a message: which there are, what they are over, whose they are.

use super::certificate::Certificate;
use super::identifiers::{
    OID_ARCHIVE_TIME_STAMP_1, OID_ARCHIVE_TIME_STAMP_2, OID_ARCHIVE_TIME_STAMP_3, OID_CADES_C_TIME_STAMP,
    OID_CONTENT_TIME_STAMP, OID_COUNTERSIGNATURE, OID_EVIDENCE_RECORD_EXTERNAL, OID_EVIDENCE_RECORD_INTERNAL,
    OID_SIGNATURE_TIME_STAMP,
};
use super::message::{Message, SignerInfo};
use crate::evidence::Subject;
use crate::prepare::FormatError;
use crate::tsp::Token;
use model::limits::CMS_SUBJECTS_MAX;
use std::sync::Arc;

/// Where a signature carries time stamps, and whether their evidence belongs into the message.
const UNSIGNED_STAMPS: [&[u8]; 4] =
    [OID_SIGNATURE_TIME_STAMP, OID_ARCHIVE_TIME_STAMP_1, OID_ARCHIVE_TIME_STAMP_2, OID_ARCHIVE_TIME_STAMP_3];

impl SignerInfo {
    /// Whether there is an intact time stamp over the signature value. `certificates` are those of the message.
    pub(super) fn is_stamped(&self, certificates: &[Vec<u8>]) -> bool {
        let value = self.signature();
        let certificates: Vec<Arc<[u8]>> =
            certificates.iter().map(|certificate| certificate.as_slice().into()).collect();
        self.unsigned(OID_SIGNATURE_TIME_STAMP).into_iter().any(|token| is_over(token, &value, &certificates))
    }

    /// Whether there is an evidence record inside: it covers the whole message (RFC 4998 appendix A), so that nothing
    /// can be put in any more.
    pub(super) fn check_evidence_records(&self) -> Result<(), FormatError> {
        if self.has(&[OID_EVIDENCE_RECORD_INTERNAL, OID_EVIDENCE_RECORD_EXTERNAL]) {
            let sentence = "the signature carries an evidence record, which any addition would break";
            return Err(FormatError::document("evidence-record-inside", sentence));
        }
        Ok(())
    }

    /// Whether there is a time stamp over the signature's time stamps and references (CAdES-C-timestamp, of old), so
    /// that a further signature time stamp would break it.
    pub(super) fn check_references(&self) -> Result<(), FormatError> {
        if self.has(&[OID_CADES_C_TIME_STAMP]) {
            let sentence = "the signature carries a time stamp over its time stamps, which a further one would break";
            return Err(FormatError::document("old-time-stamp", sentence));
        }
        Ok(())
    }

    fn has(&self, oids: &[&[u8]]) -> bool {
        oids.iter().any(|oid| !self.unsigned(oid).is_empty())
    }

    /// Whether anything is inside that does not outlive further certificates or unsigned attributes: an evidence
    /// record, or an archive time stamp of old, which is over all of them.
    pub(super) fn check_open(&self) -> Result<(), FormatError> {
        self.check_evidence_records()?;
        if self.has(&[OID_ARCHIVE_TIME_STAMP_1, OID_ARCHIVE_TIME_STAMP_2]) {
            let sentence =
                "the signature carries an archive time stamp of an old kind, which this addition would break";
            return Err(FormatError::document("old-archive-time-stamp", sentence));
        }
        Ok(())
    }
}

impl Message {
    /// Whose paths and revocation states have to be provable: the signers' and counter-signers', and those of the
    /// units of all time stamps.
    pub fn subjects(&self) -> Result<Vec<Subject>, FormatError> {
        let mut found = Found { subjects: Vec::new(), message: self };
        for signer in self.signers() {
            found.add("signer", self, signer)?;
            for stamp in signer.signed(OID_CONTENT_TIME_STAMP) {
                found.add_unit(stamp)?;
            }
            for stamp in UNSIGNED_STAMPS.iter().flat_map(|oid| signer.unsigned(oid)) {
                found.add_unit(stamp)?;
            }
            for counter in signer.unsigned(OID_COUNTERSIGNATURE) {
                let counter = SignerInfo::read(counter.to_vec()).map_err(super::outline::unreadable)?;
                // A certificate that the counter-signer did not bring is not ours to find.
                if self.certificate_of(&counter, &[]).is_ok() {
                    found.add("counter-signer", self, &counter)?;
                }
                for stamp in counter.unsigned(OID_SIGNATURE_TIME_STAMP) {
                    found.add_unit(stamp)?;
                }
            }
        }
        Ok(found.subjects)
    }

    /// The time stamps over this message's signatures and over the whole of it, DER or BER as received.
    pub fn time_stamps(&self) -> Vec<&[u8]> {
        self.signers().iter().flat_map(|signer| UNSIGNED_STAMPS.iter().flat_map(|oid| signer.unsigned(oid))).collect()
    }
}

struct Found<'a> {
    subjects: Vec<Subject>,
    message: &'a Message,
}

impl Found<'_> {
    fn add_unit(&mut self, token: &[u8]) -> Result<(), FormatError> {
        let token = Message::read(&token).map_err(|error| match error {
            FormatError::Document(reason) => {
                let sentence = format!("a time stamp in the signature cannot be read: {}", reason.sentence);
                FormatError::document("time-stamp-unreadable", sentence)
            }
            other => other,
        })?;
        token.signers().iter().try_for_each(|signer| self.add("time-stamp unit", &token, signer))
    }

    fn add(&mut self, role: &'static str, home: &Message, signer: &SignerInfo) -> Result<(), FormatError> {
        let certificate = home.certificate_of(signer, self.message.certificates())?;
        if self.subjects.iter().any(|known| known.certificate[..] == *certificate) {
            return Ok(());
        }
        if self.subjects.len() >= CMS_SUBJECTS_MAX {
            let sentence = format!("the file has more than {CMS_SUBJECTS_MAX} signers and time stamps");
            return Err(FormatError::document("too-many-signers", sentence));
        }
        let mut known: Vec<Arc<[u8]>> = Vec::new();
        for other in home.certificates().iter().chain(self.message.certificates()) {
            let usable = Certificate::parse(other).is_ok() && other[..] != *certificate;
            if usable && !known.iter().any(|known| known[..] == other[..]) {
                known.push(other.as_slice().into());
            }
        }
        self.subjects.push(Subject { role, certificate: certificate.into(), known });
        Ok(())
    }
}

/// Whether a time-stamp token is intact and over these bytes.
fn is_over(token: &[u8], stamped: &[u8], certificates: &[Arc<[u8]>]) -> bool {
    Token::read_with(token, certificates).is_ok_and(|token| {
        let imprint = token.imprint();
        imprint.algorithm.digest(stamped).is_ok_and(|digest| digest == imprint.value)
    })
}
