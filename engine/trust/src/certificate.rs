//! A certificate that was read once and is shared from then on.

use formats::cms::certificate::Certificate;
use formats::der::DerError;
use formats::inspect::ObjectId;
use model::Time;
use std::sync::Arc;

/// A readable certificate. Cheap to clone; equal if its DER is.
#[derive(Clone, Debug)]
pub struct Cert(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    der: Arc<[u8]>,
    id: ObjectId,
    not_before: Time,
    not_after: Time,
}

impl Cert {
    /// Reads a certificate.
    pub fn read(der: &Arc<[u8]>) -> Result<Self, DerError> {
        let (not_before, not_after) = Certificate::parse(der)?.validity()?;
        Ok(Self(Arc::new(Parts { der: der.clone(), id: ObjectId::of(der), not_before, not_after })))
    }

    /// Its DER.
    pub fn der(&self) -> &Arc<[u8]> {
        &self.0.der
    }

    /// Its digest.
    pub fn id(&self) -> ObjectId {
        self.0.id
    }

    /// Its fields, borrowed.
    pub fn fields(&self) -> Result<Certificate<'_>, DerError> {
        Certificate::parse(&self.0.der)
    }

    /// notBefore.
    pub fn not_before(&self) -> Time {
        self.0.not_before
    }

    /// notAfter.
    pub fn not_after(&self) -> Time {
        self.0.not_after
    }
}

impl PartialEq for Cert {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Cert {}
