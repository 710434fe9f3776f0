//! The key that everybody in one run signs with: the server, the limit, the peer. In software or on a SoftHSM token.

use crate::limit::{cores, on_threads};
use crate::{Directory, report};
use anyhow::{Context, Result, anyhow};
use formats::cms::certificate::Certificate;
use formats::crypto::{self, PublicKey};
use model::{DigestAlgorithm, SignatureAlgorithm, ToBeSigned, TokenSerial};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use testkit::pki::Pki;
use testkit::softhsm::SoftHsm;
use token::{KeyRef, LoginLedger, LoginRefused, Module, Pin, Pkcs11Token, Session, SoftwareToken, Token};

/// Password of the PKCS#12 file; guards nothing, the key lives as long as the run.
pub(crate) const PASSWORD: &str = "loadtest";

/// A SoftHSM token, as the outer process describes it to the inner one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hardware {
    pub(crate) serial: String,
    pub(crate) pin: String,
    pub(crate) module: PathBuf,
    pkcs12: Vec<u8>,
}

/// The key, ready to sign.
pub(crate) struct SigningKey {
    token: Box<dyn Token>,
    key: KeyRef,
    certificate: Vec<u8>,
    algorithm: SignatureAlgorithm,
    pkcs12: Vec<u8>,
    hardware: Option<Hardware>,
}

impl SigningKey {
    /// A new software key, or the one on the token that `--token-file` describes.
    pub(crate) fn make(arguments: &Directory) -> Result<Self> {
        let Some(file) = &arguments.token_file else { return Self::software(arguments.key.kind()) };
        let hardware: Hardware = serde_json::from_slice(&std::fs::read(file)?)?;
        let token = Pkcs11Token::new(Module::load(&hardware.module)?, TokenSerial(hardware.serial.as_str().into()));
        let pin = Pin::typed(SecretString::from(hardware.pin.clone()));
        let (proof, _) = token.login(&NewToken, pin).map_err(|failed| anyhow!("log in: {}", failed.refused))?;
        let found = token.signers(&proof)?.into_iter().next().context("the token holds no signer")?;
        Ok(Self::new(Box::new(token), found, hardware.pkcs12.clone(), Some(hardware)))
    }

    /// A new software key.
    pub(crate) fn software(kind: testkit::pki::KeyKind) -> Result<Self> {
        let pkcs12 = Pki::new()?.signer(kind)?.pkcs12(PASSWORD)?;
        let token = SoftwareToken::from_pkcs12("load", &pkcs12, &PASSWORD.to_owned().into())?;
        let found = token.signer().clone();
        Ok(Self::new(Box::new(token), found, pkcs12, None))
    }

    fn new(token: Box<dyn Token>, found: token::FoundKey, pkcs12: Vec<u8>, hardware: Option<Hardware>) -> Self {
        let algorithm = SignatureAlgorithm::for_key(found.kind, DigestAlgorithm::Sha256, false);
        Self { token, key: found.key, certificate: found.certificate.to_vec(), algorithm, pkcs12, hardware }
    }

    /// One line to the key for one thread.
    pub(crate) fn session(&self) -> Result<Box<dyn Session>> {
        Ok(self.token.open_session()?)
    }

    pub(crate) fn key(&self) -> &KeyRef {
        &self.key
    }

    /// What checks its signatures.
    pub(crate) fn public_key(&self) -> Result<PublicKey> {
        let certificate = Certificate::parse(&self.certificate).map_err(|error| anyhow!("certificate: {error}"))?;
        Ok(PublicKey::new(self.key.kind(), certificate.public_key.bits, self.algorithm)?)
    }

    /// What signing these bytes hands to the token. One pass over them.
    pub(crate) fn to_be_signed(&self, bytes: &[u8]) -> ToBeSigned {
        let (algorithm, digest) = (self.algorithm, crypto::digest(self.algorithm.digest, bytes));
        match algorithm.scheme {
            scheme if scheme.signs_message() => ToBeSigned::Message { algorithm, message: digest.as_bytes().to_vec() },
            _ => ToBeSigned::Digest { algorithm, digest },
        }
    }

    pub(crate) fn pkcs12(&self) -> &[u8] {
        &self.pkcs12
    }

    pub(crate) fn hardware(&self) -> Option<&Hardware> {
        self.hardware.as_ref()
    }
}

/// Signatures per second of the key alone, by the number of sessions: for software keys with all cores busy, for a
/// token with 1, 2 and 4 sessions.
pub(crate) fn raw_rates(key: &SigningKey) -> Result<Vec<report::RawRate>> {
    let sessions = if key.hardware.is_some() { vec![1, 2, 4] } else { vec![cores()] };
    sessions.into_iter().map(|sessions| raw_rate(key, sessions)).collect()
}

fn raw_rate(key: &SigningKey, sessions: usize) -> Result<report::RawRate> {
    let (stop, signed) = (AtomicBool::new(false), AtomicU64::new(0));
    let to_be_signed = key.to_be_signed(b"loadtest");
    let started = Instant::now();
    on_threads(sessions, |_| {
        let mut session = key.session()?;
        while !stop.load(Ordering::Relaxed) {
            session.sign(key.key(), &to_be_signed)?;
            signed.fetch_add(1, Ordering::Relaxed);
            if started.elapsed() > RAW_PERIOD {
                stop.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    })?;
    Ok(report::RawRate {
        sessions,
        per_second: signed.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64(),
    })
}

const RAW_PERIOD: Duration = Duration::from_secs(2);

/// Makes a SoftHSM token and runs this same program with it: a process finds SoftHSM's tokens by its environment only.
pub(crate) fn with_softhsm(arguments: &Directory) -> Result<String> {
    let signer = Pki::new()?.signer(arguments.key.kind())?;
    let (hsm, token) = SoftHsm::with_token("loadtest", &[&signer])?;
    let hardware = Hardware {
        serial: token.serial().to_owned(),
        pin: token.pin().to_owned(),
        module: hsm.module().to_owned(),
        pkcs12: signer.pkcs12(PASSWORD)?,
    };
    let file = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&file, &hardware)?;
    let mut inner = std::process::Command::new(std::env::current_exe()?);
    inner.args(std::env::args_os().skip(1)).arg("--token-file").arg(file.path()).envs(hsm.environment());
    testkit::tools::ok("loadtest", &mut inner)
}

/// The token is new and its PIN is known to be right: no attempt can do harm.
struct NewToken;

impl LoginLedger for NewToken {
    fn begin(&self, _: &TokenSerial) -> Result<(), LoginRefused> {
        Ok(())
    }
    fn accepted(&self, _: &TokenSerial) {}
    fn refused(&self, _: &TokenSerial, _: &str) {}
    fn not_tried(&self, _: &TokenSerial) {}
}
