//! Blocking signers: keys in software and keys on PKCS#11 tokens, behind the same two traits. They sign, and they open
//! what was encrypted for them.
//!
//! A [`Token`] is one card, HSM partition or software key file, known by its serial number; a [`Session`] is one line
//! to it, owned by one thread. Three tokens exist: [`SoftwareToken`], [`Pkcs11Token`] (the vendor's module in this
//! process) and [`HostedToken`] (the module in a child process that may crash or hang). They behave the same.
//!
//! Every call blocks for as long as the token likes. The crate has no clock and decides nothing about retries, queues
//! or alarms; that is the actors' work. It never logs a PIN, and only `pin.rs` calls `C_Login`. `unsafe` is allowed in
//! `raw.rs` only.
//!
//! Where things are: `pin.rs` PINs and the ledger of attempts · `fault.rs` what went wrong, and the one table of
//! `CKR` codes · `found.rs` what a token tells about itself and its keys · `key.rs` private keys in software and the
//! choice of library · `decryption.rs` content keys · `certificate.rs` the public halves · `software.rs` · `module.rs`, `slot.rs`, `session.rs`,
//! `raw.rs`, `pkcs11.rs` the module in this process · `wire.rs`, `host.rs`, `hosted.rs` the module in another.

#![deny(unsafe_code)]
#![warn(missing_docs)]

mod certificate;
mod decryption;
pub mod fault;
pub mod found;
mod host;
mod hosted;
mod key;
mod module;
pub mod pin;
mod pkcs11;
mod post_quantum;
mod raw;
mod session;
mod slot;
pub mod software;
mod wire;

pub use fault::Fault;
pub use found::{FoundKey, KeyRef, KeyUses, PinState, TokenInfo};
pub use host::run_host;
pub use hosted::{Host, HostCommand, HostedToken};
pub use module::Module;
pub use pin::{ContextLogin, LoggedIn, LoginFailed, LoginLedger, LoginRefused, Pin, VerifiedPin};
pub use pkcs11::Pkcs11Token;
pub use slot::{CertificateListing, SlotListing, TokenListing, list_slots};
pub use software::{SoftwareKeyError, SoftwareToken};

use model::{Secret, SignatureValue, ToBeSigned, TokenSerial, WrappedKey};

/// One token, known by its serial number.
pub trait Token: Send + Sync {
    /// Its serial number.
    fn serial(&self) -> &TokenSerial;

    /// Asks whether the token is there and what state its PIN is in. Never logs in. [`Fault::Absent`] if it is not
    /// there; a module that caches its slots is asked again from scratch where that disturbs nobody.
    fn present(&self) -> Result<TokenInfo, Fault>;

    /// Logs in with a PIN that nobody has tried yet: at most one `C_Login`, recorded in `ledger` before it is made.
    /// The PIN comes back only if it was not tried.
    fn login(&self, ledger: &dyn LoginLedger, pin: Pin) -> Result<(LoggedIn, VerifiedPin), LoginFailed<Pin>>;

    /// Logs in again, after a session was lost, with a PIN that this token has accepted. At most one `C_Login`,
    /// recorded in `ledger` before it is made. The PIN comes back only if it was not tried.
    fn login_again(
        &self,
        ledger: &dyn LoginLedger,
        pin: VerifiedPin,
    ) -> Result<(LoggedIn, VerifiedPin), LoginFailed<VerifiedPin>>;

    /// The certificates whose private key is on the token, matched by public key, not by label; whatever the key is for.
    fn keys(&self, proof: &LoggedIn) -> Result<Vec<FoundKey>, Fault>;

    /// Those of [`Token::keys`] that may sign.
    fn signers(&self, proof: &LoggedIn) -> Result<Vec<FoundKey>, Fault> {
        Ok(self.keys(proof)?.into_iter().filter(|found| found.uses.sign).collect())
    }

    /// A further session. The token must be logged in before the session signs.
    fn open_session(&self) -> Result<Box<dyn Session>, Fault>;

    /// After a call that does not return: ends the child process that it hangs in, so that the call returns
    /// [`Fault::HostGone`]; the next call starts another child. Does nothing for tokens that are not isolated, because
    /// a thread inside C cannot be ended.
    fn reset(&self);

    /// Whether a hang or crash of the token's module can be answered by [`Token::reset`].
    fn isolated(&self) -> bool;
}

/// One line to a token. Owned by one thread at a time.
pub trait Session: Send {
    /// Signs. Blocks for as long as the token likes. The value is in the form that [`SignatureValue`] promises,
    /// whatever the token answers.
    fn sign(&mut self, key: &KeyRef, to_be_signed: &ToBeSigned) -> Result<SignatureValue, Fault>;

    /// Opens a content key that was encrypted for the key, or gives the shared secret of a key agreement with it. Blocks
    /// for as long as the token likes. A wrong PKCS#1 v1.5 padding is not told from a right one (see [`WrappedKey`]);
    /// everything else that the key does not open is [`Fault::Request`].
    fn decrypt(&mut self, key: &KeyRef, wrapped: &WrappedKey) -> Result<Secret, Fault>;

    /// Hands over what keys with `CKA_ALWAYS_AUTHENTICATE` need: each operation with such a key is a login, recorded
    /// like every other. Without it such keys answer [`Fault::Request`]. Other keys ignore it.
    fn authenticate_with(&mut self, login: ContextLogin);
}
