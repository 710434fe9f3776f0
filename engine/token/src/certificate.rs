//! The public halves: which key a certificate carries, whose it is, and which certificates stand above it.
//!
//! Judges no validity; that is trust's work. Foreign bytes: whatever does not parse is left out, never a panic.

use crate::post_quantum;
use model::limits::CHAIN_CERTIFICATES_MAX;
use model::{Curve, KeyKind};
use openssl::bn::BigNumContext;
use openssl::ec::PointConversionForm;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, Id, PKeyRef};
use openssl::x509::{X509, X509VerifyResult};
use std::sync::Arc;

/// A certificate whose key we can sign with.
pub(crate) struct Certificate {
    x509: X509,
    pub(crate) der: Arc<[u8]>,
    pub(crate) kind: KeyKind,
    /// See `KeyIdentity::public`.
    pub(crate) public: Vec<u8>,
    pub(crate) subject: String,
}

impl Certificate {
    /// `None` if it is no certificate or its key is of a kind that sealmill does not sign with.
    pub(crate) fn parse(x509: X509) -> Option<Self> {
        let (kind, public) = match x509.public_key().ok().and_then(|key| public_key(&key)) {
            Some(known) => known,
            None => (KeyKind::MlDsa65, post_quantum::certificate_key(&x509)?),
        };
        let der = x509.to_der().ok()?.into();
        let subject = subject(&x509);
        Some(Self { x509, der, kind, public, subject })
    }

    /// The certificates of `others` above this one, in path order, the self-signed one last if it is among them.
    pub(crate) fn chain(&self, others: &[X509]) -> Vec<Arc<[u8]>> {
        let mut chain = Vec::new();
        let mut below = &self.x509;
        while chain.len() < CHAIN_CERTIFICATES_MAX && below.issued(below) != X509VerifyResult::OK {
            let Some(above) = others.iter().find(|other| other.issued(below) == X509VerifyResult::OK) else { break };
            let Ok(der) = above.to_der() else { break };
            let der: Arc<[u8]> = der.into();
            if chain.contains(&der) {
                break; // certificates that issued each other
            }
            chain.push(der);
            below = above;
        }
        chain
    }
}

/// Common name of the subject, or the whole name if it has none.
fn subject(x509: &X509) -> String {
    let name = x509.subject_name();
    let common = name.entries_by_nid(Nid::COMMONNAME).next().or_else(|| name.entries().next());
    common.and_then(|entry| entry.data().to_string().ok()).unwrap_or_default()
}

/// The kind of a key and the bytes that tell it from others. `None` for kinds that sealmill does not sign with.
pub(crate) fn public_key<T: HasPublic>(key: &PKeyRef<T>) -> Option<(KeyKind, Vec<u8>)> {
    match key.id() {
        Id::RSA | Id::RSA_PSS => {
            let modulus = key.rsa().ok()?.n().to_vec();
            Some((KeyKind::Rsa { bits: key.bits() }, modulus))
        }
        Id::EC => {
            let key = key.ec_key().ok()?;
            let curve = curve_of(key.group().curve_name()?)?;
            let mut context = BigNumContext::new().ok()?;
            let form = PointConversionForm::UNCOMPRESSED;
            let point = key.public_key().to_bytes(key.group(), form, &mut context).ok()?;
            Some((KeyKind::Ec(curve), point))
        }
        Id::ED25519 => Some((KeyKind::Ed25519, key.raw_public_key().ok()?)),
        _ => None,
    }
}

fn curve_of(nid: Nid) -> Option<Curve> {
    match nid {
        Nid::X9_62_PRIME256V1 => Some(Curve::P256),
        Nid::SECP384R1 => Some(Curve::P384),
        Nid::SECP521R1 => Some(Curve::P521),
        Nid::BRAINPOOL_P256R1 => Some(Curve::BrainpoolP256r1),
        Nid::BRAINPOOL_P384R1 => Some(Curve::BrainpoolP384r1),
        _ => None,
    }
}
