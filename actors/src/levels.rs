//! Lifts a sealed document to the level that its profile asks for: time stamps over signatures, evidence, a time stamp
//! over everything. Each step asks the authorities and sources that other actors own; between the steps the document
//! is a recipe in memory, and nothing of it is written before all steps are done.

use crate::document::Document;
use crate::measure::Stage;
use crate::pipeline::{Failure, blocking, failure};
use crate::revocation::{Collector, EvidenceFault};
use crate::stamp_batch::{BatchLimits, StampBatcher};
use crate::timestamp::TimeStamper;
use formats::lift::{self, EvidencePlace, Kind, StampPlaces};
use formats::{FormatError, Sealed, Source};
use model::limits::STAMP_BATCH_MAX;
use model::profile::{Format, Level, Password, StampOptions};
use model::{Clock, Digest, DigestAlgorithm, Profile, Reason, Time};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Everything that lifting needs.
pub struct Levels {
    stamper: TimeStamper,
    batcher: StampBatcher,
    collector: Collector,
    clock: Arc<dyn Clock>,
}

impl Levels {
    /// Over these authorities and sources.
    pub fn new(stamper: TimeStamper, collector: Collector, clock: Arc<dyn Clock>) -> Self {
        // Documents give their permits back while they wait here, so a batch may be larger than what is under way.
        let limits = BatchLimits { size_max: STAMP_BATCH_MAX, quiet: BATCH_QUIET, wait_max: BATCH_WAIT_MAX };
        let batcher = StampBatcher::new(stamper.clone(), limits);
        Self { stamper, batcher, collector, clock }
    }

    /// Whether the time stamps that the profile needs may be had now.
    pub fn ready(&self, profile: &Profile) -> Result<(), Failure> {
        let Some(stamp) = &profile.stamp else { return Ok(()) };
        self.stamper.ready(stamp).map_err(|fault| Failure::Deferred(fault.reason()))
    }

    /// Lifts the document as far as the profile says. A document that is not lifted in full is not lifted at all.
    pub async fn lift(&self, sealed: Sealed, document: &Arc<Document>, profile: &Profile) -> Result<Sealed, Failure> {
        let Some(stamp) = profile.stamp.as_ref().filter(|_| profile.level > Level::B) else {
            return match profile.format {
                // Nothing would look at its signatures.
                Format::Extended => Err(Failure::Deferred(Reason::new("no-level", "the profile names no level"))),
                _ => Ok(sealed),
            };
        };
        let (mut sealed, kind) = kind(sealed, document).await?;
        let task = Task { document, kind, profile, stamp };
        // What is proven is that nothing was revoked when the signature was stamped.
        let mut stamped_at = None;
        if profile.level >= Level::T {
            (sealed, stamped_at) = self.stamp(sealed, &task, lift::signature_time_stamps).await?;
        }
        if profile.level >= Level::Lt {
            let at = stamped_at.unwrap_or_else(|| self.clock.now());
            sealed = self.prove(sealed, &task, at).await?;
        }
        if profile.level >= Level::Lta {
            (sealed, _) = self.stamp(sealed, &task, lift::archive_time_stamps).await?;
        }
        Ok(sealed)
    }

    /// A time stamp over the document itself.
    pub async fn stamp_document(&self, document: Arc<Document>, stamp: &StampOptions) -> Result<Sealed, Failure> {
        let digest = document.only_digest().map_or(stamp.digest, |known| known.algorithm());
        let imprint = blocking(move || formats::crypto::digest_source(digest, &*document)).await?;
        let imprint = imprint.map_err(|error| failure(error.into()))?;
        let token = self.tokens(stamp, &[imprint]).await?.pop();
        let token = token.ok_or_else(|| Failure::Deferred(Reason::new("no-time-stamp", "there is no time stamp")))?;
        Ok(Sealed::time_stamp(&token))
    }

    /// Writes the evidence record of a result (DER) as the file `to`, once its batch has its time stamp. Without a time
    /// stamp for the batch in the profile there is nobody to wait for, and that is the profile's fault.
    pub async fn evidence_record(&self, profile: &Profile, digest: Digest, to: PathBuf) -> Result<(), Failure> {
        let Some(stamp) = &profile.stamp else {
            return Err(Failure::Deferred(Reason::new("no-authority", "the profile names no time-stamping authority")));
        };
        let started = Instant::now();
        let record = self.batcher.join(stamp, digest, to).await;
        Stage::Stamp.record(started.elapsed());
        record.map_err(|none| none.failure())
    }

    /// Nobody else will come: batches that wait for company are stamped now.
    pub fn close_batches(&self) {
        self.batcher.flush();
    }

    async fn tokens(&self, stamp: &StampOptions, imprints: &[Digest]) -> Result<Vec<formats::tsp::Token>, Failure> {
        let started = Instant::now();
        let tokens = self.stamper.stamp_all(stamp, imprints).await;
        Stage::Stamp.record(started.elapsed());
        tokens.map_err(|fault| Failure::Deferred(fault.reason()))
    }

    async fn stamp(
        &self,
        sealed: Sealed,
        task: &Task<'_>,
        places: FindStampPlaces,
    ) -> Result<(Sealed, Option<Time>), Failure> {
        let (kind, digest, source, password) = (task.kind, task.stamp.digest, task.document.clone(), task.password());
        let open = move || {
            let password = password.as_ref().map(Password::expose);
            let places = places(kind, &sealed.assembled(&*source), original(&sealed, &source), digest, password)?;
            Ok((sealed, places))
        };
        let (sealed, places) = blocking(move || Stage::Lift.timed(open)).await?.map_err(failure)?;
        if places.imprints().is_empty() {
            return Ok((sealed, None));
        }
        let tokens = self.tokens(task.stamp, places.imprints()).await?;
        let latest = tokens.iter().map(formats::tsp::Token::time).max();
        let source = task.document.clone();
        let fill = move || sealed.lifted(places.fill(&tokens)?, &*source);
        Ok((blocking(move || Stage::Lift.timed(fill)).await?.map_err(failure)?, latest))
    }

    async fn prove(&self, sealed: Sealed, task: &Task<'_>, at: Time) -> Result<Sealed, Failure> {
        let (kind, source, password) = (task.kind, task.document.clone(), task.password());
        let open = move || -> Result<(Sealed, Box<dyn EvidencePlace>), FormatError> {
            let password = password.as_ref().map(Password::expose);
            let place = lift::evidence(kind, &sealed.assembled(&*source), original(&sealed, &source), password)?;
            Ok((sealed, place))
        };
        let (sealed, place) = blocking(move || Stage::Lift.timed(open)).await?.map_err(failure)?;
        let started = Instant::now();
        let evidence = self.collector.collect(place.subjects(), at).await;
        Stage::Evidence.record(started.elapsed());
        let evidence = evidence.map_err(|fault| unproven(&fault, task.profile.format == Format::Extended))?;
        let source = task.document.clone();
        let fill = move || sealed.lifted(place.fill(&evidence)?, &*source);
        blocking(move || Stage::Lift.timed(fill)).await?.map_err(failure)
    }
}

type FindStampPlaces = fn(
    Kind,
    &dyn Source,
    Option<&dyn Source>,
    DigestAlgorithm,
    Option<&str>,
) -> Result<Box<dyn StampPlaces>, FormatError>;

/// What all steps of one document have in common.
struct Task<'a> {
    document: &'a Arc<Document>,
    kind: Kind,
    profile: &'a Profile,
    stamp: &'a StampOptions,
}

impl Task<'_> {
    /// What opens an encrypted PDF.
    fn password(&self) -> Option<Password> {
        self.profile.pdf.password.clone()
    }
}

/// The signed document of a signature that does not contain it.
fn original<'a>(sealed: &Sealed, document: &'a Document) -> Option<&'a dyn Source> {
    match document.original() {
        Some(original) => Some(original),
        None if sealed.contains_original() => None,
        None => Some(document),
    }
}

async fn kind(sealed: Sealed, document: &Arc<Document>) -> Result<(Sealed, Kind), Failure> {
    if let Some(kind) = Kind::of_format(sealed.document().format) {
        return Ok((sealed, kind));
    }
    let source = document.clone();
    let kind = blocking(move || Kind::of(&*source)).await?.map_err(failure)?;
    let what = "the file is neither a signed PDF, XML, CMS nor an ASiC container";
    let kind = kind.ok_or_else(|| Failure::Rejected(Reason::new("not-signed", what)))?;
    Ok((sealed, kind))
}

/// Whoever signs with a revoked certificate has to be given another by an operator, and the document waits for that. A
/// document that somebody else signed so stays as it is.
fn unproven(fault: &EvidenceFault, foreign: bool) -> Failure {
    let reason = fault.reason();
    match !fault.is_temporary() && foreign {
        true => Failure::Rejected(reason),
        false => Failure::Deferred(reason),
    }
}

/// A batch is complete when nobody has joined it for so long: the slowest card signs in less.
const BATCH_QUIET: Duration = Duration::from_millis(1_500);
/// What the first document of a batch waits at most.
const BATCH_WAIT_MAX: Duration = Duration::from_secs(60);
