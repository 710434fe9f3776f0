//! Looks up what a verifier asks for: the state of one certificate, whatever it is, and issuers. Best effort: what cannot be
//! had is said and left out.

use super::{Collector, EvidenceFault, Who};
use formats::cms::certificate::Certificate;
use formats::evidence::Evidence;
use std::sync::Arc;

impl Collector {
    /// What the sources of a certificate say about it, "revoked" included. `path`: the certificate first, each one signed
    /// by the next; DER.
    pub async fn state(&self, path: &[Arc<[u8]>]) -> Result<Evidence, EvidenceFault> {
        let patience = self.0.settings.total_timeout;
        let looked = tokio::time::timeout(patience, Box::pin(self.look(path))).await;
        looked.unwrap_or(Err(EvidenceFault::Timeout(patience)))
    }

    async fn look(&self, path: &[Arc<[u8]>]) -> Result<Evidence, EvidenceFault> {
        let [certificate, issuer, ..] = path else { return Ok(Evidence::default()) };
        let who = || Who::of("in question", certificate);
        let parsed = Certificate::parse(certificate).map_err(|_| EvidenceFault::Unreadable(who()))?;
        let proof = self.prove(&parsed, certificate, issuer, path, None, &who).await?;
        Ok(Evidence {
            certificates: proof.signer.map(|signer| signer.certificate).into_iter().collect(),
            crls: proof.crls,
            ocsp_responses: proof.ocsp_response.into_iter().collect(),
        })
    }

    /// The certificates at these addresses, as many as can be had.
    pub async fn issuers_at(&self, addresses: &[String]) -> Vec<Arc<[u8]>> {
        let mut found = Vec::new();
        if self.0.settings.fetch_issuers {
            for address in addresses {
                found.extend(self.issuers(address).await.iter().flat_map(|found| found.iter().cloned()));
            }
        }
        found
    }
}
