//! What the tests of all three kinds of token share: a ledger in memory, verification by openssl, requests to sign.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test binary uses its part

use model::{Digest, DigestAlgorithm, KeyKind, Scheme, SignatureAlgorithm, SignatureValue, ToBeSigned, TokenSerial};
use openssl::md::Md;
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::RsaPssSaltlen;
use openssl::x509::X509;
use std::collections::HashMap;
use std::sync::Mutex;
use token::{LoginLedger, LoginRefused, Pin};

pub const DIGESTS: [DigestAlgorithm; 3] = [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512];

/// The ledger of the store, in memory: `attempting` and `blocked: …` refuse.
#[derive(Default)]
pub struct Ledger {
    rows: Mutex<HashMap<TokenSerial, String>>,
    begun: Mutex<u32>,
}

impl Ledger {
    /// What the row says; "free" if there is none.
    pub fn row(&self, serial: &TokenSerial) -> String {
        self.rows.lock().unwrap().get(serial).cloned().unwrap_or_else(|| "free".to_owned())
    }

    /// An operator has acted.
    pub fn clear(&self, serial: &TokenSerial) {
        self.rows.lock().unwrap().remove(serial);
    }

    /// Attempts that were recorded so far.
    pub fn begun(&self) -> u32 {
        *self.begun.lock().unwrap()
    }
}

impl LoginLedger for Ledger {
    fn begin(&self, serial: &TokenSerial) -> Result<(), LoginRefused> {
        let mut rows = self.rows.lock().unwrap();
        if let Some(row) = rows.get(serial) {
            return Err(LoginRefused::Ledger(row.clone()));
        }
        rows.insert(serial.clone(), "attempting".to_owned());
        *self.begun.lock().unwrap() += 1;
        Ok(())
    }
    fn accepted(&self, serial: &TokenSerial) {
        self.clear(serial);
    }
    fn refused(&self, serial: &TokenSerial, why: &str) {
        self.rows.lock().unwrap().insert(serial.clone(), format!("blocked: {why}"));
    }
    fn not_tried(&self, serial: &TokenSerial) {
        self.clear(serial);
    }
}

pub fn pin(text: &str) -> Pin {
    Pin::typed(text.to_owned().into())
}

pub fn serial(text: &str) -> TokenSerial {
    TokenSerial(text.into())
}

/// Something to sign that differs for each `seed`.
pub fn request(kind: KeyKind, digest: DigestAlgorithm, pss: bool, seed: u8) -> ToBeSigned {
    let algorithm = SignatureAlgorithm::for_key(kind, digest, pss);
    match kind {
        KeyKind::Ed25519 => ToBeSigned::Message { algorithm, message: vec![seed; 150] },
        _ => ToBeSigned::Digest { algorithm, digest: Digest::new(digest, &vec![seed ^ 0xA5; digest.len()]).unwrap() },
    }
}

/// Judged by openssl with the key of the certificate.
pub fn verifies(certificate: &[u8], to_be_signed: &ToBeSigned, value: &SignatureValue) -> bool {
    let key = X509::from_der(certificate).unwrap().public_key().unwrap();
    if let ToBeSigned::Message { message, .. } = to_be_signed {
        let mut verifier = openssl::sign::Verifier::new_without_digest(&key).unwrap();
        return verifier.verify_oneshot(&value.0, message).unwrap_or(false);
    }
    let algorithm = to_be_signed.algorithm();
    let mut context = PkeyCtx::new(&key).unwrap();
    context.verify_init().unwrap();
    if algorithm.scheme != Scheme::Ecdsa {
        let pss = algorithm.scheme == Scheme::RsaPss;
        context.set_rsa_padding(if pss { Padding::PKCS1_PSS } else { Padding::PKCS1 }).unwrap();
        context
            .set_signature_md(match algorithm.digest {
                DigestAlgorithm::Sha256 => Md::sha256(),
                DigestAlgorithm::Sha384 => Md::sha384(),
                DigestAlgorithm::Sha512 => Md::sha512(),
            })
            .unwrap();
        if pss {
            context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).unwrap();
        }
    }
    context.verify(to_be_signed.as_bytes(), &value.0).unwrap_or(false)
}

/// Every digest, PKCS#1 and PSS: signs and verifies.
pub fn signs_everything(session: &mut dyn token::Session, found: &token::FoundKey) {
    for digest in DIGESTS {
        for pss in [false, true] {
            let to_be_signed = request(found.kind, digest, pss, 7);
            let value =
                session.sign(&found.key, &to_be_signed).unwrap_or_else(|e| panic!("{} {digest}: {e}", found.kind));
            assert!(verifies(&found.certificate, &to_be_signed, &value), "{} {digest} pss {pss}", found.kind);
        }
    }
}

/// Puts a signer on a SoftHSM token whose private key has `CKA_ALWAYS_AUTHENTICATE`.
pub fn import_always_authenticate(
    hsm: &testkit::softhsm::SoftHsm,
    token: &testkit::softhsm::Token,
    signer: &testkit::pki::Identity,
) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: Vec<u8>| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let module = hsm.module().to_string_lossy().into_owned();
    let login = ["--module", &module, "--token-label", token.label(), "--login", "--pin", token.pin()];
    let key = file("key.der", signer.key_pkcs8_der().unwrap());
    let certificate = file("certificate.der", signer.certificate_der());
    for (path, what) in [(&key, &["--type", "privkey", "--always-auth"][..]), (&certificate, &["--type", "cert"][..])] {
        let mut command = std::process::Command::new("pkcs11-tool");
        command.args(login).args(["--write-object", path, "--id", "a1"]).args(what).envs(hsm.environment());
        testkit::tools::ok("pkcs11-tool", &mut command).unwrap();
    }
}

/// Waits for what another process does and cannot announce.
#[allow(clippy::disallowed_methods)]
pub fn pause(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}
