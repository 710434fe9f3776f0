//! Collects what proves later that certificates were not revoked: their paths, OCSP answers and CRLs.
//!
//! Each source is asked by one at a time for the same thing; all others who want it wait for that answer, which is kept
//! as long as it counts. Certificates in documents are foreign input: sources that they name are asked only after their
//! path has been found to lead to an anchor, and only within [`crate::fetch::Reach`]; the exception is the address of a
//! missing issuer, for which only the reach counts.

mod issuers;
mod lists;
mod lookup;
mod online;
mod settings;
mod source;

pub use settings::{Prefer, RevocationSettings};

use crate::fetch::{FetchFault, Fetcher};
use formats::cms::certificate::Certificate;
use formats::evidence::{Evidence, Subject};
use formats::ocsp::{Revoked, Rules, Status};
use formats::path::{Path, common_name};
use lists::KeptList;
use model::limits::{EVIDENCE_SUBJECTS_MAX, PATH_ADDRESSES_MAX};
use model::{Clock, Reason, Time};
use moka::future::Cache;
use online::Proven;
use source::{Failure, Kept, Source};
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A certificate, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// What it does.
    pub role: &'static str,
    /// Its common name.
    pub name: String,
}

impl Who {
    fn of(role: &'static str, certificate: &[u8]) -> Self {
        let name = Certificate::parse(certificate).ok().and_then(|certificate| common_name(certificate.subject));
        Self { role, name: name.unwrap_or_else(|| "without a name".into()) }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate \"{}\" ({})", self.name, self.role)
    }
}

/// Why there is no evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceFault {
    /// A certificate of the path is revoked or suspended.
    #[error("{who} {} since {}", if revoked.reason == Some(6) { "is suspended" } else { "is revoked" }, revoked.at.in_words())]
    Revoked {
        /// Which.
        who: Who,
        /// Since when and why.
        revoked: Revoked,
    },
    /// A certificate cannot be read.
    #[error("{0} cannot be read")]
    Unreadable(Who),
    /// There is no way to a root.
    #[error("the path of {0} leads nowhere: {1}; the missing certificate can be configured")]
    NoPath(Who, &'static str),
    /// The way leads to a root that is not configured.
    #[error("the path of {0} leads to a root that is not among the configured anchors")]
    Untrusted(Who),
    /// A certificate names nobody who could be asked.
    #[error("{0} names neither an OCSP responder nor a CRL, so that nothing proves later that it was not revoked")]
    NoSource(Who),
    /// Its sources did not answer as they should.
    #[error("the state of {who} cannot be proven now: {why}")]
    Unavailable {
        /// Whose.
        who: Who,
        /// What the sources said.
        why: String,
        /// When it makes sense to try again, as far as anybody knows.
        again: Option<Time>,
        /// Trying again may help. Otherwise an operator has to change something first.
        temporary: bool,
    },
    /// It took longer than allowed.
    #[error("collecting the proofs of validity took longer than {0:?}")]
    Timeout(Duration),
}

impl EvidenceFault {
    fn unavailable(who: Who, failure: Failure) -> Self {
        EvidenceFault::Unavailable { who, why: failure.why, again: failure.again, temporary: failure.temporary }
    }

    /// Whether the document should wait and be tried again.
    pub fn is_temporary(&self) -> bool {
        matches!(self, EvidenceFault::Timeout(_) | EvidenceFault::Unavailable { temporary: true, .. })
    }

    /// When it makes sense to try again, as far as anybody knows.
    pub fn again(&self) -> Option<Time> {
        match self {
            EvidenceFault::Unavailable { again, .. } => *again,
            _ => None,
        }
    }

    /// For the clerk.
    pub fn reason(&self) -> Reason {
        let code = match self {
            EvidenceFault::Revoked { .. } => "certificate-revoked",
            EvidenceFault::Unreadable(_) => "certificate-unreadable",
            EvidenceFault::NoPath(..) => "certificate-path",
            EvidenceFault::Untrusted(_) => "certificate-untrusted",
            EvidenceFault::NoSource(_) => "revocation-no-source",
            EvidenceFault::Unavailable { .. } => "revocation-unavailable",
            EvidenceFault::Timeout(_) => "revocation-timeout",
        };
        Reason::new(code, self.to_string())
    }
}

/// Collects evidence, from any number of tasks at once. Cheap to clone; all clones share what was fetched.
#[derive(Clone)]
pub struct Collector(Arc<Inner>);

struct Inner {
    settings: RevocationSettings,
    rules: Rules,
    fetcher: Fetcher,
    clock: Arc<dyn Clock>,
    sources: Cache<String, Arc<Source>>,
    answers: Cache<online::Key, Kept<Arc<Proven>>>,
    lists: Cache<String, Kept<KeptList>>,
    issuers: Cache<String, Kept<Certificates>>,
    /// By the subject: of thousands of documents with the same signer only one is searched for.
    paths: Cache<Arc<[u8]>, Path>,
}

/// Certificates that were fetched together, DER.
type Certificates = Arc<[Arc<[u8]>]>;

/// What proves the state of one certificate.
struct Proof {
    status: Status,
    ocsp_response: Option<Arc<[u8]>>,
    crls: Vec<Arc<[u8]>>,
    /// Who signed it, if not the certificate's issuer: its own path has to be proven too.
    signer: Option<Subject>,
    /// The source still speaks of certificates that expired after this moment.
    knows_expired_since: Option<Time>,
}

/// Who is still to be proven.
struct Waiting {
    subject: Subject,
    /// For which moment.
    at: Time,
    /// What proves it must not be older than this. It does not count for issuers, whose CRLs are of last month.
    not_before: Option<Time>,
}

/// Evidence in the making.
#[derive(Default)]
struct Gathering {
    evidence: Evidence,
    done: HashSet<Arc<[u8]>>,
    waiting: VecDeque<Waiting>,
}

impl Collector {
    /// A collector that has fetched nothing yet.
    pub fn new(settings: RevocationSettings, clock: Arc<dyn Clock>) -> Result<Self, FetchFault> {
        let rules = Rules {
            skew: settings.clock_skew,
            nonce_required: false,
            certificate_hash_required: settings.certificate_hash_required,
            responders: settings.responders.clone(),
            ..Rules::default()
        };
        Ok(Self(Arc::new(Inner {
            rules,
            fetcher: Fetcher::new(&settings.fetch)?,
            clock,
            sources: Cache::new(SOURCES_MAX),
            answers: Cache::new(settings.ocsp_kept_max),
            lists: Cache::new(settings.crls_kept_max),
            issuers: Cache::new(SOURCES_MAX),
            paths: Cache::new(PATHS_MAX),
            settings,
        })))
    }

    /// Collects what proves that the subjects were valid and not revoked at the moment `at`: all certificates of their
    /// paths, for each one but the last an OCSP answer or a CRL, and the same for whoever signed those.
    pub async fn collect(&self, subjects: &[Subject], at: Time) -> Result<Evidence, EvidenceFault> {
        let patience = self.0.settings.total_timeout;
        let collected = tokio::time::timeout(patience, Box::pin(self.collect_all(subjects, at))).await;
        collected.unwrap_or(Err(EvidenceFault::Timeout(patience)))
    }

    async fn collect_all(&self, subjects: &[Subject], at: Time) -> Result<Evidence, EvidenceFault> {
        // Many sources give whole seconds.
        let not_before = self.0.settings.wait_for_fresh.then(|| Time::from_seconds(at.seconds()));
        let waiting = subjects.iter().map(|subject| Waiting { subject: subject.clone(), at, not_before }).collect();
        let mut gathering = Gathering { waiting, ..Gathering::default() };
        let mut seen = 0;
        while let Some(waiting) = gathering.waiting.pop_front() {
            let subject = &waiting.subject;
            seen += 1;
            if seen > EVIDENCE_SUBJECTS_MAX {
                return Err(EvidenceFault::NoPath(
                    Who::of(subject.role, &subject.certificate),
                    "too many are involved",
                ));
            }
            self.gather(&mut gathering, &waiting).await?;
        }
        Ok(gathering.evidence)
    }

    async fn gather(&self, gathering: &mut Gathering, waiting: &Waiting) -> Result<(), EvidenceFault> {
        let Waiting { subject, at, not_before } = waiting;
        let at = *at;
        if self.0.settings.responders.contains(&subject.certificate) {
            let certificates = vec![subject.certificate.clone()];
            gathering.evidence.merge(&Evidence { certificates, ..Evidence::default() });
            return Ok(());
        }
        let (path, known) = self.path(subject, at).await?;
        let certificates = path.certificates;
        gathering.evidence.merge(&Evidence { certificates: certificates.clone(), ..Evidence::default() });
        for (place, pair) in certificates.windows(2).enumerate() {
            let [certificate, issuer] = pair else { continue };
            if !gathering.done.insert(certificate.clone()) {
                continue;
            }
            let who = || Who::of(if place == 0 { subject.role } else { "its issuer" }, certificate);
            let parsed = Certificate::parse(certificate).map_err(|_| EvidenceFault::Unreadable(who()))?;
            if parsed.needs_no_revocation().map_err(|_| EvidenceFault::Unreadable(who()))? {
                continue;
            }
            let others: Vec<Arc<[u8]>> = certificates.iter().chain(&known).cloned().collect();
            let not_before = not_before.filter(|_| place == 0);
            let proof = self.prove(&parsed, certificate, issuer, &others, not_before, &who).await?;
            match proof.status {
                // Verifiers compare with the moment of the signature, too.
                Status::Revoked(revoked) if revoked.at <= at => {
                    return Err(EvidenceFault::Revoked { who: who(), revoked });
                }
                _ => {}
            }
            let ocsp_responses = proof.ocsp_response.into_iter().collect();
            gathering.evidence.merge(&Evidence { certificates: Vec::new(), crls: proof.crls, ocsp_responses });
            // Who signs today must be valid today, whenever it was that the proof is about.
            let signer = proof.signer.filter(|signer| !gathering.done.contains(&signer.certificate));
            let at = self.0.clock.now();
            gathering.waiting.extend(signer.map(|subject| Waiting { subject, at, not_before: None }));
        }
        Ok(())
    }

    /// Asks the sources that a certificate names, one after the other, until one proves its state.
    async fn prove(
        &self,
        parsed: &Certificate<'_>,
        certificate: &Arc<[u8]>,
        issuer: &Arc<[u8]>,
        others: &[Arc<[u8]>],
        not_before: Option<Time>,
        who: &(dyn Fn() -> Who + Send + Sync),
    ) -> Result<Proof, EvidenceFault> {
        let unreadable = |_| EvidenceFault::Unreadable(who());
        let access = parsed.access().map_err(unreadable)?;
        let points = parsed.crl_distribution_points().map_err(unreadable)?;
        let online = access.ocsp.iter().take(PATH_ADDRESSES_MAX).map(|address| (true, *address));
        let lists = points.iter().flat_map(|point| point.addresses()).take(PATH_ADDRESSES_MAX);
        let lists = lists.map(|address| (false, address));
        let sources: Vec<(bool, &str)> = match self.0.settings.prefer {
            Prefer::Ocsp => online.chain(lists).collect(),
            Prefer::Crl => lists.chain(online).collect(),
        };
        let (_, not_after) = parsed.validity().map_err(unreadable)?;
        let expired = not_after < self.0.clock.now();
        let mut failures: Vec<Failure> = Vec::new();
        for (is_responder, address) in sources {
            let proof = if is_responder {
                self.prove_online(address, certificate, issuer, others, not_before).await
            } else {
                self.prove_by_list(address, certificate, issuer, others, not_before).await
            };
            match proof {
                Ok(Proof { status: Status::Unknown, .. }) => {
                    failures.push(Failure::lasting(format!("{address}: the responder does not know it")));
                }
                // Sources forget expired certificates, unless they say otherwise: "good" then means nothing.
                Ok(Proof { status: Status::Good, knows_expired_since, .. })
                    if expired && knows_expired_since.is_none_or(|since| since > not_after) =>
                {
                    failures.push(Failure::lasting(format!("{address}: nothing is known of expired certificates")));
                }
                Ok(proof) => return Ok(proof),
                Err(failure) => failures.push(failure),
            }
        }
        if failures.is_empty() {
            return Err(EvidenceFault::NoSource(who()));
        }
        let why: Vec<&str> = failures.iter().map(|failure| failure.why.as_str()).collect();
        Err(EvidenceFault::Unavailable {
            who: who(),
            why: why.join("; "),
            again: failures.iter().filter_map(|failure| failure.again).min(),
            temporary: failures.iter().any(|failure| failure.temporary),
        })
    }

    async fn prove_online(
        &self,
        address: &str,
        certificate: &Arc<[u8]>,
        issuer: &Arc<[u8]>,
        others: &[Arc<[u8]>],
        not_before: Option<Time>,
    ) -> Result<Proof, Failure> {
        let proven = self.online(address, certificate, issuer, not_before).await?;
        let signer = proven.answer.responder.as_ref().map(|responder| Subject {
            role: "OCSP responder",
            certificate: responder.as_slice().into(),
            known: others.to_vec(),
        });
        let knows_expired_since = proven.answer.archive_cutoff;
        let (status, ocsp_response) = (proven.answer.status, Some(proven.der.clone()));
        Ok(Proof { status, ocsp_response, crls: Vec::new(), signer, knows_expired_since })
    }

    async fn prove_by_list(
        &self,
        address: &str,
        certificate: &Arc<[u8]>,
        issuer: &Arc<[u8]>,
        others: &[Arc<[u8]>],
        not_before: Option<Time>,
    ) -> Result<Proof, Failure> {
        let listed = self.listed(address, certificate, issuer, others, not_before).await?;
        let signer =
            listed.signer.map(|certificate| Subject { role: "CRL issuer", certificate, known: others.to_vec() });
        Ok(Proof {
            status: listed.status,
            ocsp_response: None,
            crls: listed.crls,
            signer,
            knows_expired_since: listed.knows_expired_since,
        })
    }

    /// The state of a source.
    async fn source(&self, address: &str) -> Arc<Source> {
        let settings = &self.0.settings;
        let made = async {
            Arc::new(Source::new(settings.requests_per_source_max, settings.back_off_first, settings.back_off_max))
        };
        self.0.sources.get_with(address.to_owned(), made).await
    }

    /// Notes that a source failed.
    fn report(&self, source: &Source, fault: FetchFault) -> Failure {
        tracing::warn!(fault = %fault, "a source of revocation material failed");
        let wish = match &fault {
            FetchFault::Refused { retry_after, .. } => *retry_after,
            _ => None,
        };
        let again = source.failed(self.0.clock.now(), &fault.to_string(), wish);
        Failure { again: Some(again), ..fault.into() }
    }
}

/// Paths that are remembered.
const PATHS_MAX: u64 = 10_000;
/// Sources whose state is remembered.
const SOURCES_MAX: u64 = 10_000;
