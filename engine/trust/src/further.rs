//! Certificates and revocation information from elsewhere, with which many files are judged: read once.

use crate::certificate::Cert;
use crate::revocation::Material;
use formats::evidence::Evidence;

/// What is known beside what a file brings.
#[derive(Clone, Debug, Default)]
pub struct Further {
    pub(crate) certificates: Vec<Cert>,
    pub(crate) material: Material,
}

impl Further {
    /// Reads it. What cannot be read as a certificate is of no use and left out.
    pub fn read(evidence: &Evidence) -> Self {
        let mut material = Material::new();
        material.add_evidence(evidence);
        Self { certificates: evidence.certificates.iter().filter_map(|der| Cert::read(der).ok()).collect(), material }
    }
}
