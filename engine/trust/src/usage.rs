//! For what a certificate may be used, by its own words: key usage, extended key usage, policies, statements about being
//! qualified. Whether that is enough is for the policy to say.

use crate::certificate::Cert;
use formats::cms::certificate::extensions::{KeyUsage, oid};
pub use formats::cms::certificate::qualified::{QualifiedKind, QualifiedStatements};
use formats::der::DerError;
use formats::signature::dotted;

/// Whether a key is for signing documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentSigning {
    /// It commits to content (nonRepudiation), as signatures by persons should.
    Commitment,
    /// It only signs data (digitalSignature).
    Data,
    /// The certificate does not say what its key is for.
    Unstated,
    /// It is for something else.
    No,
}

/// Whether the key of a certificate is for signing documents.
pub fn document_signing(certificate: &Cert) -> Result<DocumentSigning, DerError> {
    Ok(match certificate.fields()?.key_usage()? {
        None => DocumentSigning::Unstated,
        Some(usage) if usage.allows(KeyUsage::NON_REPUDIATION) => DocumentSigning::Commitment,
        Some(usage) if usage.allows(KeyUsage::DIGITAL_SIGNATURE) => DocumentSigning::Data,
        Some(_) => DocumentSigning::No,
    })
}

/// How a certificate allows a purpose by extendedKeyUsage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The purpose is listed.
    pub listed: bool,
    /// It is the only one.
    pub only: bool,
    /// Who does not know the extension must not use the certificate.
    pub critical: bool,
    /// anyExtendedKeyUsage is listed, or the extension is absent: nothing speaks against the purpose.
    pub any: bool,
}

impl Purpose {
    fn of(certificate: &Cert, wanted: &[u8]) -> Result<Self, DerError> {
        let fields = certificate.fields()?;
        let critical = fields.extension(oid::EXTENDED_KEY_USAGE)?.is_some_and(|extension| extension.critical);
        let Some(purposes) = fields.purposes()? else {
            return Ok(Self { listed: false, only: false, critical, any: true });
        };
        let listed = purposes.contains(&wanted);
        let only = listed && purposes.iter().all(|purpose| *purpose == wanted);
        Ok(Self { listed, only, critical, any: purposes.contains(&oid::PURPOSE_ANY) })
    }
}

/// Whether a certificate is one of a time-stamp unit. RFC 3161 section 2.3 wants the purpose listed, alone, and critical.
pub fn time_stamping(certificate: &Cert) -> Result<Purpose, DerError> {
    Purpose::of(certificate, oid::PURPOSE_TIME_STAMPING)
}

/// Whether a certificate is one of an OCSP responder. RFC 6960 section 4.2.2.2 wants the purpose listed.
pub fn ocsp_signing(certificate: &Cert) -> Result<Purpose, DerError> {
    Purpose::of(certificate, oid::PURPOSE_OCSP_SIGNING)
}

/// Whether a certificate is for mail (RFC 8551, RFC 8550 section 4.4.4).
pub fn mail(certificate: &Cert) -> Result<Purpose, DerError> {
    Purpose::of(certificate, oid::PURPOSE_MAIL)
}

/// Its policies, in dots; `2.5.29.32.0` is any.
pub fn policies(certificate: &Cert) -> Result<Vec<String>, DerError> {
    let policies = certificate.fields()?.certificate_policies()?.unwrap_or_default();
    Ok(policies.into_iter().map(dotted).collect())
}

/// What it says about being qualified. `None`: nothing.
pub fn qualified(certificate: &Cert) -> Result<Option<QualifiedStatements>, DerError> {
    certificate.fields()?.qualified_statements()
}

/// The mail addresses in it: those of subjectAltName first, then those of the subject.
pub fn mail_addresses(certificate: &Cert) -> Result<Vec<String>, DerError> {
    certificate.fields()?.mail_addresses()
}
