//! Everything that moves content keys: RSA, ephemeral Diffie-Hellman, key derivation, key wrap. Knows no message.

use super::identifiers::{OID_TRIPLE_DES_WRAP, aes_arc, aes_oid, algorithm};
use crate::der::{self, DerError, TAG_OCTET_STRING, TAG_SEQUENCE};
use model::profile::RsaKeyTransport;
use model::{Secret, Sha};
use openssl::bn::BigNumContext;
use openssl::cipher::{Cipher, CipherRef};
use openssl::cipher_ctx::{CipherCtx, CipherCtxFlags};
use openssl::derive::Deriver;
use openssl::ec::{EcGroupRef, EcKey, PointConversionForm};
use openssl::encrypt::Encrypter;
use openssl::error::ErrorStack;
use openssl::hash::{Hasher, MessageDigest};
use openssl::pkey::{PKey, Public};
use openssl::rsa::Padding;

/// Draws a secret.
pub(super) fn random_secret(bytes: usize) -> Option<Secret> {
    random(bytes).map(Secret::new)
}

/// Draws bytes. `None` if the system has no randomness to give: then nothing may be encrypted.
pub(super) fn random(bytes: usize) -> Option<Vec<u8>> {
    let mut random = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut random).ok()?;
    Some(random)
}

/// Encrypts a content key for an RSA key: OAEP with SHA-256 twice, or PKCS#1 v1.5.
pub(super) fn transport(key: &PKey<Public>, how: RsaKeyTransport, secret: &Secret) -> Result<Vec<u8>, ErrorStack> {
    let mut encrypter = Encrypter::new(key)?;
    match how {
        RsaKeyTransport::Pkcs1 => encrypter.set_rsa_padding(Padding::PKCS1)?,
        RsaKeyTransport::Oaep => {
            encrypter.set_rsa_padding(Padding::PKCS1_OAEP)?;
            encrypter.set_rsa_oaep_md(MessageDigest::sha256())?;
            encrypter.set_rsa_mgf1_md(MessageDigest::sha256())?;
        }
    }
    let mut encrypted = vec![0; encrypter.encrypt_len(secret.expose())?];
    let length = encrypter.encrypt(secret.expose(), &mut encrypted)?;
    encrypted.truncate(length);
    Ok(encrypted)
}

/// One half of a key agreement, made for one message and one recipient: the public point and the shared secret (the
/// x-coordinate, as long as the field; RFC 5753 section 3.1).
pub(super) fn agree(recipient: &PKey<Public>, group: &EcGroupRef) -> Result<(Vec<u8>, Secret), ErrorStack> {
    let ephemeral = EcKey::generate(group)?;
    let mut context = BigNumContext::new()?;
    let point = ephemeral.public_key().to_bytes(group, PointConversionForm::UNCOMPRESSED, &mut context)?;
    let ephemeral = PKey::from_ec_key(ephemeral)?;
    let mut deriver = Deriver::new(&ephemeral)?;
    deriver.set_peer(recipient)?;
    let mut shared = vec![0; deriver.len()?];
    let length = deriver.derive(&mut shared)?;
    shared.truncate(length);
    Ok((point, Secret::new(shared)))
}

/// The key derivation of ANSI X9.63 (SEC 1 section 3.6.1): H(Z || counter || SharedInfo) for as long as it takes.
pub(super) fn derive(sha: Sha, shared: &Secret, info: &[u8], bytes: usize) -> Result<Secret, ErrorStack> {
    let digest = match sha {
        Sha::Sha1 => MessageDigest::sha1(),
        Sha::Sha224 => MessageDigest::sha224(),
        Sha::Sha256 => MessageDigest::sha256(),
        Sha::Sha384 => MessageDigest::sha384(),
        Sha::Sha512 => MessageDigest::sha512(),
    };
    // Room for all of it from the start: growing would leave copies behind.
    let mut derived = Vec::with_capacity(bytes.next_multiple_of(digest.size()));
    let mut counter = 1_u32;
    while derived.len() < bytes {
        let mut hasher = Hasher::new(digest)?;
        hasher.update(shared.expose())?;
        hasher.update(&counter.to_be_bytes())?;
        hasher.update(info)?;
        derived.extend_from_slice(&hasher.finish()?);
        counter += 1;
    }
    derived.truncate(bytes);
    Ok(Secret::new(derived))
}

/// A key wrap: a key that encrypts another key and notices changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrap {
    /// AES key wrap (RFC 3394) with a key of this many bytes.
    Aes(usize),
    /// 3DES key wrap (RFC 3217), read only.
    TripleDes,
}

impl Wrap {
    /// Recognises an AlgorithmIdentifier. `None`: one that nobody here knows.
    pub(super) fn of_identifier(identifier: &[u8]) -> Result<Option<Self>, DerError> {
        let (oid, _) = algorithm(identifier)?;
        Ok(match aes_arc(&oid) {
            Some(5) => Some(Wrap::Aes(16)),
            Some(25) => Some(Wrap::Aes(24)),
            Some(45) => Some(Wrap::Aes(32)),
            _ if oid.raw == OID_TRIPLE_DES_WRAP => Some(Wrap::TripleDes),
            _ => None,
        })
    }

    /// The AlgorithmIdentifier of the AES key wrap for a content key of this length (RFC 3565 section 4.2).
    pub(super) fn identifier_for(key_bytes: usize) -> (Self, Vec<u8>) {
        let (wrap, arc) = if key_bytes <= 16 { (Wrap::Aes(16), 5) } else { (Wrap::Aes(32), 45) };
        (wrap, der::tlv(TAG_SEQUENCE, &[&aes_oid(arc)]))
    }

    pub(super) fn key_bytes(self) -> usize {
        match self {
            Wrap::Aes(bytes) => bytes,
            Wrap::TripleDes => 24,
        }
    }

    /// Encrypts a content key.
    pub(super) fn wrap(self, key: &Secret, content_key: &Secret) -> Result<Vec<u8>, ErrorStack> {
        let mut context = CipherCtx::new()?;
        context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
        context.encrypt_init(Some(self.library()?.as_ref()), Some(key.expose()), None)?;
        self.run(&mut context, content_key.expose())
    }

    /// Decrypts a content key; an error if it was changed or wrapped with another key.
    pub(super) fn unwrap(self, key: &Secret, wrapped: &[u8]) -> Result<Secret, ErrorStack> {
        // Two blocks and the check value (RFC 3394 section 2.2.2). The library takes nothing for a key of no length.
        if wrapped.len() < 24 {
            return Err(ErrorStack::get());
        }
        let mut context = CipherCtx::new()?;
        context.set_flags(CipherCtxFlags::FLAG_WRAP_ALLOW);
        context.decrypt_init(Some(self.library()?.as_ref()), Some(key.expose()), None)?;
        self.run(&mut context, wrapped).map(Secret::new)
    }

    fn run(self, context: &mut CipherCtx, input: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        // Wrapping adds 8 bytes (3DES: 16), unwrapping takes as many away.
        let mut output = vec![0; input.len() + 32];
        let mut length = context.cipher_update(input, Some(&mut output))?;
        length += context.cipher_final(output.get_mut(length..).unwrap_or_default())?;
        output.truncate(length);
        Ok(output)
    }

    fn library(self) -> Result<LibraryCipher, ErrorStack> {
        Ok(match self {
            Wrap::Aes(16) => LibraryCipher::Static(Cipher::aes_128_wrap()),
            Wrap::Aes(24) => LibraryCipher::Static(Cipher::aes_192_wrap()),
            Wrap::Aes(_) => LibraryCipher::Static(Cipher::aes_256_wrap()),
            Wrap::TripleDes => LibraryCipher::Fetched(Cipher::fetch(None, "DES3-WRAP", None)?),
        })
    }
}

/// A cipher that OpenSSL has always loaded, or one that it looked for.
enum LibraryCipher {
    Static(&'static CipherRef),
    Fetched(Cipher),
}

impl LibraryCipher {
    fn as_ref(&self) -> &CipherRef {
        match self {
            LibraryCipher::Static(cipher) => cipher,
            LibraryCipher::Fetched(cipher) => cipher,
        }
    }
}

/// ECC-CMS-SharedInfo (RFC 5753 section 7.2): the key wrap as its identifier is encoded in the message, the sender's
/// user keying material, and the length of the key in bits.
pub(super) fn shared_info(wrap_identifier: &[u8], material: Option<&[u8]>, key_bytes: usize) -> Vec<u8> {
    let material = material.map(|material| der::tlv(0xa0, &[&der::tlv(TAG_OCTET_STRING, &[material])]));
    let bits = (key_bytes as u32 * 8).to_be_bytes();
    let bits = der::tlv(0xa2, &[&der::tlv(TAG_OCTET_STRING, &[&bits])]);
    der::tlv(TAG_SEQUENCE, &[wrap_identifier, material.as_deref().unwrap_or_default(), &bits])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn the_key_derivation_is_that_of_x963() {
        let (wrap, identifier) = Wrap::identifier_for(32);
        let info = shared_info(&identifier, None, wrap.key_bytes());
        assert_eq!(info, hex("3015300B060960864801650304012DA206040400000100"));
        let key = derive(Sha::Sha256, &Secret::new(vec![1; 32]), &info, 32).unwrap();
        assert_eq!(key.expose(), hex("c3857a242ceedea8e50520d75be294a12269b1c456b24161f73421478e8224ee"));
    }

    #[test]
    fn the_aes_key_wrap_is_that_of_rfc_3394() {
        // Section 4.6: 256 bits of key data with a 256-bit key.
        let key = Secret::new((0..32).collect());
        let data = Secret::new(hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F"));
        let wrapped = hex("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");
        assert_eq!(Wrap::Aes(32).wrap(&key, &data).unwrap(), wrapped);
        assert_eq!(Wrap::Aes(32).unwrap(&key, &wrapped).unwrap().expose(), data.expose());
        for place in 0..wrapped.len() {
            let mut bad = wrapped.clone();
            bad[place] ^= 1;
            assert!(Wrap::Aes(32).unwrap(&key, &bad).is_err(), "{place}");
        }
        for short in [0, 8, 16, 23, 39] {
            assert!(Wrap::Aes(32).unwrap(&key, &wrapped[..short]).is_err(), "{short}");
        }
    }

    #[test]
    fn a_triple_des_key_wrap_is_opened() {
        let key = Secret::new((1..=24).collect());
        let data = Secret::new((101..=124).collect());
        let wrapped = Wrap::TripleDes.wrap(&key, &data).unwrap();
        assert_eq!(wrapped.len(), 40);
        assert_eq!(Wrap::TripleDes.unwrap(&key, &wrapped).unwrap().expose(), data.expose());
        assert!(Wrap::TripleDes.unwrap(&key, &[&wrapped[..39], &[wrapped[39] ^ 1]].concat()).is_err());
    }
}
