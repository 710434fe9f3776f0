//! Time stamps (RFC 3161) from several authorities in order: the next one is asked when one fails, does not answer, or
//! answers something that does not verify.
//!
//! Here is the order and what is said when nobody answers; `authority` owns one authority, `breaker` decides when it
//! may be asked. Nothing is repeated for ever: within a patience there is a token or a reason.

mod authority;
mod breaker;

pub use breaker::Rest;

use crate::fetch::{Credentials, FetchFault, FetchSettings, Reach};
use authority::Authority;
use formats::tsp::{Token, TspError};
use futures_util::{StreamExt, TryStreamExt, stream};
use model::profile::{AuthorityName, StampOptions};
use model::{Clock, Digest, Reason};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// All authorities, and how long they are waited for.
#[derive(Clone, Debug)]
pub struct TimeStampSettings {
    /// The authorities, each name once.
    pub authorities: Vec<AuthoritySettings>,
    /// How long one time stamp may take, with all authorities that are asked for it.
    pub patience: Duration,
    /// How far the clock of an authority may be from ours.
    pub tolerance: Duration,
}

impl Default for TimeStampSettings {
    fn default() -> Self {
        Self { authorities: Vec::new(), patience: Duration::from_secs(60), tolerance: Duration::from_secs(300) }
    }
}

/// One authority as configuration describes it. Shows no password.
#[derive(Clone, Debug)]
pub struct AuthoritySettings {
    /// Its name.
    pub name: AuthorityName,
    /// Its address.
    pub url: String,
    /// For HTTP Basic.
    pub credentials: Option<Credentials>,
    /// How it is reached: time-outs, proxy, TLS client certificate.
    pub fetch: FetchSettings,
    /// The policy asked for unless the profile says another, in dots.
    pub policy: Option<Arc<str>>,
    /// Certificates of its units or of authorities above them, DER. Empty: whatever signs is believed.
    pub anchors: Vec<Arc<[u8]>>,
    /// Requests in a second; 0: no limit.
    pub requests_per_second: f64,
    /// Requests that may come at once after a pause, if there is such a limit.
    pub burst: u32,
    /// Requests at the same time.
    pub requests_at_once: usize,
    /// How long it is left alone after failures.
    pub rest: Rest,
}

impl AuthoritySettings {
    /// An authority at this address, with everything else as usual.
    pub fn new(name: AuthorityName, url: impl Into<String>) -> Self {
        Self {
            name,
            url: url.into(),
            credentials: None,
            // The address is the operator's own.
            fetch: FetchSettings {
                reach: Reach::Anywhere,
                total_timeout: Duration::from_secs(20),
                redirects_max: 0,
                ..FetchSettings::default()
            },
            policy: None,
            anchors: Vec::new(),
            requests_per_second: 0.0,
            burst: 1,
            requests_at_once: 8,
            rest: Rest::default(),
        }
    }
}

/// Why one authority gave no time stamp.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Because {
    /// The profile names it, the configuration does not.
    #[error("it is not configured")]
    Unknown,
    /// It failed lately.
    #[error("it failed lately and is asked again in {} seconds", .0.as_secs())]
    Resting(Duration),
    /// Too many others were waiting for it.
    #[error("too many documents are waiting for it")]
    Busy,
    /// No answer.
    #[error("{0}")]
    Fetch(#[from] FetchFault),
    /// Something that is no time stamp, by its own word.
    #[error("it answered with {0:?} instead of a time stamp")]
    WrongType(String),
    /// An answer that is of no use.
    #[error("{0}")]
    Answer(TspError),
    /// The machine gave no random numbers for the nonce.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
    /// A fault of this program.
    #[error("checking its answer failed unexpectedly")]
    Panicked,
}

/// No authority gave a time stamp; the document waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StampFault {
    /// What each authority did, in the order in which they were asked.
    pub tries: Vec<(AuthorityName, Because)>,
}

impl StampFault {
    /// For the clerk.
    pub fn reason(&self) -> Reason {
        Reason::new("no-time-stamp", self.to_string())
    }
}

impl fmt::Display for StampFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no time-stamping authority could be used")?;
        for (index, (name, because)) in self.tries.iter().enumerate() {
            write!(f, "{} {name}: {because}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for StampFault {}

/// Gives time stamps, to any number of tasks at once. Cheap to clone.
#[derive(Clone)]
pub struct TimeStamper(Arc<Inner>);

struct Inner {
    authorities: HashMap<AuthorityName, Authority>,
    patience: Duration,
}

impl TimeStamper {
    /// Connects to nobody yet.
    pub fn new(settings: TimeStampSettings, clock: Arc<dyn Clock>) -> Result<Self, FetchFault> {
        let TimeStampSettings { authorities, patience, tolerance } = settings;
        let own = |settings: AuthoritySettings| {
            Ok((settings.name.clone(), Authority::new(settings, tolerance, clock.clone())?))
        };
        let authorities = authorities.into_iter().map(own).collect::<Result<_, FetchFault>>()?;
        Ok(Self(Arc::new(Inner { authorities, patience })))
    }

    /// Whether anybody may be asked now. Who knows that there will be no time stamp need not have a card sign for it.
    pub fn ready(&self, options: &StampOptions) -> Result<(), StampFault> {
        let mut tries = Vec::new();
        for name in &options.authorities {
            match self.0.authorities.get(name).ok_or(Because::Unknown).and_then(Authority::is_resting) {
                Ok(()) => return Ok(()),
                Err(because) => tries.push((name.clone(), because)),
            }
        }
        Err(StampFault { tries })
    }

    /// A time stamp over this digest, checked in every field.
    pub async fn stamp(&self, options: &StampOptions, imprint: &Digest) -> Result<Token, StampFault> {
        let deadline = Instant::now() + self.0.patience;
        let mut tries = Vec::new();
        for name in &options.authorities {
            let outcome = match self.0.authorities.get(name) {
                // On the heap: the futures of documents that need no time stamp stay small.
                Some(authority) => Box::pin(authority.stamp(imprint, options.policy.as_deref(), deadline)).await,
                None => Err(Because::Unknown),
            };
            match outcome {
                Ok(token) => return Ok(token),
                Err(because) => tries.push((name.clone(), because)),
            }
        }
        Err(StampFault { tries })
    }

    /// A time stamp over each of these, in their order.
    pub async fn stamp_all(&self, options: &StampOptions, imprints: &[Digest]) -> Result<Vec<Token>, StampFault> {
        let one = |imprint| {
            let (stamper, options) = (self.clone(), options.clone());
            async move { stamper.stamp(&options, &imprint).await }
        };
        stream::iter(imprints.to_vec()).map(one).buffered(AT_ONCE_FOR_ONE_DOCUMENT).try_collect().await
    }
}

const AT_ONCE_FOR_ONE_DOCUMENT: usize = 8;
