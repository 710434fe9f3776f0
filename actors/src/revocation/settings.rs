//! How revocation material is collected, as an operator configures it.

use crate::fetch::FetchSettings;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Which source is asked first, if a certificate names both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// The OCSP responder; CRLs if it does not answer.
    Ocsp,
    /// The CRLs; the OCSP responder if they cannot be had.
    Crl,
}

/// Everything about collecting.
#[derive(Clone, Debug)]
pub struct RevocationSettings {
    /// Where paths end, DER. Empty: every path that ends with a certificate signed by itself is taken.
    pub anchors: Vec<Arc<[u8]>>,
    /// Further certificates of issuers, DER, which need not be fetched.
    pub intermediates: Vec<Arc<[u8]>>,
    /// How sources are reached. `reach` decides about addresses that certificates name: [`Reach::Public`] (the default)
    /// with the hosts of a CA in one's own network as exceptions.
    ///
    /// [`Reach::Public`]: crate::fetch::Reach::Public
    pub fetch: FetchSettings,
    /// What is asked first.
    pub prefer: Prefer,
    /// Addresses of issuers' certificates (authorityInfoAccess) are followed.
    pub fetch_issuers: bool,
    /// Requests carry a nonce. Then answers are the responder's own of this moment, and caches on the way cannot help.
    pub nonce: bool,
    /// CertIDs with SHA-256 (RFC 9919) instead of SHA-1, which every responder understands.
    pub sha256: bool,
    /// "Good" needs the hash of the certificate in the answer (Common PKI, older German qualified certificates).
    pub certificate_hash_required: bool,
    /// Responders that may speak for every CA, DER.
    pub responders: Vec<Arc<[u8]>>,
    /// What proves a signer or a time-stamp unit must have been issued after the moment that it is to prove, as strict
    /// verifiers want it. Documents then wait for the next CRL, for hours or days, where there is no OCSP, and the OCSP
    /// responder is asked for each document. Off: what counts now is good enough.
    pub wait_for_fresh: bool,
    /// How far the clocks of others may differ.
    pub clock_skew: Duration,
    /// How long a CRL is used before its source is asked whether there is a newer one, if the source says nothing else.
    pub crl_refresh: Duration,
    /// How long an OCSP answer without `nextUpdate` is used.
    pub ocsp_refresh: Duration,
    /// Longest CRL, in bytes. It lies in a file; eight bytes of memory go into each entry.
    pub crl_bytes_max: u64,
    /// Longest CRL that is put into a signature, in bytes. A longer one proves nothing later and is not asked for first.
    pub embedded_crl_bytes_max: u64,
    /// OCSP answers that are kept.
    pub ocsp_kept_max: u64,
    /// CRLs that are kept.
    pub crls_kept_max: u64,
    /// Where CRLs are kept while the server runs. `None`: the folder for temporary files.
    pub folder: Option<PathBuf>,
    /// Requests that one source gets at the same time.
    pub requests_per_source_max: usize,
    /// The first wait after a failure; doubled with each further one in a row.
    pub back_off_first: Duration,
    /// The longest such wait.
    pub back_off_max: Duration,
    /// Until all material of one document is there.
    pub total_timeout: Duration,
}

impl Default for RevocationSettings {
    fn default() -> Self {
        Self {
            anchors: Vec::new(),
            intermediates: Vec::new(),
            fetch: FetchSettings::default(),
            prefer: Prefer::Ocsp,
            fetch_issuers: true,
            nonce: false,
            sha256: false,
            certificate_hash_required: false,
            responders: Vec::new(),
            wait_for_fresh: false,
            clock_skew: Duration::from_secs(300),
            crl_refresh: Duration::from_secs(3_600),
            ocsp_refresh: Duration::from_secs(300),
            crl_bytes_max: 64 * 1024 * 1024,
            embedded_crl_bytes_max: 4 * 1024 * 1024,
            ocsp_kept_max: 100_000,
            crls_kept_max: 1_000,
            folder: None,
            requests_per_source_max: 4,
            back_off_first: Duration::from_secs(2),
            back_off_max: Duration::from_secs(600),
            total_timeout: Duration::from_secs(90),
        }
    }
}
