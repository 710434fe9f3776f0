//! OCSP answers: asked for once and kept as long as they count.

use super::Collector;
use super::source::{Failure, Kept, shared};
use crate::fetch::FetchFault;
use formats::cms::certificate::Certificate;
use formats::crypto::digest;
use formats::ocsp::{self, Answer, Question, Request};
use model::{DigestAlgorithm, Time};
use std::sync::Arc;

/// What an answer is kept under: responder and certificate.
pub(super) type Key = [u8; 32];

/// An answer that was believed when it came.
#[derive(Debug)]
pub(super) struct Proven {
    /// The whole response, as received.
    pub(super) der: Arc<[u8]>,
    pub(super) answer: Answer,
}

impl Collector {
    /// The responder's answer about a certificate, made at or after `not_before` if that is given.
    pub(super) async fn online(
        &self,
        address: &str,
        certificate: &Arc<[u8]>,
        issuer: &Arc<[u8]>,
        not_before: Option<Time>,
    ) -> Result<Arc<Proven>, Failure> {
        let inner = &self.0;
        let now = inner.clock.now();
        let retry = inner.settings.back_off_first;
        let stale = move |kept: &Kept<Arc<Proven>>| {
            let too_old = match (&kept.outcome, not_before) {
                (Ok(proven), Some(moment)) => proven.answer.produced_at < moment,
                _ => false,
            };
            kept.until <= now || (too_old && (kept.asked.plus(retry) <= now))
        };
        let key = key(address, certificate, issuer);
        let asker = self.clone();
        let (address, certificate, issuer) = (address.to_owned(), certificate.clone(), issuer.clone());
        let ask = async move { asker.ask(&address, &certificate, &issuer).await };
        let proven = shared(&inner.answers, key, stale, ask).await?;
        match not_before {
            Some(moment) if proven.answer.produced_at < moment => {
                let why = "the responder has no answer yet that is newer than the signature";
                Err(Failure { again: proven.answer.next_update, ..Failure::temporary(why) })
            }
            _ => Ok(proven),
        }
    }

    async fn ask(&self, address: &str, certificate: &[u8], issuer: &[u8]) -> Kept<Arc<Proven>> {
        let inner = &self.0;
        let outcome = self.ask_once(address, certificate, issuer).await.map(Arc::new);
        let now = inner.clock.now();
        let soon = now.plus(inner.settings.back_off_first);
        let until = match &outcome {
            Ok(proven) => {
                let end = proven.answer.next_update.unwrap_or_else(|| now.plus(inner.settings.ocsp_refresh));
                end.max(soon)
            }
            Err(failure) => failure.again.unwrap_or(soon),
        };
        Kept { outcome, asked: now, until }
    }

    async fn ask_once(&self, address: &str, certificate: &[u8], issuer: &[u8]) -> Result<Proven, Failure> {
        let inner = &self.0;
        let settings = &inner.settings;
        let unreadable = |_| Failure::lasting("the certificate cannot be read");
        let (subject, authority) =
            (Certificate::parse(certificate).map_err(unreadable)?, Certificate::parse(issuer).map_err(unreadable)?);
        let nonce = if settings.nonce { Some(random()?) } else { None };
        let request = Request::new(&subject, &authority, settings.sha256, nonce.as_ref())
            .map_err(|error| Failure::lasting(error.to_string()))?;
        let source = self.source(address).await;
        let _place = source.place(|| inner.clock.now()).await?;
        let fetched = self.exchange(address, &request).await;
        let body = match fetched {
            Ok(body) => body,
            Err(fault) => return Err(self.report(&source, fault)),
        };
        let question = Question { certificate, issuer, nonce: nonce.as_ref(), now: inner.clock.now() };
        match ocsp::judge(&body, &question, &inner.rules) {
            Ok(answer) => {
                source.succeeded();
                Ok(Proven { der: body.into(), answer })
            }
            Err(unusable) => {
                // 6 unauthorized, 1 malformed: it works, but not for this certificate.
                if matches!(unusable, ocsp::Unusable::Error(1 | 6) | ocsp::Unusable::NotAboutThis) {
                    source.succeeded();
                    return Err(Failure::temporary(format!("{address}: {unusable}")));
                }
                let why = format!("{address}: {unusable}");
                let again = source.failed(inner.clock.now(), &why, None);
                tracing::warn!(responder = address, fault = %unusable, "an OCSP answer cannot be used");
                Err(Failure { again: Some(again), why, ..unusable.into() })
            }
        }
    }

    async fn exchange(&self, address: &str, request: &Request) -> Result<Vec<u8>, FetchFault> {
        let fetcher = &self.0.fetcher;
        if let Some(short) = request.get_address(address) {
            match fetcher.get(&short, OCSP_BYTES_MAX).await {
                Ok(answer) => return Ok(answer.body),
                // Some responders only know POST.
                Err(FetchFault::Refused { status: 400..=499, retry_after: None, .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        let sent = fetcher.post(address, ocsp::REQUEST_TYPE, request.der().to_vec(), None, OCSP_BYTES_MAX);
        Ok(sent.await?.body)
    }
}

fn key(address: &str, certificate: &[u8], issuer: &[u8]) -> Key {
    let parts = [address.as_bytes(), certificate, issuer].map(|part| digest(DigestAlgorithm::Sha256, part));
    let joined: Vec<u8> = parts.iter().flat_map(|part| part.as_bytes()).copied().collect();
    let mut key = [0; 32];
    key.copy_from_slice(digest(DigestAlgorithm::Sha256, &joined).as_bytes());
    key
}

fn random() -> Result<[u8; 32], Failure> {
    let mut bytes = [0; 32];
    match rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()) {
        Ok(32) => Ok(bytes),
        _ => Err(Failure::temporary("the machine gives no random numbers")),
    }
}

/// Length of one OCSP answer, in bytes.
const OCSP_BYTES_MAX: u64 = 256 * 1024;
