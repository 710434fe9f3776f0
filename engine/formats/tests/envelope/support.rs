//! The token's part (private keys, with the openssl crate), the openssl program as sender and as recipient, and the way
//! of a document through an envelope.

use formats::envelope::{Envelope, Opened, Recipients};
use formats::{FormatError, Source};
use model::profile::{ContentCipher, EncryptionOptions, RsaKeyTransport};
use model::{Secret, Sha, Time, WrappedKey};
use openssl::bn::BigNumContext;
use openssl::derive::Deriver;
use openssl::ec::{EcKey, EcPoint};
use openssl::encrypt::Decrypter;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Padding;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use testkit::pki::{Identity, KeyKind, Pki};
use testkit::tools;

/// Everybody that can be encrypted for.
pub const KINDS: [KeyKind; 7] = [
    KeyKind::Rsa2048,
    KeyKind::Rsa3072,
    KeyKind::P256,
    KeyKind::P384,
    KeyKind::P521,
    KeyKind::BrainpoolP256r1,
    KeyKind::BrainpoolP384r1,
];

pub const CIPHERS: [ContentCipher; 4] =
    [ContentCipher::Aes128Cbc, ContentCipher::Aes256Cbc, ContentCipher::Aes128Gcm, ContentCipher::Aes256Gcm];

pub fn is_gcm(cipher: ContentCipher) -> bool {
    matches!(cipher, ContentCipher::Aes128Gcm | ContentCipher::Aes256Gcm)
}

#[allow(clippy::disallowed_methods)] // certificates made now are not valid at an invented time
pub fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time::from_seconds(i64::try_from(since.as_secs()).unwrap())
}

/// A certificate and its private key.
#[derive(Clone)]
pub struct Recipient {
    pub name: String,
    pub certificate: Vec<u8>,
    pub key: PKey<Private>,
}

impl Recipient {
    pub fn of(kind: KeyKind) -> Self {
        Self::from(&Pki::shared().recipient(kind).unwrap(), kind.name())
    }

    pub fn from(identity: &Identity, name: &str) -> Self {
        Self { name: name.to_owned(), certificate: identity.certificate_der(), key: identity.key().clone() }
    }
}

pub fn options(recipients: &[Recipient], cipher: ContentCipher, rsa: RsaKeyTransport) -> EncryptionOptions {
    let recipients = recipients.iter().map(|recipient| Arc::from(recipient.certificate.as_slice())).collect();
    EncryptionOptions { recipients, cipher, rsa }
}

/// Encrypts in pieces of this length.
pub fn encrypt_in(options: &EncryptionOptions, plain: &[u8], piece: usize) -> Result<Vec<u8>, FormatError> {
    let mut encryptor = Recipients::new(options)?.begin(plain.len() as u64, now())?;
    let expected = encryptor.total();
    let (mut all, mut out) = (Vec::new(), Vec::new());
    for piece in plain.chunks(piece) {
        encryptor.update(piece, &mut out)?;
        all.extend_from_slice(&out);
    }
    encryptor.finish(&mut out)?;
    all.extend_from_slice(&out);
    assert_eq!(all.len() as u64, expected, "the length is known before");
    Ok(all)
}

pub fn encrypt(options: &EncryptionOptions, plain: &[u8]) -> Vec<u8> {
    encrypt_in(options, plain, 100_000).unwrap()
}

/// What a token does.
pub fn unwrap(key: &PKey<Private>, wrapped: &WrappedKey) -> Option<Secret> {
    let decrypted = |decrypter: Decrypter<'_>, encrypted: &[u8]| {
        let mut plain = vec![0; decrypter.decrypt_len(encrypted).ok()?];
        let length = decrypter.decrypt(encrypted, &mut plain).ok()?;
        plain.truncate(length);
        Some(Secret::new(plain))
    };
    match wrapped {
        WrappedKey::RsaPkcs1 { encrypted, length } => {
            let mut decrypter = Decrypter::new(key).unwrap();
            decrypter.set_rsa_padding(Padding::PKCS1).unwrap();
            let secret = decrypted(decrypter, encrypted).filter(|secret| secret.expose().len() == *length);
            Some(secret.unwrap_or_else(|| Secret::new(vec![0x5a; *length])))
        }
        WrappedKey::RsaOaep { encrypted, padding } => {
            let mut decrypter = Decrypter::new(key).unwrap();
            decrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            decrypter.set_rsa_oaep_md(digest(padding.hash)).unwrap();
            decrypter.set_rsa_mgf1_md(digest(padding.mask)).unwrap();
            if !padding.label.is_empty() {
                decrypter.set_rsa_oaep_label(&padding.label).unwrap();
            }
            decrypted(decrypter, encrypted)
        }
        WrappedKey::Ecdh { point } => {
            let ours = key.ec_key().ok()?;
            let mut context = BigNumContext::new().unwrap();
            let point = EcPoint::from_bytes(ours.group(), point, &mut context).ok()?;
            let peer = PKey::from_ec_key(EcKey::from_public_key(ours.group(), &point).ok()?).unwrap();
            let mut deriver = Deriver::new(key).unwrap();
            deriver.set_peer(&peer).ok()?;
            Some(Secret::new(deriver.derive_to_vec().ok()?))
        }
    }
}

fn digest(sha: Sha) -> MessageDigest {
    match sha {
        Sha::Sha1 => MessageDigest::sha1(),
        Sha::Sha224 => MessageDigest::sha224(),
        Sha::Sha256 => MessageDigest::sha256(),
        Sha::Sha384 => MessageDigest::sha384(),
        Sha::Sha512 => MessageDigest::sha512(),
    }
}

/// Decrypts; the plaintext only together with its proof.
pub fn decrypt(message: &[u8], recipient: &Recipient) -> Result<(Vec<u8>, Opened), String> {
    let source: &dyn Source = &message;
    let envelope = Envelope::read(source).map_err(|error| error.to_string())?;
    let arrival = envelope.for_certificate(&recipient.certificate).next().ok_or("not for this certificate")?;
    let wrapped = arrival.wrapped().map_err(|error| error.to_string())?;
    let secret = unwrap(&recipient.key, wrapped).ok_or("the token does not open the key")?;
    let mut opening = envelope.open(source, arrival, &secret).map_err(|error| error.to_string())?;
    let mut plain = Vec::new();
    while let Some(piece) = opening.piece().map_err(|error| error.to_string())? {
        plain.extend_from_slice(piece);
    }
    let (last, opened) = opening.finish().map_err(|error| error.to_string())?;
    plain.extend_from_slice(&last);
    assert_eq!(opened.length, plain.len() as u64);
    Ok((plain, opened))
}

/// A folder for the files that the openssl program reads and writes.
pub struct Desk(pub tempfile::TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn certificate(&self, recipient: &Recipient) -> PathBuf {
        let pem = openssl::x509::X509::from_der(&recipient.certificate).unwrap().to_pem().unwrap();
        self.file(&format!("{}.pem", recipient.name), &pem)
    }

    /// `openssl cms -decrypt`.
    pub fn opened_by_openssl(&self, message: &[u8], recipient: &Recipient) -> Vec<u8> {
        let (input, output) = (self.file("in.p7m", message), self.0.path().join("out"));
        let key = self.file("key.pem", &recipient.key.private_key_to_pem_pkcs8().unwrap());
        let certificate = self.certificate(recipient);
        let mut arguments: Vec<&str> = vec!["cms", "-decrypt", "-binary", "-inform", "DER"];
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let (input, output_text, key, certificate) = (text(&input), text(&output), text(&key), text(&certificate));
        arguments.extend(["-in", &input, "-out", &output_text, "-inkey", &key, "-recip", &certificate]);
        tools::run_ok("openssl", &arguments).unwrap_or_else(|error| panic!("{}: {error}", recipient.name));
        std::fs::read(output).unwrap()
    }

    /// `openssl cms -encrypt`: `general` before the recipients, `keyopt` behind each of them.
    pub fn made_by_openssl(&self, plain: &[u8], general: &[&str], to: &[(&Recipient, &[&str])]) -> Vec<u8> {
        let (input, output) = (self.file("plain", plain), self.0.path().join("made"));
        let mut arguments: Vec<String> =
            ["cms", "-encrypt", "-binary", "-outform", "DER", "-in"].map(str::to_owned).into();
        arguments.push(input.display().to_string());
        arguments.extend(["-out".to_owned(), output.display().to_string()]);
        arguments.extend(general.iter().map(|argument| (*argument).to_owned()));
        for (recipient, keyopt) in to {
            arguments.extend(["-recip".to_owned(), self.certificate(recipient).display().to_string()]);
            arguments.extend(keyopt.iter().flat_map(|option| ["-keyopt".to_owned(), (*option).to_owned()]));
        }
        tools::run_ok("openssl", &arguments).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
        std::fs::read(output).unwrap()
    }
}
