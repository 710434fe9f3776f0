//! Certificates of issuers that have to be fetched (authorityInfoAccess).

use super::source::{Failure, Kept, shared};
use super::{Certificates, Collector, EvidenceFault, Who};
use formats::cms::certificate::Certificate;
use formats::cms::message::Message;
use formats::evidence::Subject;
use formats::path::{self, Path, Search};
use model::Time;
use model::limits::CHAIN_CERTIFICATES_MAX;
use std::sync::Arc;
use std::time::Duration;

impl Collector {
    /// The path of a subject, fetching what is missing, and all certificates that were at hand.
    pub(super) async fn path(&self, subject: &Subject, at: Time) -> Result<(Path, Vec<Arc<[u8]>>), EvidenceFault> {
        let settings = &self.0.settings;
        let who = || Who::of(subject.role, &subject.certificate);
        let mut known: Vec<Arc<[u8]>> = subject.known.iter().chain(&settings.intermediates).cloned().collect();
        if let Some(path) = self.0.paths.get(&subject.certificate).await.filter(|path| is_valid(path, at)) {
            return Ok((path, known));
        }
        let mut failed: Option<Failure> = None;
        let mut tried: Vec<String> = Vec::new();
        for _ in 0..CHAIN_CERTIFICATES_MAX {
            let search = path::find(&subject.certificate, &known, &settings.anchors, at);
            match search.map_err(|_| EvidenceFault::Unreadable(who()))? {
                Search::Found(path) if path.anchored || settings.anchors.is_empty() => {
                    self.0.paths.insert(subject.certificate.clone(), path.clone()).await;
                    return Ok((path, known));
                }
                Search::Found(_) => return Err(EvidenceFault::Untrusted(who())),
                Search::Missing { addresses, why } => {
                    let next = addresses.into_iter().find(|address| settings.fetch_issuers && !tried.contains(address));
                    let Some(address) = next else {
                        return Err(match failed {
                            Some(failure) => EvidenceFault::unavailable(who(), failure),
                            None => EvidenceFault::NoPath(who(), why),
                        });
                    };
                    match self.issuers(&address).await {
                        Ok(found) => known.extend(found.iter().cloned()),
                        Err(failure) => failed = Some(failure),
                    }
                    tried.push(address);
                }
            }
        }
        Err(EvidenceFault::NoPath(who(), "its path is too long"))
    }

    /// The certificates at an address.
    pub(super) async fn issuers(&self, address: &str) -> Result<Certificates, Failure> {
        let now = self.0.clock.now();
        let (asker, key) = (self.clone(), address.to_owned());
        let fetch = async move {
            let outcome = asker.fetch_issuers(&key).await;
            let asked = asker.0.clock.now();
            let until = match &outcome {
                Ok(_) => asked.plus(KEPT_FOR),
                Err(failure) => failure.again.unwrap_or_else(|| asked.plus(asker.0.settings.back_off_first)),
            };
            Kept { outcome, asked, until }
        };
        shared(&self.0.issuers, address.to_owned(), move |kept| kept.until <= now, fetch).await
    }

    async fn fetch_issuers(&self, address: &str) -> Result<Certificates, Failure> {
        let inner = &self.0;
        let source = self.source(address).await;
        let _place = source.place(|| inner.clock.now()).await?;
        let body = match inner.fetcher.get(address, ISSUER_BYTES_MAX).await {
            Ok(answer) => answer.body,
            Err(fault) => return Err(self.report(&source, fault)),
        };
        source.succeeded();
        // RFC 5280 section 4.2.2.1: one certificate, or a certs-only PKCS #7 message.
        if Certificate::parse(&body).is_ok() {
            return Ok(Arc::new([body.into()]));
        }
        match Message::read(&body) {
            Ok(message) => {
                let found = message.certificates().iter().take(CHAIN_CERTIFICATES_MAX);
                Ok(found.map(|der| Arc::from(der.as_slice())).collect())
            }
            Err(_) => Err(Failure::temporary(format!("{address}: there is no certificate"))),
        }
    }
}

/// Whether a path that was found for another moment is good for this one. Its last certificate is trusted as it is.
fn is_valid(path: &Path, at: Time) -> bool {
    let valid = |der: &Arc<[u8]>| Certificate::parse(der).and_then(|it| it.valid_at(at)).unwrap_or(false);
    match path.certificates.split_last() {
        Some((_, [])) | None => false,
        Some((last, below)) => below.iter().all(valid) && (path.anchored || valid(last)),
    }
}

/// Length of what an address of an issuer gives, in bytes.
const ISSUER_BYTES_MAX: u64 = 100 * 1024;
/// An issuer's certificate does not change.
const KEPT_FOR: Duration = Duration::from_secs(86_400);
