//! TLS of the network edge: the server's certificate, what clients must show, and new files while the server runs.
//!
//! Owns the current settings of rustls. A new file that cannot be used changes nothing: the old settings go on, and
//! the log says so until the file is right. Whose a client's certificate is, and whether it still counts, is not
//! decided here.

use crate::config::api::{ClientCertificates, TlsVersion};
use model::limits;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// The files that TLS is made of, absolute.
#[derive(Clone, Debug)]
pub struct Files {
    /// PEM: the server's certificate, then those above it.
    pub certificate: PathBuf,
    /// PEM: its private key.
    pub key: PathBuf,
    /// PEM: authorities of client certificates; none: every certificate is let through.
    pub authorities: Vec<PathBuf>,
}

/// What does not change while the server runs.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Where the files are.
    pub files: Files,
    /// The oldest version spoken.
    pub oldest: TlsVersion,
    /// Whether clients are asked for certificates.
    pub clients: ClientCertificates,
}

/// The current settings.
pub struct Tls {
    rules: Rules,
    current: RwLock<Arc<ServerConfig>>,
    /// Digest of the files as they were looked at last, and whether they could be used.
    seen: Mutex<([u8; 32], bool)>,
}

impl Tls {
    /// Reads the files.
    pub fn load(rules: Rules) -> Result<Arc<Self>, String> {
        let bytes = Bytes::read(&rules.files)?;
        let config = settings(&rules, &bytes)?;
        let seen = Mutex::new((bytes.digest(), true));
        Ok(Arc::new(Self { rules, current: RwLock::new(Arc::new(config)), seen }))
    }

    /// The settings for the next connection.
    pub fn current(&self) -> Arc<ServerConfig> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at the files again. `Ok(true)`: they were new and are used from now on; `Ok(false)`: nothing is new. An error
    /// is given once for the same files.
    pub fn reload(&self) -> Result<bool, String> {
        let bytes = Bytes::read(&self.rules.files);
        let digest = bytes.as_ref().map_or([0; 32], Bytes::digest);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 == digest {
            return Ok(false);
        }
        *seen = (digest, false);
        let config = settings(&self.rules, &bytes?)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        seen.1 = true;
        Ok(true)
    }

    /// Whether the files that lie there are those in use.
    pub fn is_fresh(&self) -> bool {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Looks at the files again and says what came of it.
    pub fn look_again(&self) {
        match self.reload() {
            Ok(false) => {}
            Ok(true) => tracing::info!(certificate = %self.rules.files.certificate.display(), "new TLS certificate"),
            Err(reason) => tracing::error!(reason, "the new TLS files cannot be used: the old ones go on"),
        }
        metrics::gauge!(super::measure::CERTIFICATE_FRESH).set(if self.is_fresh() { 1.0 } else { 0.0 });
    }
}

/// Looks at the files every so often, and at once on SIGHUP, until the task is ended.
pub async fn watch(tls: Arc<Tls>, every: Duration) {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = match signal(SignalKind::hangup()) {
        Ok(hangup) => Some(hangup),
        Err(error) => {
            tracing::warn!(%error, "SIGHUP cannot be watched");
            None
        }
    };
    loop {
        let told = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = told => {}
            () = tokio::time::sleep(every) => {}
        }
        let tls = tls.clone();
        // Files may lie on a disk that does not answer.
        let _ = tokio::task::spawn_blocking(move || tls.look_again()).await;
    }
}

/// What stood in the files.
struct Bytes {
    certificate: Vec<u8>,
    key: Vec<u8>,
    authorities: Vec<Vec<u8>>,
}

impl Bytes {
    fn read(files: &Files) -> Result<Self, String> {
        let read =
            |path: &Path| std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()));
        let authorities = files.authorities.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
        Ok(Self { certificate: read(&files.certificate)?, key: read(&files.key)?, authorities })
    }

    fn digest(&self) -> [u8; 32] {
        let mut hash = openssl::sha::Sha256::new();
        for part in [&self.certificate, &self.key].into_iter().chain(&self.authorities) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finish()
    }
}

fn settings(rules: &Rules, bytes: &Bytes) -> Result<ServerConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let versions: &[&rustls::SupportedProtocolVersion] = match rules.oldest {
        TlsVersion::V12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V13 => &[&rustls::version::TLS13],
    };
    let at = |path: &Path, what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let chain = certificates(&bytes.certificate).map_err(|what| at(&rules.files.certificate, &what))?;
    let key = PrivateKeyDer::from_pem_slice(&bytes.key).map_err(|error| at(&rules.files.key, &error))?;
    let clients = clients(rules, bytes, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let builder = builder.map_err(|error| error.to_string())?.with_client_cert_verifier(clients);
    let mut config = builder.with_single_cert(chain, key).map_err(|error| at(&rules.files.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = ServerSessionMemoryCache::new(SESSIONS_KEPT);
    Ok(config)
}

/// Sessions that can be taken up again without a new exchange of keys.
const SESSIONS_KEPT: usize = 4_096;

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        if found.len() == limits::API_CERTIFICATES_MAX {
            return Err(format!("more than {} certificates", limits::API_CERTIFICATES_MAX));
        }
        found.push(certificate.map_err(|error| error.to_string())?);
    }
    if found.is_empty() { Err("holds no certificate".to_owned()) } else { Ok(found) }
}

fn clients(
    rules: &Rules,
    bytes: &Bytes,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mandatory = match rules.clients {
        ClientCertificates::Off => return Ok(Arc::new(NoClientAuth)),
        ClientCertificates::Optional => false,
        ClientCertificates::Required => true,
    };
    if bytes.authorities.is_empty() {
        let algorithms = provider.signature_verification_algorithms;
        return Ok(Arc::new(AnyCertificate { algorithms, mandatory }));
    }
    let mut roots = RootCertStore::empty();
    for (path, pem) in rules.files.authorities.iter().zip(&bytes.authorities) {
        let at = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        for certificate in certificates(pem).map_err(|what| at(&what))? {
            roots.add(certificate).map_err(|error| at(&error))?;
        }
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let builder = if mandatory { builder } else { builder.allow_unauthenticated() };
    builder.build().map(|verifier| verifier as Arc<dyn ClientCertVerifier>).map_err(|error| error.to_string())
}

/// Takes every certificate whose key the client holds: which ones count is written in the table of users.
#[derive(Debug)]
struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
    mandatory: bool,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if end_entity.len() > limits::CLIENT_CERTIFICATE_BYTES_MAX {
            return Err(rustls::CertificateError::BadEncoding.into());
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
