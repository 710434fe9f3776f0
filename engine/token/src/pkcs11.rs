//! A token behind a module in this process (`isolation = "none"`): fast, but a crash of the module is ours, and a hang
//! costs a thread. The child process of an isolated module runs this same code.

use crate::fault::Fault;
use crate::found::{FoundKey, TokenInfo};
use crate::module::{Module, OpenSession};
use crate::pin::{self, Attempt, LoggedIn, LoginFailed, LoginLedger, LoginRefused, Pin, PinSource, VerifiedPin};
use crate::session::{self, Pkcs11Session};
use crate::{Session, Token, slot};
use cryptoki::slot::Slot;
use model::TokenSerial;
use std::fmt;
use std::sync::{Mutex, PoisonError, TryLockError};

/// One token of a module in this process.
pub struct Pkcs11Token {
    module: Module,
    serial: TokenSerial,
    /// The session that was logged in. Kept open, because a token logs out with its last session.
    anchor: Mutex<Option<OpenSession>>,
}

impl Pkcs11Token {
    /// The token with this serial number; it need not be there yet.
    pub fn new(module: Module, serial: TokenSerial) -> Self {
        Self { module, serial, anchor: Mutex::new(None) }
    }

    fn find(&self) -> Result<(Slot, TokenInfo), Fault> {
        slot::find(&self.module, &self.serial)
    }

    /// One login, on a session that stays open if it succeeds. `verified`: the token has accepted this PIN before.
    pub(crate) fn attempt(&self, source: &PinSource, confirmed: bool, verified: bool) -> Attempt {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = self.find().and_then(|(slot, info)| Ok((self.module.open(slot)?, info)));
        let (open, info) = match opened {
            Ok(opened) => opened,
            Err(fault) => return Attempt::NotTried(fault.into()),
        };
        let attempt = match open.get() {
            Ok(session) => pin::call_login(session, &info.pin, source, confirmed),
            Err(fault) => Attempt::NotTried(fault.into()),
        };
        match attempt {
            Attempt::Accepted | Attempt::AlreadyIn => {
                *anchor = Some(open);
                attempt
            }
            // The token vanished during the call. The PIN is a right one, so nothing was counted against it.
            Attempt::Refused(LoginRefused::Unclear(_)) if verified && self.find().is_err() => {
                Attempt::NotTried(Fault::Absent.into())
            }
            attempt => attempt,
        }
    }

    /// [`Token::keys`], for those who have seen the login succeed elsewhere.
    pub(crate) fn found_keys(&self) -> Result<Vec<FoundKey>, Fault> {
        let anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        match &*anchor {
            Some(open) => session::found_keys(open.get()?),
            None => Err(Fault::SessionLost("the token is not logged in (any more)".to_owned())),
        }
    }
}

impl fmt::Debug for Pkcs11Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pkcs11Token({})", self.serial)
    }
}

impl Token for Pkcs11Token {
    fn serial(&self) -> &TokenSerial {
        &self.serial
    }

    fn present(&self) -> Result<TokenInfo, Fault> {
        let found = self.find();
        if !matches!(found, Err(Fault::Absent | Fault::SessionLost(_))) {
            return found.map(|(_, info)| info);
        }
        // Gone, and so is its login: let go of the anchor, which would keep the module from being started anew. A login
        // under way keeps it instead of us waiting for it.
        match self.anchor.try_lock() {
            Ok(mut anchor) => *anchor = None,
            Err(TryLockError::Poisoned(poisoned)) => *poisoned.into_inner() = None,
            Err(TryLockError::WouldBlock) => return Err(Fault::Absent),
        }
        if !self.module.refresh() {
            return Err(Fault::Absent);
        }
        self.find().map(|(_, info)| info)
    }

    fn login(&self, ledger: &dyn LoginLedger, pin: Pin) -> Result<(LoggedIn, VerifiedPin), LoginFailed<Pin>> {
        let confirmed = pin.confirmed;
        pin::login(ledger, &self.serial, pin, |source| self.attempt(source, confirmed, false))
    }

    fn login_again(
        &self,
        ledger: &dyn LoginLedger,
        pin: VerifiedPin,
    ) -> Result<(LoggedIn, VerifiedPin), LoginFailed<VerifiedPin>> {
        pin::login_again(ledger, &self.serial, pin, |source| self.attempt(source, false, true))
    }

    fn keys(&self, _: &LoggedIn) -> Result<Vec<FoundKey>, Fault> {
        self.found_keys()
    }

    fn open_session(&self) -> Result<Box<dyn Session>, Fault> {
        let (slot, _) = self.find()?;
        Ok(Box::new(Pkcs11Session::new(self.module.open(slot)?, slot, self.serial.clone())))
    }

    fn reset(&self) {}

    fn isolated(&self) -> bool {
        false
    }
}
