//! Opens wrapped content keys with private keys in software, and the rule that all kinds of token share: a wrong RSA
//! PKCS#1 v1.5 padding is not told from a right one.
//!
//! OpenSSL does it for every kind of key; keys for signing live in `key.rs`.

use crate::fault::Fault;
use model::{OaepPadding, Secret, Sha, WrappedKey};
use openssl::bn::BigNumContext;
use openssl::derive::Deriver;
use openssl::ec::{EcKey, EcPoint};
use openssl::encrypt::Decrypter;
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest, hash};
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Padding;
use zeroize::Zeroizing;

/// PKCS#1 v1.5 puts at least these many bytes in front of the message (RFC 8017 section 7.2.1).
const PKCS1_BYTES: usize = 11;

/// A private key that content keys may be encrypted for. Shared by all sessions; never printed.
pub(crate) struct DecryptionKey(PKey<Private>);

impl DecryptionKey {
    /// `None` for keys that can only sign.
    pub(crate) fn new(key: &PKey<Private>) -> Option<Self> {
        matches!(key.id(), Id::RSA | Id::EC).then(|| Self(key.clone()))
    }

    /// Opens a content key, or makes one half of an agreement whole. The caller has checked that it fits the key.
    pub(crate) fn open(&self, wrapped: &WrappedKey) -> Result<Secret, Fault> {
        match wrapped {
            WrappedKey::RsaPkcs1 { encrypted, length } => {
                let padded = self.rsa(encrypted, None).unwrap_or_default();
                unpadded(&padded, *length)
            }
            WrappedKey::RsaOaep { encrypted, padding } => {
                let key = self.rsa(encrypted, Some(padding)).map_err(|_| not_opened())?;
                Ok(Secret::new(key.to_vec()))
            }
            WrappedKey::Ecdh { point } => self.agree(point).map_err(|_| not_opened()),
        }
    }

    /// Without padding parameters: the number itself, as long as the modulus.
    fn rsa(&self, encrypted: &[u8], padding: Option<&OaepPadding>) -> Result<Zeroizing<Vec<u8>>, ErrorStack> {
        let mut decrypter = Decrypter::new(&self.0)?;
        match padding {
            None => decrypter.set_rsa_padding(Padding::NONE)?,
            Some(padding) => {
                decrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
                decrypter.set_rsa_oaep_md(digest(padding.hash))?;
                decrypter.set_rsa_mgf1_md(digest(padding.mask))?;
                if !padding.label.is_empty() {
                    decrypter.set_rsa_oaep_label(&padding.label)?;
                }
            }
        }
        let mut plain = Zeroizing::new(vec![0; self.0.size()]);
        let length = decrypter.decrypt(encrypted, &mut plain)?;
        plain.truncate(length);
        Ok(plain)
    }

    /// A point that is not on the curve is refused by the library: it would leak the key.
    fn agree(&self, point: &[u8]) -> Result<Secret, ErrorStack> {
        let ours = self.0.ec_key()?;
        let mut context = BigNumContext::new()?;
        let point = EcPoint::from_bytes(ours.group(), point, &mut context)?;
        let peer = EcKey::from_public_key(ours.group(), &point)?;
        peer.check_key()?;
        let peer = PKey::from_ec_key(peer)?;
        let mut deriver = Deriver::new(&self.0)?;
        deriver.set_peer(&peer)?;
        deriver.derive_to_vec().map(Secret::new)
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

/// The one answer for everything that this key does not open.
pub(crate) fn not_opened() -> Fault {
    Fault::Request("the content key was damaged, or it was not encrypted for this key".to_owned())
}

/// The content key of `length` bytes in a PKCS#1 v1.5 message, or as many random bytes if there is none of that length;
/// which of them takes the same time and looks the same (RFC 3218 section 2.3.2).
fn unpadded(padded: &[u8], length: usize) -> Result<Secret, Fault> {
    let mut key = random(length)?;
    let Some(separator) = padded.len().checked_sub(length + 1).filter(|at| *at >= PKCS1_BYTES - 1) else {
        return Ok(Secret::new(key)); // no modulus of ours is so short: this tells nothing but lengths
    };
    let (front, message) = padded.split_at(separator + 1);
    let wrong = front.iter().enumerate().fold(0, |wrong, (at, byte)| {
        wrong
            | match at {
                0 => *byte,
                1 => *byte ^ 2,
                at if at == separator => *byte,
                _ => is_zero(*byte),
            }
    });
    let right = std::hint::black_box(is_zero(wrong));
    for (random, byte) in key.iter_mut().zip(message) {
        *random = (*byte & right) | (*random & !right);
    }
    Ok(Secret::new(key))
}

/// All ones for zero, else zero; without a branch.
fn is_zero(byte: u8) -> u8 {
    (u16::from(byte).wrapping_sub(1) >> 8) as u8
}

/// The message in an OAEP padding (RFC 8017 section 7.1.2 step 3), for tokens that know fewer digests than senders use. One
/// answer for everything that is wrong, after the same work.
pub(crate) fn oaep_unpadded(padded: &[u8], padding: &OaepPadding) -> Option<Secret> {
    let label = hash(digest(padding.hash), &padding.label).ok()?;
    let (first, rest) = padded.split_first()?;
    let (seed, data) = rest.split_at_checked(label.len())?;
    let (mut seed, mut data) = (Zeroizing::new(seed.to_vec()), Zeroizing::new(data.to_vec()));
    mask(&mut seed, &data, digest(padding.mask)).ok()?;
    mask(&mut data, &seed, digest(padding.mask)).ok()?;
    let (found, data) = data.split_at_checked(label.len())?;
    let mut wrong = found.iter().zip(label.iter()).fold(*first, |wrong, (one, other)| wrong | (one ^ other));
    // Zeros, a one, the message: every byte is looked at, wherever the one is.
    let (mut before, mut start) = (0xff_u8, 0);
    for (at, byte) in data.iter().enumerate() {
        let is_one = is_zero(*byte ^ 1);
        start |= usize::from(before & is_one & 1) * (at + 1);
        wrong |= before & !is_one & !is_zero(*byte);
        before &= !is_one;
    }
    wrong |= before;
    (std::hint::black_box(wrong) == 0).then(|| Secret::new(data.get(start..).unwrap_or_default().to_vec()))
}

/// MGF1 (RFC 8017 appendix B.2.1), added to `target`.
fn mask(target: &mut [u8], seed: &[u8], digest: MessageDigest) -> Result<(), ErrorStack> {
    for (counter, block) in (0_u32..).zip(target.chunks_mut(digest.size())) {
        let mut hasher = Hasher::new(digest)?;
        hasher.update(seed)?;
        hasher.update(&counter.to_be_bytes())?;
        block.iter_mut().zip(hasher.finish()?.iter()).for_each(|(byte, mask)| *byte ^= mask);
    }
    Ok(())
}

/// What a token gives for a PKCS#1 v1.5 message that it opened, or did not.
pub(crate) fn or_random(opened: Option<Secret>, length: usize) -> Result<Secret, Fault> {
    let random = Secret::new(random(length)?);
    Ok(opened.filter(|key| key.expose().len() == length).unwrap_or(random))
}

fn random(length: usize) -> Result<Vec<u8>, Fault> {
    let mut random = vec![0; length];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Fault::Request("the system gives no random bytes".to_owned()))?;
    Ok(random)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use openssl::encrypt::Encrypter;
    use openssl::rsa::Rsa;

    #[test]
    fn a_padding_that_is_wrong_in_any_byte_gives_random_bytes() {
        let key = [7; 32];
        let padded = [&[0, 2][..], &[9; 256 - 35], &[0], &key].concat();
        assert_eq!(padded.len(), 256);
        assert_eq!(unpadded(&padded, 32).unwrap().expose(), key);
        for at in 0..padded.len() - 32 {
            let mut bad = padded.clone();
            bad[at] = if (2..padded.len() - 33).contains(&at) { 0 } else { 1 };
            let (one, other) = (unpadded(&bad, 32).unwrap(), unpadded(&bad, 32).unwrap());
            assert_ne!(one.expose(), key, "byte {at}");
            assert_ne!(one.expose(), other.expose(), "random each time");
        }
        for (padded, length) in [(&padded[..], 16), (&padded[..], 33), (&padded[..42], 32), (&[], 32)] {
            assert_eq!(unpadded(padded, length).unwrap().expose().len(), length);
        }
    }

    #[test]
    fn oaep_is_unpadded_as_openssl_does_and_no_change_survives() {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let ours = DecryptionKey::new(&key).unwrap();
        for (hash, mask) in [(Sha::Sha1, Sha::Sha1), (Sha::Sha256, Sha::Sha256), (Sha::Sha512, Sha::Sha1)] {
            let padding = OaepPadding { hash, mask, label: Vec::new() };
            let mut encrypter = Encrypter::new(&key).unwrap();
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
            encrypter.set_rsa_oaep_md(digest(hash)).unwrap();
            encrypter.set_rsa_mgf1_md(digest(mask)).unwrap();
            let mut encrypted = vec![0; 256];
            encrypter.encrypt(&[7; 32], &mut encrypted).unwrap();
            let padded = ours.rsa(&encrypted, None).unwrap();
            assert_eq!(oaep_unpadded(&padded, &padding).unwrap().expose(), [7; 32]);
            let other_label = OaepPadding { label: vec![1], ..padding.clone() };
            assert!(oaep_unpadded(&padded, &other_label).is_none());
            for at in 0..256 {
                let mut bad = padded.clone();
                bad[at] ^= 1;
                // A change of the masked message itself shows in the seed and so in all of the rest.
                assert!(oaep_unpadded(&bad, &padding).is_none(), "{hash} byte {at}");
            }
            for cut in [0, 1, 20, 64, 255] {
                assert!(oaep_unpadded(&padded[..cut], &padding).is_none());
            }
        }
    }

    #[test]
    fn what_another_key_encrypted_looks_like_a_key() {
        let (ours, theirs) = (Rsa::generate(2048).unwrap(), Rsa::generate(2048).unwrap());
        let (ours, theirs) = (PKey::from_rsa(ours).unwrap(), PKey::from_rsa(theirs).unwrap());
        let encrypted = |key: &PKey<Private>| {
            let mut encrypter = Encrypter::new(key).unwrap();
            encrypter.set_rsa_padding(Padding::PKCS1).unwrap();
            let mut encrypted = vec![0; 256];
            encrypter.encrypt(&[7; 32], &mut encrypted).unwrap();
            WrappedKey::RsaPkcs1 { encrypted, length: 32 }
        };
        let key = DecryptionKey::new(&ours).unwrap();
        assert_eq!(key.open(&encrypted(&ours)).unwrap().expose(), [7; 32]);
        let opened = key.open(&encrypted(&theirs)).unwrap();
        assert_eq!(opened.expose().len(), 32);
        assert_ne!(opened.expose(), [7; 32]);
        for encrypted in [vec![], vec![0xff; 256], vec![1; 257]] {
            let opened = key.open(&WrappedKey::RsaPkcs1 { encrypted, length: 32 }).unwrap();
            assert_eq!(opened.expose().len(), 32);
        }
    }

    /// Wycheproof's vectors: what must be opened and what must not, by OpenSSL and by our own unpadding.
    #[test]
    fn wycheproof_agrees_on_oaep() {
        let Some(folder) = testkit::corpora::corpora("wycheproof") else { return };
        let bytes = |hex: &serde_json::Value| -> Vec<u8> {
            let hex = hex.as_str().unwrap();
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
        };
        let text = std::fs::read(folder.join("rsa_oaep_2048_sha256_mgf1sha256_test.json")).unwrap();
        let vectors: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let mut seen = 0;
        for group in vectors["testGroups"].as_array().unwrap() {
            let key = PKey::private_key_from_pkcs8(&bytes(&group["privateKeyPkcs8"])).unwrap();
            let key = DecryptionKey::new(&key).unwrap();
            for test in group["tests"].as_array().unwrap() {
                let padding = OaepPadding { hash: Sha::Sha256, mask: Sha::Sha256, label: bytes(&test["label"]) };
                let encrypted = bytes(&test["ct"]);
                let wanted = match test["result"].as_str().unwrap() {
                    "valid" => Some(bytes(&test["msg"])),
                    "invalid" => None,
                    other => panic!("{}: {other}", test["tcId"]),
                };
                let ours = key.rsa(&encrypted, None).ok().and_then(|padded| oaep_unpadded(&padded, &padding));
                let theirs = key.open(&WrappedKey::RsaOaep { encrypted, padding }).ok();
                for (whose, opened) in [("ours", ours), ("theirs", theirs)] {
                    let opened = opened.map(|secret| secret.expose().to_vec());
                    assert_eq!(opened, wanted, "{whose} {}: {}", test["tcId"], test["comment"]);
                }
                seen += 1;
            }
        }
        assert_eq!(seen, 37);
    }
}
