//! PINs, and the only place that calls `C_Login`.
//!
//! Three wrong tries destroy a card, so the types leave nothing to try twice with: a [`Pin`] is consumed by its attempt,
//! and a [`VerifiedPin`] is emptied, wherever it is held, at the first refusal. Before each attempt the
//! [`LoginLedger`] must have said "free" and have written "attempting" durably; a crash in between therefore blocks
//! the token until an operator acts. No PIN is ever printed, and none is kept after a refusal.

use crate::fault::Fault;
use crate::found::PinState;
use cryptoki::error::{Error, RvError};
use cryptoki::session::{Session, UserType};
use model::TokenSerial;
use secrecy::SecretString;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The durable record of login attempts, one row for each token. Implemented over the store.
pub trait LoginLedger: Send + Sync {
    /// Must find the row free and write "attempting" durably before it returns. Refuses
    /// ([`LoginRefused::Ledger`]) if the row says "attempting" or "blocked", or cannot be written.
    fn begin(&self, serial: &TokenSerial) -> Result<(), LoginRefused>;
    /// The token accepted the PIN: the row is free again.
    fn accepted(&self, serial: &TokenSerial);
    /// The token refused, or it is not known what it did: the row is blocked until an operator acts.
    fn refused(&self, serial: &TokenSerial, why: &str);
    /// The PIN did not reach the token, `C_Login` counted nothing: the row is free again.
    fn not_tried(&self, serial: &TokenSerial);
}

/// Why there was no login.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginRefused {
    /// `CKR_PIN_INCORRECT`, `CKR_PIN_INVALID` or `CKR_PIN_LEN_RANGE`.
    #[error("the token refused the PIN; it is not tried again")]
    Wrong,
    /// The token says that the PIN is locked.
    #[error("the PIN of the token is locked")]
    Locked,
    /// The PIN must be changed before the token works.
    #[error("the PIN of the token must be changed first")]
    MustChange,
    /// No user PIN has been set yet.
    #[error("the token has no user PIN yet")]
    NotInitialised,
    /// Somebody typed a wrong PIN since the last right one, and no operator has confirmed a further try.
    #[error("the token counts wrong PINs already; an operator must confirm a further try")]
    CountLow,
    /// One more wrong PIN would lock the token, and no operator has confirmed the try.
    #[error("one more wrong PIN would lock the token; an operator must confirm the try")]
    FinalTry,
    /// The ledger does not permit an attempt; says why.
    #[error("no login attempt is permitted: {0}")]
    Ledger(String),
    /// The person at the PIN pad cancelled or did not answer.
    #[error("the PIN entry was cancelled at the reader")]
    Cancelled,
    /// The PIN has been dropped after an earlier refusal, or it was never tried by this process.
    #[error("no PIN is in hand; an operator must enter it")]
    NoPin,
    /// The PIN was to be typed on the reader, but the reader has no PIN pad.
    #[error("the token's reader has no PIN pad")]
    NoPad,
    /// The call failed in a way that leaves open whether the token counted it.
    #[error("the login failed and the token may have counted it: {0}")]
    Unclear(String),
    /// The token could not be reached.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A login that did not happen, and the PIN if it was not tried.
pub struct LoginFailed<P> {
    /// Why.
    pub refused: LoginRefused,
    /// The PIN, exactly if the token has not seen it.
    pub pin: Option<P>,
}

impl<P> fmt::Debug for LoginFailed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LoginFailed({:?}, tried: {})", self.refused, self.pin.is_none())
    }
}

impl<P> From<LoginFailed<P>> for LoginRefused {
    fn from(failed: LoginFailed<P>) -> Self {
        failed.refused
    }
}

/// A PIN nobody has tried yet. Consumed by the attempt: there is nothing left to retry with. No `Clone`, no `Debug`.
pub struct Pin {
    pub(crate) source: PinSource,
    pub(crate) confirmed: bool,
}

/// Where the token gets the PIN from.
pub(crate) enum PinSource {
    /// From us.
    Typed(SecretString),
    /// From the person at the reader; `C_Login` gets a null pointer.
    Pad,
}

impl Pin {
    /// A PIN from configuration or from an operator.
    pub fn typed(pin: SecretString) -> Self {
        Self { source: PinSource::Typed(pin), confirmed: false }
    }

    /// The PIN will be typed on the reader (protected authentication path).
    pub fn pad() -> Self {
        Self { source: PinSource::Pad, confirmed: false }
    }

    /// An operator has seen that the token counts wrong PINs, even that this is the last try, and wants it tried.
    #[must_use]
    pub fn confirmed(mut self) -> Self {
        self.confirmed = true;
        self
    }
}

/// A PIN this token has accepted. Emptied at the first refusal, for everybody who holds it. No `Clone`, no `Debug`.
pub struct VerifiedPin(Arc<Mutex<Option<PinSource>>>);

impl VerifiedPin {
    fn new(source: PinSource) -> Self {
        Self(Arc::new(Mutex::new(Some(source))))
    }

    /// For a token that was found logged in: nothing has been verified, so there is nothing to log in again with.
    fn empty() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }

    /// What sessions need for keys with `CKA_ALWAYS_AUTHENTICATE`.
    pub fn for_context(&self, ledger: Arc<dyn LoginLedger>) -> ContextLogin {
        ContextLogin { pin: Arc::clone(&self.0), ledger }
    }
}

/// Lets a session log in for one signature at a time. All copies share one PIN and one attempt at a time.
#[derive(Clone)]
pub struct ContextLogin {
    pin: Arc<Mutex<Option<PinSource>>>,
    ledger: Arc<dyn LoginLedger>,
}

/// Proof that the token was logged in.
pub struct LoggedIn(());

/// What became of one `C_Login`.
#[derive(Clone, Debug)]
pub(crate) enum Attempt {
    Accepted,
    /// `CKR_USER_ALREADY_LOGGED_IN`: fine, but says nothing about the PIN.
    AlreadyIn,
    Refused(LoginRefused),
    NotTried(LoginRefused),
}

/// One attempt with its entries in the ledger. If `call` never returns, the ledger keeps saying "attempting".
fn recorded(ledger: &dyn LoginLedger, serial: &TokenSerial, call: impl FnOnce() -> Attempt) -> Attempt {
    if let Err(refused) = ledger.begin(serial) {
        return Attempt::NotTried(refused);
    }
    let attempt = call();
    match &attempt {
        Attempt::Accepted => ledger.accepted(serial),
        Attempt::AlreadyIn | Attempt::NotTried(_) => ledger.not_tried(serial),
        Attempt::Refused(refused) => ledger.refused(serial, &refused.to_string()),
    }
    attempt
}

/// [`crate::Token::login`], with the call itself left to the kind of token.
pub(crate) fn login(
    ledger: &dyn LoginLedger,
    serial: &TokenSerial,
    pin: Pin,
    call: impl FnOnce(&PinSource) -> Attempt,
) -> Result<(LoggedIn, VerifiedPin), LoginFailed<Pin>> {
    match recorded(ledger, serial, || call(&pin.source)) {
        Attempt::Accepted => Ok((LoggedIn(()), VerifiedPin::new(pin.source))),
        Attempt::AlreadyIn => Ok((LoggedIn(()), VerifiedPin::empty())),
        Attempt::Refused(refused) => Err(LoginFailed { refused, pin: None }),
        Attempt::NotTried(refused) => Err(LoginFailed { refused, pin: Some(pin) }),
    }
}

/// [`crate::Token::login_again`], with the call itself left to the kind of token.
pub(crate) fn login_again(
    ledger: &dyn LoginLedger,
    serial: &TokenSerial,
    pin: VerifiedPin,
    call: impl FnOnce(&PinSource) -> Attempt,
) -> Result<(LoggedIn, VerifiedPin), LoginFailed<VerifiedPin>> {
    match with_held(&pin.0, ledger, serial, call) {
        Attempt::Accepted | Attempt::AlreadyIn => Ok((LoggedIn(()), pin)),
        Attempt::Refused(refused) => Err(LoginFailed { refused, pin: None }),
        Attempt::NotTried(refused) => Err(LoginFailed { refused, pin: Some(pin) }),
    }
}

/// A software key needs no login.
pub(crate) fn nothing_to_log_in(pin: Pin) -> (LoggedIn, VerifiedPin) {
    (LoggedIn(()), VerifiedPin::new(pin.source))
}

/// As [`nothing_to_log_in`], the second time.
pub(crate) fn still_nothing_to_log_in(pin: VerifiedPin) -> (LoggedIn, VerifiedPin) {
    (LoggedIn(()), pin)
}

/// The ledger of a process that makes attempts for another one, which keeps the real ledger and has written the
/// attempt there. Remembers what became of it, to be told.
#[derive(Default)]
pub(crate) struct Witness(Mutex<Option<Attempt>>);

impl Witness {
    fn saw(&self, attempt: Attempt) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(attempt);
    }

    /// What became of the attempt; `None` if there was none.
    pub(crate) fn told(&self) -> Option<Attempt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl LoginLedger for Witness {
    fn begin(&self, _: &TokenSerial) -> Result<(), LoginRefused> {
        Ok(())
    }
    fn accepted(&self, _: &TokenSerial) {
        self.saw(Attempt::Accepted);
    }
    fn refused(&self, _: &TokenSerial, why: &str) {
        self.saw(Attempt::Refused(LoginRefused::Unclear(why.to_owned())));
    }
    fn not_tried(&self, _: &TokenSerial) {
        self.saw(Attempt::NotTried(LoginRefused::NoPin));
    }
}

impl ContextLogin {
    /// For one signature, with a PIN that the other process holds.
    pub(crate) fn once(source: PinSource, witness: Arc<Witness>) -> Self {
        Self { pin: Arc::new(Mutex::new(Some(source))), ledger: witness }
    }

    /// One context-specific login, recorded; `call` makes it, and the caller's signature follows.
    pub(crate) fn attempt(&self, serial: &TokenSerial, call: impl FnOnce(&PinSource) -> Attempt) -> Result<(), Fault> {
        match with_held(&self.pin, &*self.ledger, serial, call) {
            Attempt::Accepted | Attempt::AlreadyIn => Ok(()),
            Attempt::NotTried(LoginRefused::Fault(fault)) => Err(fault),
            Attempt::Refused(refused) | Attempt::NotTried(refused) => Err(Fault::LoginRefused(Box::new(refused))),
        }
    }
}

/// An attempt with a PIN that several may hold. The lock is kept meanwhile: attempts with one PIN follow each other,
/// so that the second sees what became of the first.
fn with_held(
    pin: &Mutex<Option<PinSource>>,
    ledger: &dyn LoginLedger,
    serial: &TokenSerial,
    call: impl FnOnce(&PinSource) -> Attempt,
) -> Attempt {
    // A panic while the lock was held leaves open what the token did with the PIN: drop it.
    let mut held = pin.lock().unwrap_or_else(|poisoned: PoisonError<_>| {
        let mut held = poisoned.into_inner();
        *held = None;
        held
    });
    let Some(source) = held.as_ref() else {
        return Attempt::NotTried(LoginRefused::NoPin);
    };
    let attempt = recorded(ledger, serial, || call(source));
    if matches!(attempt, Attempt::Refused(_)) {
        *held = None;
    }
    attempt
}

/// What the token's own flags forbid, before anything is tried. The flags are the token's at this moment, read afresh.
pub(crate) fn permitted(state: &PinState, source: &PinSource, confirmed: bool) -> Result<(), LoginRefused> {
    if state.locked {
        return Err(LoginRefused::Locked);
    }
    if state.must_change {
        return Err(LoginRefused::MustChange);
    }
    if matches!(source, PinSource::Pad) && !state.pad {
        return Err(LoginRefused::NoPad);
    }
    if state.final_try && !confirmed {
        return Err(LoginRefused::FinalTry);
    }
    if state.count_low && !confirmed {
        return Err(LoginRefused::CountLow);
    }
    Ok(())
}

/// The login of the normal user on a token: checks the flags, then calls `C_Login` once.
pub(crate) fn call_login(session: &Session, state: &PinState, source: &PinSource, confirmed: bool) -> Attempt {
    match permitted(state, source, confirmed) {
        Err(refused) => Attempt::NotTried(refused),
        Ok(()) => call(session, UserType::User, source),
    }
}

/// The login for the one signature that `C_SignInit` has begun (PKCS#11 3.2 section 5.6.8, `CKU_CONTEXT_SPECIFIC`).
/// Being "already logged in" is no success here: the signature would be refused.
pub(crate) fn call_context_login(session: &Session, state: &PinState, source: &PinSource) -> Attempt {
    match permitted(state, source, false) {
        Err(refused) => Attempt::NotTried(refused),
        Ok(()) => match call(session, UserType::ContextSpecific, source) {
            Attempt::AlreadyIn => Attempt::Refused(LoginRefused::Unclear("CKR_USER_ALREADY_LOGGED_IN".to_owned())),
            attempt => attempt,
        },
    }
}

/// The one call, and what its answer means for the PIN.
fn call(session: &Session, user: UserType, source: &PinSource) -> Attempt {
    let (pin, typed) = match source {
        PinSource::Typed(pin) => (Some(pin), true),
        PinSource::Pad => (None, false),
    };
    #[allow(clippy::disallowed_methods)] // the one place that may
    let error = match session.login(user, pin) {
        Ok(()) => return Attempt::Accepted,
        Err(error) => error,
    };
    let Error::Pkcs11(code, _) = &error else {
        // The binding failed before it called the token.
        return Attempt::NotTried(Fault::from(error).into());
    };
    match code {
        RvError::UserAlreadyLoggedIn => Attempt::AlreadyIn,
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => Attempt::Refused(LoginRefused::Wrong),
        RvError::PinLocked => Attempt::Refused(LoginRefused::Locked),
        RvError::PinExpired | RvError::PinTooWeak => Attempt::Refused(LoginRefused::MustChange),
        RvError::UserPinNotInitialized => Attempt::NotTried(LoginRefused::NotInitialised),
        RvError::FunctionCanceled | RvError::FunctionRejected | RvError::Cancel if !typed => {
            Attempt::NotTried(LoginRefused::Cancelled)
        }
        // The call cannot have reached the PIN counter: there was no token, no session or no library to take it to.
        RvError::TokenNotPresent
        | RvError::TokenNotRecognized
        | RvError::SlotIdInvalid
        | RvError::SessionClosed
        | RvError::SessionHandleInvalid
        | RvError::CryptokiNotInitialized
        | RvError::ArgumentsBad
        | RvError::UserTypeInvalid
        | RvError::UserAnotherAlreadyLoggedIn
        | RvError::UserTooManyTypes
        | RvError::SessionReadOnlyExists
        | RvError::OperationNotInitialized => Attempt::NotTried(Fault::from(error).into()),
        _ => Attempt::Refused(LoginRefused::Unclear(format!("{code:?}"))),
    }
}
