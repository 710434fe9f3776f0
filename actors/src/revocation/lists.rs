//! CRLs: fetched into files, indexed, kept and asked for again only if there is a newer one.

use super::Collector;
use super::source::{Failure, Kept, shared};
use crate::fetch::{Conditions, Download, Headers};
use formats::cms::certificate::Certificate;
use formats::cms::certificate::extensions::KeyUsage;
use formats::crl::{self, Crl, CrlFault};
use formats::ocsp::Status;
use formats::path::same_name;
use formats::{Source, SourceError};
use model::Time;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// A CRL in a file without a name: it is gone with the last one who uses it.
#[derive(Debug)]
struct OnDisk {
    file: File,
    length: u64,
}

impl Source for OnDisk {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        Ok(self.file.read_exact_at(buffer, offset)?)
    }
}

/// A CRL and its bytes.
#[derive(Debug)]
pub(super) struct List {
    crl: Crl,
    disk: OnDisk,
    memory: Mutex<Weak<[u8]>>,
    /// The public keys with which its signature has been verified; there is hardly ever more than one.
    verified_with: Mutex<Vec<Vec<u8>>>,
}

/// A CRL that is kept.
#[derive(Clone, Debug)]
pub(super) struct KeptList {
    list: Arc<List>,
    conditions: Conditions,
}

/// What CRLs say about a certificate, and which they were.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) status: Status,
    pub(super) crls: Vec<Arc<[u8]>>,
    /// Who signed the CRL, if not the issuer of the certificate.
    pub(super) signer: Option<Arc<[u8]>>,
    /// Certificates that expired after this moment stay on it.
    pub(super) knows_expired_since: Option<Time>,
}

impl List {
    fn read(file: File, length: u64) -> Result<Self, CrlFault> {
        let disk = OnDisk { file, length };
        let crl = Crl::read(&disk)?;
        Ok(Self { crl, disk, memory: Mutex::new(Weak::<[u8; 0]>::new()), verified_with: Mutex::default() })
    }

    /// All of it. Those who want it at the same time share it.
    fn bytes(&self) -> Result<Arc<[u8]>, CrlFault> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = memory.upgrade() {
            return Ok(bytes);
        }
        let mut bytes = vec![0; usize::try_from(self.disk.length).unwrap_or(0)];
        self.disk.read_exact_at(0, &mut bytes)?;
        let bytes: Arc<[u8]> = bytes.into();
        *memory = Arc::downgrade(&bytes);
        Ok(bytes)
    }

    /// Checks the signature, once for each key.
    fn verify(&self, key: &[u8]) -> Result<(), CrlFault> {
        let mut verified = self.verified_with.lock().unwrap_or_else(PoisonError::into_inner);
        if verified.iter().any(|known| known == key) {
            return Ok(());
        }
        self.crl.verify(&self.disk, key)?;
        verified.push(key.to_vec());
        Ok(())
    }

    /// Finds who signed it among the candidates, the issuer of the certificate first. A `None` is that issuer.
    fn signer(&self, issuer: &Arc<[u8]>, others: &[Arc<[u8]>]) -> Result<Option<Arc<[u8]>>, Failure> {
        let mut why = "the CRL is signed by somebody unknown".to_owned();
        for (at, der) in std::iter::once(issuer).chain(others).enumerate() {
            let Ok(candidate) = Certificate::parse(der) else { continue };
            let usage = candidate.key_usage().unwrap_or_default();
            if !same_name(candidate.subject, &self.crl.issuer)
                || usage.is_some_and(|usage| !usage.allows(KeyUsage::CRL_SIGN))
            {
                continue;
            }
            match self.verify(candidate.public_key.raw) {
                Ok(()) => return Ok((at > 0).then(|| der.clone())),
                Err(error) => why = error.to_string(),
            }
        }
        Err(Failure::temporary(why))
    }
}

impl Collector {
    /// What the CRL at an address says about a certificate, with the delta CRL if there is one.
    pub(super) async fn listed(
        &self,
        address: &str,
        certificate: &Arc<[u8]>,
        issuer: &Arc<[u8]>,
        others: &[Arc<[u8]>],
        not_before: Option<Time>,
    ) -> Result<Listed, Failure> {
        let complete = self.list(address, not_before).await?;
        if complete.disk.length > self.0.settings.embedded_crl_bytes_max {
            return Err(Failure::lasting(format!("{address}: the CRL is too long to be put into a signature")));
        }
        let delta = self.delta(&complete, certificate).await;
        let newest = delta.as_ref().map_or(complete.crl.this_update, |delta| delta.crl.this_update);
        if not_before.is_some_and(|moment| newest < moment) {
            let why = format!("{address}: there is no CRL yet that is newer than the signature");
            return Err(Failure { again: complete.crl.next_update, ..Failure::temporary(why) });
        }
        let (now, rules) = (self.0.clock.now(), self.0.rules.clone());
        let (certificate, issuer, others) = (certificate.clone(), issuer.clone(), others.to_vec());
        let shown = address.to_owned();
        blocking(move || {
            let signer = complete.signer(&issuer, &others)?;
            // A delta CRL that does not fit or is not signed by the same is as good as none.
            let signed_alike = |delta: &Arc<List>| delta.signer(&issuer, &others).is_ok_and(|other| other == signer);
            let subject = Certificate::parse(&certificate).map_err(|_| Failure::lasting("it cannot be read"))?;
            let judged = |delta: Option<&Arc<List>>| {
                let delta = delta.map(|delta| (&delta.crl, &delta.disk as &dyn Source));
                crl::judge((&complete.crl, &complete.disk), delta, &subject, now, &rules)
            };
            let mut delta = delta.filter(signed_alike);
            let status = match judged(delta.as_ref()) {
                Err(error) if delta.is_some() => {
                    tracing::debug!(crl = shown, fault = %error, "a delta CRL cannot be used");
                    delta = None;
                    judged(None)
                }
                other => other,
            };
            let failed = |error: CrlFault| Failure::temporary(format!("{shown}: {error}"));
            let status = status.map_err(failed)?;
            let mut crls = vec![complete.bytes().map_err(failed)?];
            if let Some(delta) = delta {
                crls.push(delta.bytes().map_err(failed)?);
            }
            Ok(Listed { status, crls, signer, knows_expired_since: complete.crl.expired_since })
        })
        .await
    }

    async fn delta(&self, complete: &List, certificate: &[u8]) -> Option<Arc<List>> {
        let certificate = Certificate::parse(certificate).ok()?;
        let points = certificate.freshest_crl().unwrap_or_default();
        let named = points.iter().flat_map(|point| point.addresses()).map(str::to_owned);
        for address in complete.crl.deltas.iter().cloned().chain(named).take(ADDRESSES_MAX) {
            match self.list(&address, None).await {
                Ok(delta) => return Some(delta),
                Err(failure) => tracing::debug!(crl = address, fault = failure.why, "a delta CRL cannot be had"),
            }
        }
        None
    }

    /// The CRL at an address.
    async fn list(&self, address: &str, not_before: Option<Time>) -> Result<Arc<List>, Failure> {
        let inner = &self.0;
        let now = inner.clock.now();
        let retry = inner.settings.back_off_first;
        let stale = move |kept: &Kept<KeptList>| {
            let too_old = match (&kept.outcome, not_before) {
                (Ok(known), Some(moment)) => known.list.crl.this_update < moment,
                _ => false,
            };
            kept.until <= now || (too_old && (kept.asked.plus(retry) <= now))
        };
        let (asker, key) = (self.clone(), address.to_owned());
        let fetch = async move {
            let known = asker.0.lists.get(&key).await;
            asker.fetch_list(&key, known.and_then(|kept| kept.outcome.ok())).await
        };
        Ok(shared(&inner.lists, address.to_owned(), stale, fetch).await?.list)
    }

    async fn fetch_list(&self, address: &str, previous: Option<KeptList>) -> Kept<KeptList> {
        let inner = &self.0;
        let fetched = self.fetch_list_once(address, previous.as_ref()).await;
        let now = inner.clock.now();
        let soon = now.plus(inner.settings.back_off_first);
        match fetched {
            Ok((list, fresh_for)) => {
                let wait = fresh_for.unwrap_or(inner.settings.crl_refresh).min(inner.settings.crl_refresh);
                let next = list.list.crl.next_update.unwrap_or_else(|| now.plus(wait));
                Kept { outcome: Ok(list), asked: now, until: now.plus(wait).min(next).max(soon) }
            }
            Err(failure) => {
                let until = failure.again.unwrap_or(soon);
                // What is there counts until its own end, whatever became of its source.
                let usable = previous.filter(|known| known.list.crl.check_times(now, &inner.rules).is_ok());
                Kept { outcome: usable.ok_or(failure), asked: now, until }
            }
        }
    }

    async fn fetch_list_once(
        &self,
        address: &str,
        previous: Option<&KeptList>,
    ) -> Result<(KeptList, Option<Duration>), Failure> {
        let inner = &self.0;
        let source = self.source(address).await;
        let _place = source.place(|| inner.clock.now()).await?;
        let folder = inner.settings.folder.clone().unwrap_or_else(std::env::temp_dir);
        let file = tempfile::tempfile_in(folder).map_err(|error| Failure::temporary(error.to_string()))?;
        let second = file.try_clone().map_err(|error| Failure::temporary(error.to_string()))?;
        let none = Conditions::default();
        let conditions = previous.map_or(&none, |known| &known.conditions);
        let download = inner.fetcher.download(address, conditions, second, inner.settings.crl_bytes_max).await;
        let (headers, length) = match (download, previous) {
            (Ok(Download::NotModified(headers)), Some(known)) => {
                source.succeeded();
                return Ok((known.clone(), headers.fresh_for));
            }
            (Ok(Download::NotModified(_)), None) => (Headers::default(), 0),
            (Ok(Download::Written(headers, length)), _) => (headers, length),
            (Err(fault), _) => return Err(self.report(&source, fault)),
        };
        let (now, rules) = (inner.clock.now(), inner.rules.clone());
        let read = blocking(move || {
            let list = List::read(file, length).map_err(|error| Failure::temporary(error.to_string()))?;
            list.crl.check_times(now, &rules).map_err(|error| Failure::temporary(error.to_string()))?;
            Ok(list)
        });
        match read.await {
            Ok(list) => {
                source.succeeded();
                let kept = KeptList { list: Arc::new(list), conditions: headers.conditions };
                Ok((kept, headers.fresh_for))
            }
            Err(failure) => {
                let why = format!("{address}: {}", failure.why);
                tracing::warn!(crl = address, fault = failure.why, "a CRL cannot be used");
                let again = source.failed(inner.clock.now(), &why, None);
                Err(Failure { again: Some(again), why, ..failure })
            }
        }
    }
}

/// Runs what reads files and computes for long on a thread for that.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::temporary("reading a CRL was given up")),
    }
}

/// Addresses of delta CRLs that are tried.
const ADDRESSES_MAX: usize = 4;
