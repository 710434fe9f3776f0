//! What a token tells about itself and its keys. Plain values; nothing here talks to a token.

use crate::fault::Fault;
use model::limits::{OAEP_LABEL_BYTES_MAX, WRAPPED_KEY_BYTES_MAX};
use model::{KeyKind, ToBeSigned, TokenSerial, WrappedKey};
use std::fmt;
use std::sync::Arc;

/// What `C_GetTokenInfo` said (PKCS#11 3.2 section 3.3), in our words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// Serial number.
    pub serial: TokenSerial,
    /// Label, for people.
    pub label: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// Model.
    pub model: String,
    /// State of the user PIN.
    pub pin: PinState,
    /// How many sessions this process may have open; `None` if the token sets no limit or does not tell.
    pub sessions_max: Option<u64>,
}

/// The PIN flags of a token. A token that does not know may report any of them as false: absence proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PinState {
    /// Private keys need a login.
    pub login_required: bool,
    /// A user PIN has been set.
    pub initialised: bool,
    /// The PIN is typed on the reader (protected authentication path).
    pub pad: bool,
    /// At least one wrong PIN since the last right one.
    pub count_low: bool,
    /// One more wrong PIN locks.
    pub final_try: bool,
    /// Locked.
    pub locked: bool,
    /// The PIN must be changed first.
    pub must_change: bool,
}

/// Names one private key on one token, in every session of it and after a re-insertion. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyRef(pub(crate) Arc<KeyIdentity>);

impl fmt::Debug for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyRef({}, id {:02x?})", self.0.kind, self.0.id)
    }
}

/// What a key is found again by.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct KeyIdentity {
    pub(crate) kind: KeyKind,
    pub(crate) always_authenticate: bool,
    /// `CKA_ID` of the private key; may be empty.
    pub(crate) id: Vec<u8>,
    /// What tells the public key: the modulus (RSA, without leading zeros), the point (EC) or the 32 bytes (Ed25519).
    pub(crate) public: Vec<u8>,
}

impl KeyRef {
    /// The kind of key.
    pub fn kind(&self) -> KeyKind {
        self.0.kind
    }

    /// Whether each signature needs a login of its own (`CKA_ALWAYS_AUTHENTICATE`).
    pub fn always_authenticate(&self) -> bool {
        self.0.always_authenticate
    }
}

/// What a private key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUses {
    /// Signing.
    pub sign: bool,
    /// Opening what was encrypted for it, be it by decryption (RSA) or key agreement (EC).
    pub decrypt: bool,
}

/// A certificate and the private key that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundKey {
    /// The private key.
    pub key: KeyRef,
    /// The kind of key.
    pub kind: KeyKind,
    /// What it may be used for.
    pub uses: KeyUses,
    /// Each signature needs a login of its own.
    pub always_authenticate: bool,
    /// The certificate, DER.
    pub certificate: Arc<[u8]>,
    /// Certificates above it that the token also holds, DER, in path order; may be empty.
    pub chain: Vec<Arc<[u8]>>,
    /// Label of the certificate on the token, for people.
    pub label: String,
    /// Subject common name of the certificate, for people.
    pub subject: String,
}

/// Longest message that a key is asked to sign, in bytes. Messages are CMS SignedAttributes (Ed25519 and ML-DSA only).
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024;

/// Longest content key that a key is asked to open, in bytes.
const CONTENT_KEY_BYTES_MAX: usize = 64;

impl KeyRef {
    pub(crate) fn new(identity: KeyIdentity) -> Self {
        Self(Arc::new(identity))
    }

    /// Checks that this key can sign this at all, so that every kind of token refuses the same requests.
    pub(crate) fn check(&self, to_be_signed: &ToBeSigned) -> Result<(), Fault> {
        let algorithm = to_be_signed.algorithm();
        let form_fits = match to_be_signed {
            ToBeSigned::Digest { digest, .. } => {
                !algorithm.scheme.signs_message() && digest.algorithm() == algorithm.digest
            }
            ToBeSigned::Message { message, .. } => {
                algorithm.scheme.signs_message() && message.len() <= MESSAGE_BYTES_MAX
            }
        };
        if form_fits && algorithm.fits(self.kind()) {
            Ok(())
        } else {
            Err(Fault::Request(format!("a {} key does not sign this with {algorithm}", self.kind())))
        }
    }
    /// Checks that this key can open this at all, so that every kind of token refuses the same requests.
    pub(crate) fn check_wrapped(&self, wrapped: &WrappedKey) -> Result<(), Fault> {
        let fits = match (wrapped, self.kind()) {
            (WrappedKey::RsaPkcs1 { length, .. }, KeyKind::Rsa { .. }) => (1..=CONTENT_KEY_BYTES_MAX).contains(length),
            (WrappedKey::RsaOaep { padding, .. }, KeyKind::Rsa { .. }) => padding.label.len() <= OAEP_LABEL_BYTES_MAX,
            (WrappedKey::Ecdh { .. }, KeyKind::Ec(_)) => true,
            _ => false,
        };
        if fits && wrapped.as_bytes().len() <= WRAPPED_KEY_BYTES_MAX {
            Ok(())
        } else {
            Err(Fault::Request(format!("a {} key does not open this", self.kind())))
        }
    }
}
