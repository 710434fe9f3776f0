//! Unlocks an encrypted document: finds a key of one of its recipients among all tokens and has that token open the
//! content key. The content itself is decrypted while it is written (`deliver.rs`).

use crate::document::Document;
use crate::pipeline::{Failure, Patience, Terms, blocking, failure};
use crate::router::{DecryptionKey, NoPlace, Router, TokenIndex};
use crate::token::queue::SignFault;
use formats::FormatError;
use formats::envelope::{Arrival, Envelope, Opening};
use model::{Lane, Reason, Secret, TokenSerial};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use token::Fault;

/// An encrypted document together with what opens it.
#[derive(Debug)]
pub struct Unlocked {
    envelope: Envelope,
    arrival: Arrival,
    secret: Secret,
}

impl Unlocked {
    /// Begins to decrypt the document that it was made from.
    pub fn open<'d>(&self, document: &'d Document) -> Result<Opening<'d>, FormatError> {
        self.envelope.open(document, &self.arrival, &self.secret)
    }
}

/// Reads the envelope and has a token open its content key. Keys that do not open it are passed over for further ones.
pub(crate) async fn unlock(
    router: &Router,
    patience: Patience,
    document: &Arc<Document>,
    terms: &Terms,
) -> Result<Unlocked, Failure> {
    let read = document.clone();
    let envelope = blocking(move || Envelope::read(&*read).map_err(failure)).await??;
    let mut last = None;
    for (arrival, token, key) in matches(router, &envelope, patience.place, terms).await? {
        let wrapped = match arrival.wrapped() {
            Ok(wrapped) => wrapped.clone(),
            Err(error) => {
                last.get_or_insert(failure(error));
                continue;
            }
        };
        let opened = match router.choose_token(token, terms.lane, patience.place).await {
            Ok(assignment) => assignment.decrypt(key.key, wrapped, patience.answer).await.map_err(not_opened),
            Err(no_place) => Err(busy(&no_place)),
        };
        match opened {
            Ok(secret) => return Ok(Unlocked { arrival, envelope, secret }),
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| not_for_us(&envelope)))
}

/// Has a token that holds the key of this recipient open the content key, for a verifier. `None`: no token here holds it.
/// `tokens`: those that may be asked; all, if it is `None`.
pub(crate) async fn open_for(
    router: &Router,
    arrival: &Arrival,
    tokens: Option<&BTreeSet<TokenSerial>>,
) -> Option<Result<Secret, Reason>> {
    let keys = usable(router, tokens);
    let (token, key) = keys.into_iter().find(|(_, key)| arrival.is_for(&key.certificate))?;
    let wrapped = match arrival.wrapped() {
        Ok(wrapped) => wrapped.clone(),
        Err(error) => return Some(Err(failure(error).reason().clone())),
    };
    let opened = match router.choose_token(token, Lane::Batch, OPEN_PATIENCE).await {
        Ok(assignment) => assignment.decrypt(key.key, wrapped, OPEN_PATIENCE).await.map_err(not_opened),
        Err(no_place) => Err(busy(&no_place)),
    };
    Some(opened.map_err(|failure| failure.reason().clone()))
}

/// The keys on these tokens.
fn usable(router: &Router, tokens: Option<&BTreeSet<TokenSerial>>) -> Vec<(TokenIndex, DecryptionKey)> {
    let mut keys = router.decryption_keys();
    if let Some(tokens) = tokens {
        keys.retain(|(token, _)| tokens.contains(&router.serial(*token)));
    }
    keys
}

/// Who of the recipients has a key here, and where. Waits for tokens that are not up yet: theirs may be the key.
async fn matches(
    router: &Router,
    envelope: &Envelope,
    patience: Duration,
    terms: &Terms,
) -> Result<Vec<(Arrival, TokenIndex, DecryptionKey)>, Failure> {
    let deadline = Instant::now() + patience;
    loop {
        // Asked first: a token that comes up in between has told its keys before.
        let all_up = router.all_up();
        let keys = usable(router, terms.keys.as_deref());
        let found: Vec<_> = keys
            .iter()
            .flat_map(|(token, key)| {
                let arrivals = envelope.for_certificate(&key.certificate);
                arrivals.map(|arrival| (arrival.clone(), *token, key.clone()))
            })
            .collect();
        let left = deadline.saturating_duration_since(Instant::now());
        if !found.is_empty() || all_up {
            return Ok(found);
        }
        if left.is_zero() {
            let reason = format!("{}, and not all tokens are ready", who(envelope));
            return Err(Failure::Deferred(Reason::new("no-key", reason)));
        }
        let _ = tokio::time::timeout(left.min(LOOK_AGAIN), router.more_signers()).await;
    }
}

fn who(envelope: &Envelope) -> String {
    let mut names: Vec<_> =
        envelope.arrivals().iter().take(NAMES_MAX).map(|arrival| arrival.id().to_string()).collect();
    match envelope.arrivals().len() {
        0 => return "the file is encrypted for nobody".to_owned(),
        more if more > NAMES_MAX => names.push(format!("{} more", more - NAMES_MAX)),
        _ => {}
    }
    format!("the file is encrypted for others: {}", names.join(", "))
}

fn not_for_us(envelope: &Envelope) -> Failure {
    Failure::Rejected(Reason::new("not-for-us", who(envelope)))
}

fn busy(no_place: &NoPlace) -> Failure {
    Failure::Deferred(Reason::new("no-key", no_place.to_string()))
}

fn not_opened(fault: SignFault) -> Failure {
    match fault {
        SignFault::Token(Fault::Request(why)) => Failure::Rejected(Reason::new("not-decrypted", why)),
        fault => {
            Failure::Deferred(Reason::new("token-failed", format!("the token did not open the content key: {fault}")))
        }
    }
}

/// How long a file that is judged waits for a token to open it.
const OPEN_PATIENCE: Duration = Duration::from_secs(60);
/// Recipients that a reason names.
const NAMES_MAX: usize = 5;
/// A token that came up in the very moment before the wait began is found then.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
