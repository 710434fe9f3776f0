//! ML-DSA-65 keys and the certificates that carry them (RFC 9881), which OpenSSL knows only from 3.5 on: reads PKCS#8,
//! plain or encrypted, and finds the public key in a certificate. Signs nothing.
//!
//! Foreign bytes: whatever does not fit is `None`, never a panic.

use aws_lc_rs::signature::{KeyPair, ML_DSA_65_SIGNING, PqdsaKeyPair};
use openssl::hash::MessageDigest;
use openssl::pkcs5::pbkdf2_hmac;
use openssl::symm::{Cipher, decrypt};
use openssl::x509::X509Ref;
use zeroize::Zeroizing;

/// id-ml-dsa-65 (RFC 9881 section 2), the whole OBJECT IDENTIFIER.
const OID_ML_DSA_65: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x03\x12";
/// PBES2 and PBKDF2 (RFC 8018 appendix A).
const OID_PBES2: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0d";
const OID_PBKDF2: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c";
/// 1.2.840.113549.2, to which the arc of an HMAC is added.
const OID_HMAC_WITH: &[u8] = b"\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02";
/// 2.16.840.1.101.3.4.1, to which the arc of AES in a mode is added.
const OID_AES: &[u8] = b"\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01";
/// More rounds than any program writes would keep the server busy for minutes.
const ROUNDS_MAX: usize = 10_000_000;

const TAG_INTEGER: u8 = 0x02;
const TAG_BIT_STRING: u8 = 0x03;
const TAG_OCTET_STRING: u8 = 0x04;
const TAG_OID: u8 = 0x06;
const TAG_SEQUENCE: u8 = 0x30;
const TAG_CONTEXT_0: u8 = 0xa0;

/// A key and the bytes of its public half.
pub(crate) type Pair = (PqdsaKeyPair, Vec<u8>);

/// The first ML-DSA-65 key among the PEM blocks (RFC 7468 sections 10 and 11).
pub(crate) fn key_from_pem(pem: &[u8], password: &[u8]) -> Option<Pair> {
    let text = std::str::from_utf8(pem).ok()?;
    let plain = blocks(text, "PRIVATE KEY").find_map(|der| key_from_pkcs8(&der));
    plain.or_else(|| {
        let mut encrypted = blocks(text, "ENCRYPTED PRIVATE KEY");
        encrypted.find_map(|der| key_from_pkcs8(&decrypted(&der, password)?))
    })
}

/// A `PrivateKeyInfo` (RFC 5208) in any of the three forms of RFC 9881 section 6: seed, expanded key, both.
fn key_from_pkcs8(der: &[u8]) -> Option<Pair> {
    let mut info = Der(der).enter(TAG_SEQUENCE)?;
    info.expect(TAG_INTEGER)?;
    let mut algorithm = info.enter(TAG_SEQUENCE)?;
    if algorithm.expect(TAG_OID)?.0 != OID_ML_DSA_65 {
        return None;
    }
    let key = PqdsaKeyPair::from_pkcs8(&ML_DSA_65_SIGNING, der).ok()?;
    let public = key.public_key().as_ref().to_vec();
    Some((key, public))
}

/// The public key of a certificate if it is an ML-DSA-65 key.
pub(crate) fn certificate_key(x509: &X509Ref) -> Option<Vec<u8>> {
    let der = x509.to_der().ok()?;
    let mut body = Der(&der).enter(TAG_SEQUENCE)?.enter(TAG_SEQUENCE)?;
    if body.peek() == Some(TAG_CONTEXT_0) {
        body.next()?;
    }
    for _ in ["serialNumber", "signature", "issuer", "validity", "subject"] {
        body.next()?;
    }
    let mut info = body.enter(TAG_SEQUENCE)?;
    let algorithm = info.enter(TAG_SEQUENCE)?.expect(TAG_OID)?.0;
    let bits = info.expect(TAG_BIT_STRING)?.1.strip_prefix(&[0])?;
    (algorithm == OID_ML_DSA_65).then(|| bits.to_vec())
}

/// The DER in the PEM blocks with this label.
fn blocks<'a>(text: &'a str, label: &str) -> impl Iterator<Item = Zeroizing<Vec<u8>>> + 'a {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, behind) = rest.split_once(&begin)?;
        let (body, behind) = behind.split_once(&end)?;
        rest = behind;
        let body: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
        openssl::base64::decode_block(&body).ok().map(Zeroizing::new)
    })
}

/// The plain text of an `EncryptedPrivateKeyInfo` (RFC 5208 section 6) under PBES2 with PBKDF2 and AES in CBC mode,
/// which is what every program of the last ten years writes.
fn decrypted(der: &[u8], password: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut info = Der(der).enter(TAG_SEQUENCE)?;
    let mut algorithm = info.enter(TAG_SEQUENCE)?;
    if algorithm.expect(TAG_OID)?.0 != OID_PBES2 {
        return None;
    }
    let mut schemes = algorithm.enter(TAG_SEQUENCE)?;
    let mut derivation = schemes.enter(TAG_SEQUENCE)?;
    if derivation.expect(TAG_OID)?.0 != OID_PBKDF2 {
        return None;
    }
    let mut parameters = derivation.enter(TAG_SEQUENCE)?;
    let salt = parameters.expect(TAG_OCTET_STRING)?.1;
    let rounds = parameters.expect(TAG_INTEGER)?.1;
    let rounds = rounds.iter().try_fold(0_usize, |all, &byte| Some(all.checked_mul(256)? + usize::from(byte)))?;
    if parameters.peek() == Some(TAG_INTEGER) {
        parameters.next()?;
    }
    let hash = match parameters.enter(TAG_SEQUENCE) {
        None => MessageDigest::sha1(),
        Some(mut function) => match function.expect(TAG_OID)?.0.strip_prefix(OID_HMAC_WITH)? {
            [7] => MessageDigest::sha1(),
            [9] => MessageDigest::sha256(),
            [10] => MessageDigest::sha384(),
            [11] => MessageDigest::sha512(),
            _ => return None,
        },
    };
    let mut encryption = schemes.enter(TAG_SEQUENCE)?;
    let cipher = match encryption.expect(TAG_OID)?.0.strip_prefix(OID_AES)? {
        [2] => Cipher::aes_128_cbc(),
        [22] => Cipher::aes_192_cbc(),
        [42] => Cipher::aes_256_cbc(),
        _ => return None,
    };
    let vector = encryption.expect(TAG_OCTET_STRING)?.1;
    if !(1..=ROUNDS_MAX).contains(&rounds) || Some(vector.len()) != cipher.iv_len() {
        return None;
    }
    let mut key = Zeroizing::new(vec![0; cipher.key_len()]);
    pbkdf2_hmac(password, salt, rounds, hash, &mut key).ok()?;
    decrypt(cipher, &key, Some(vector), info.expect(TAG_OCTET_STRING)?.1).ok().map(Zeroizing::new)
}

/// A cursor over consecutive DER values.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    fn peek(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The next value, whole, and its contents.
    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let (&[_, first], mut rest) = self.0.split_first_chunk::<2>()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let (octets, behind) = rest.split_at_checked(usize::from(first & 0x7f))?;
                rest = behind;
                octets.iter().fold(0, |length, &octet| length << 8 | usize::from(octet))
            }
            _ => return None,
        };
        let (value, behind) = rest.split_at_checked(length)?;
        let raw = self.0.get(..self.0.len() - behind.len())?;
        self.0 = behind;
        Some((raw, value))
    }

    fn expect(&mut self, tag: u8) -> Option<(&'a [u8], &'a [u8])> {
        if self.peek() == Some(tag) { self.next() } else { None }
    }

    fn enter(&mut self, tag: u8) -> Option<Der<'a>> {
        self.expect(tag).map(|(_, value)| Der(value))
    }
}
