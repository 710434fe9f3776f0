//! A signer in software: one private key with its certificates, from PKCS#12 or PEM, behind the traits of a token.
//!
//! Needs no login, so it never touches a ledger. The key is parsed once and shared by all sessions. Never printed.

use crate::certificate::Certificate;
use crate::decryption::DecryptionKey;
use crate::fault::Fault;
use crate::found::{FoundKey, KeyIdentity, KeyRef, KeyUses, PinState, TokenInfo};
use crate::key::PrivateKey;
use crate::pin::{self, ContextLogin, LoggedIn, LoginFailed, LoginLedger, Pin, VerifiedPin};
use crate::{Session, Token};
use model::{KeyKind, Secret, SignatureValue, ToBeSigned, TokenSerial, WrappedKey};
use openssl::pkcs12::{ParsedPkcs12_2, Pkcs12};
use openssl::pkey::PKey;
use openssl::provider::Provider;
use openssl::x509::X509;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// Why a file did not become a software signer. Never says a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SoftwareKeyError {
    /// Not a PKCS#12 file, or the password is wrong; PKCS#12 does not tell which.
    #[error("not a PKCS#12 file, or its password is wrong: {0}")]
    Pkcs12(String),
    /// No PEM private key, or the password is wrong or missing.
    #[error("no private key in PEM form, or its password is wrong or missing: {0}")]
    Pem(String),
    /// The PEM certificates cannot be read.
    #[error("the certificates cannot be read: {0}")]
    Certificates(String),
    /// The PKCS#12 file holds no private key.
    #[error("the file holds no private key")]
    NoKey,
    /// No certificate carries the public key of the private key.
    #[error("there is no certificate for the private key")]
    NoCertificate,
    /// The key is of a kind that sealmill does not sign with.
    #[error("the private key is of a kind that is not supported")]
    Unsupported,
}

/// A software signer as a token: always there, no PIN, as many sessions as wanted.
pub struct SoftwareToken {
    serial: TokenSerial,
    key: Arc<PrivateKey>,
    /// `None`: the key can only sign.
    decryption: Option<Arc<DecryptionKey>>,
    found: FoundKey,
}

impl fmt::Debug for SoftwareToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SoftwareToken({}, {})", self.serial, self.found.kind)
    }
}

impl SoftwareToken {
    /// From a PKCS#12 file (RFC 7292): the key, its certificate, and what of the others stands above it. `name` makes
    /// the serial number `soft:<name>`.
    pub fn from_pkcs12(name: &str, bytes: &[u8], password: &SecretString) -> Result<Self, SoftwareKeyError> {
        let parsed = parse_pkcs12(bytes, password.expose_secret())?;
        let key = parsed.pkey.ok_or(SoftwareKeyError::NoKey)?;
        let (decryption, key) = (DecryptionKey::new(&key), PrivateKey::new(key));
        let certificates = parsed.cert.into_iter().chain(parsed.ca.into_iter().flatten()).collect();
        Self::new(name, key, decryption, certificates)
    }

    /// From a private key in PEM form (PKCS#8, PKCS#1 or SEC 1; encrypted or not) and certificates in PEM form, in any
    /// order. An ML-DSA-65 key comes this way only (PKCS#8), because OpenSSL before 3.5 reads no PKCS#12 file with one.
    pub fn from_pem(
        name: &str,
        key: &[u8],
        password: Option<&SecretString>,
        certificates: &[u8],
    ) -> Result<Self, SoftwareKeyError> {
        // An empty password instead of none: with none, openssl would ask on the terminal.
        let password = password.map(|password| password.expose_secret().as_bytes()).unwrap_or_default();
        let (decryption, key) = match PrivateKey::post_quantum(key, password) {
            Some(key) => (None, Some(key)),
            None => {
                let key = PKey::private_key_from_pem_passphrase(key, password);
                let key = key.map_err(|error| SoftwareKeyError::Pem(error.to_string()))?;
                (DecryptionKey::new(&key), PrivateKey::new(key))
            }
        };
        let certificates =
            X509::stack_from_pem(certificates).map_err(|error| SoftwareKeyError::Certificates(error.to_string()))?;
        Self::new(name, key, decryption, certificates)
    }

    fn new(
        name: &str,
        key: Option<(PrivateKey, KeyKind, Vec<u8>)>,
        decryption: Option<DecryptionKey>,
        certificates: Vec<X509>,
    ) -> Result<Self, SoftwareKeyError> {
        let (key, kind, public) = key.ok_or(SoftwareKeyError::Unsupported)?;
        let certificate = certificates
            .iter()
            .filter_map(|x509| Certificate::parse(x509.clone()))
            .find(|certificate| certificate.kind == kind && certificate.public == public)
            .ok_or(SoftwareKeyError::NoCertificate)?;
        let found = FoundKey {
            key: KeyRef::new(KeyIdentity { kind, always_authenticate: false, id: Vec::new(), public }),
            kind,
            uses: KeyUses { sign: true, decrypt: decryption.is_some() },
            always_authenticate: false,
            chain: certificate.chain(&certificates),
            certificate: certificate.der,
            label: name.to_owned(),
            subject: certificate.subject,
        };
        Ok(Self {
            serial: TokenSerial(format!("soft:{name}").into()),
            key: Arc::new(key),
            decryption: decryption.map(Arc::new),
            found,
        })
    }

    /// The one key of this token. Needs no login.
    pub fn signer(&self) -> &FoundKey {
        &self.found
    }
}

/// Old files (Windows, Java before 2021) are encrypted with RC2 or 3DES, which OpenSSL 3 keeps in its legacy provider.
fn parse_pkcs12(bytes: &[u8], password: &str) -> Result<ParsedPkcs12_2, SoftwareKeyError> {
    static LEGACY: OnceLock<Option<Provider>> = OnceLock::new();
    let parse = || Pkcs12::from_der(bytes).and_then(|file| file.parse2(password));
    parse()
        .or_else(|first| {
            let unsupported = first.errors().iter().any(|error| error.reason() == Some("unsupported"));
            let legacy = unsupported && LEGACY.get_or_init(|| Provider::try_load(None, "legacy", true).ok()).is_some();
            if legacy { parse() } else { Err(first) }
        })
        .map_err(|error| SoftwareKeyError::Pkcs12(error.to_string()))
}

impl Token for SoftwareToken {
    fn serial(&self) -> &TokenSerial {
        &self.serial
    }

    fn present(&self) -> Result<TokenInfo, Fault> {
        Ok(TokenInfo {
            serial: self.serial.clone(),
            label: self.found.label.clone(),
            manufacturer: "sealmill".to_owned(),
            model: "software".to_owned(),
            pin: PinState::default(),
            sessions_max: None,
        })
    }

    fn login(&self, _: &dyn LoginLedger, pin: Pin) -> Result<(LoggedIn, VerifiedPin), LoginFailed<Pin>> {
        Ok(pin::nothing_to_log_in(pin))
    }

    fn login_again(
        &self,
        _: &dyn LoginLedger,
        pin: VerifiedPin,
    ) -> Result<(LoggedIn, VerifiedPin), LoginFailed<VerifiedPin>> {
        Ok(pin::still_nothing_to_log_in(pin))
    }

    fn keys(&self, _: &LoggedIn) -> Result<Vec<FoundKey>, Fault> {
        Ok(vec![self.found.clone()])
    }

    fn open_session(&self) -> Result<Box<dyn Session>, Fault> {
        Ok(Box::new(SoftwareSession {
            reference: self.found.key.clone(),
            key: Arc::clone(&self.key),
            decryption: self.decryption.clone(),
        }))
    }

    fn reset(&self) {}

    fn isolated(&self) -> bool {
        false
    }
}

struct SoftwareSession {
    reference: KeyRef,
    key: Arc<PrivateKey>,
    decryption: Option<Arc<DecryptionKey>>,
}

impl Session for SoftwareSession {
    fn sign(&mut self, key: &KeyRef, to_be_signed: &ToBeSigned) -> Result<SignatureValue, Fault> {
        if *key != self.reference {
            return Err(Fault::Request("the key is not on this token".to_owned()));
        }
        key.check(to_be_signed)?;
        self.key.sign(to_be_signed)
    }

    fn decrypt(&mut self, key: &KeyRef, wrapped: &WrappedKey) -> Result<Secret, Fault> {
        match &self.decryption {
            Some(decryption) if *key == self.reference => {
                key.check_wrapped(wrapped)?;
                decryption.open(wrapped)
            }
            _ => Err(Fault::Request("no key for decryption is on this token".to_owned())),
        }
    }

    fn authenticate_with(&mut self, _: ContextLogin) {}
}
