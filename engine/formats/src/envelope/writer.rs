//! An envelope being written: a head, the encrypted content piece by piece, a tail. All lengths are known before the
//! first byte is written, so the result is DER whatever its size.

use super::cipher::{Cipher, TAG_BYTES};
use super::identifiers::{OID_AUTH_ENVELOPED_DATA, OID_ENVELOPED_DATA};
use super::keys::{random, random_secret};
use super::recipient::Recipient;
use crate::cms::identifiers::OID_DATA;
use crate::der::{
    self, TAG_CONTEXT_0, TAG_INTEGER, TAG_OCTET_STRING, TAG_SEQUENCE, TAG_SET, header_length, write_header,
};
use crate::prepare::FormatError;
use model::Time;
use model::profile::{EncryptionOptions, RsaKeyTransport};
use openssl::error::ErrorStack;
use openssl::symm::{Crypter, Mode};

/// `encryptedContent [0] IMPLICIT OCTET STRING`, primitive.
const TAG_CONTENT: u8 = 0x80;

/// Whom to encrypt for, their certificates read and found fit. Made once for many documents.
#[derive(Debug)]
pub struct Recipients {
    recipients: Vec<Recipient>,
    cipher: Cipher,
    rsa: RsaKeyTransport,
}

impl Recipients {
    /// Reads the certificates. Refuses keys that nothing can or may be encrypted for (RFC 5280 section 4.2.1.3).
    pub fn new(options: &EncryptionOptions) -> Result<Self, FormatError> {
        if options.recipients.is_empty() {
            return Err(FormatError::setup("recipient", "there is no recipient to encrypt for"));
        }
        let recipients = options.recipients.iter().map(|der| Recipient::new(der)).collect::<Result<_, _>>()?;
        Ok(Self { recipients, cipher: options.cipher.into(), rsa: options.rsa })
    }

    /// Begins an envelope around a document of exactly this length. Draws a new content key; it is known to nobody but
    /// the recipients. Refuses certificates that are not valid at `now`.
    pub fn begin(&self, length: u64, now: Time) -> Result<Encryptor, FormatError> {
        self.recipients.iter().try_for_each(|recipient| recipient.valid_at(now))?;
        let encrypted = self.cipher.encrypted_length(length).ok_or_else(|| {
            FormatError::document("too-long", "the file is too long for this cipher; encrypt it with AES-CBC")
        })?;
        let drawn = random_secret(self.cipher.key_bytes()).zip(random(self.cipher.iv_bytes()));
        let (key, iv) = drawn.ok_or_else(|| FormatError::setup("no-randomness", "the system gives no random bytes"))?;
        let infos = self.recipients.iter().map(|recipient| recipient.info(&key, self.rsa));
        let infos = infos.collect::<Result<Vec<_>, _>>().map_err(library)?;
        let version =
            if self.cipher.is_authenticated() || self.recipients.iter().all(Recipient::is_transport) { 0 } else { 2 };
        let parts = [&[TAG_INTEGER, 1, version][..], &der::set_of(TAG_SET, infos)].concat();
        let tail_bytes = if self.cipher.is_authenticated() { 2 + TAG_BYTES as u64 } else { 0 };
        let head = head(self.cipher, &iv, &parts, encrypted, tail_bytes);
        let crypter = self.cipher.start(Mode::Encrypt, &key, &iv).map_err(library)?;
        Ok(Encryptor {
            crypter,
            cipher: self.cipher,
            total: head.len() as u64 + encrypted + tail_bytes,
            head: Some(head),
            plain_left: length,
            encrypted_left: encrypted,
        })
    }
}

/// Everything in front of the encrypted content, with all lengths.
fn head(cipher: Cipher, iv: &[u8], parts: &[u8], encrypted: u64, tail_bytes: u64) -> Vec<u8> {
    let with_header = |length: u64| header_length(length) as u64 + length;
    let algorithm = cipher.identifier(iv);
    let content_info = OID_DATA.len() as u64 + algorithm.len() as u64 + with_header(encrypted);
    let body = parts.len() as u64 + with_header(content_info) + tail_bytes;
    let kind = if cipher.is_authenticated() { OID_AUTH_ENVELOPED_DATA } else { OID_ENVELOPED_DATA };
    let mut out = Vec::with_capacity(parts.len() + 128);
    write_header(&mut out, TAG_SEQUENCE, kind.len() as u64 + with_header(with_header(body)));
    out.extend_from_slice(kind);
    write_header(&mut out, TAG_CONTEXT_0, with_header(body));
    write_header(&mut out, TAG_SEQUENCE, body);
    out.extend_from_slice(parts);
    write_header(&mut out, TAG_SEQUENCE, content_info);
    out.extend_from_slice(OID_DATA);
    out.extend_from_slice(&algorithm);
    write_header(&mut out, TAG_CONTENT, encrypted);
    out
}

/// One document on its way into its envelope. Memory: what one call is given.
pub struct Encryptor {
    crypter: Crypter,
    cipher: Cipher,
    /// Until it is handed out with the first piece.
    head: Option<Vec<u8>>,
    total: u64,
    plain_left: u64,
    encrypted_left: u64,
}

impl std::fmt::Debug for Encryptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Encryptor({:?}, {} bytes to come)", self.cipher, self.plain_left)
    }
}

impl Encryptor {
    /// Length of the whole envelope in bytes.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Adds the next piece of the document and replaces what `out` holds by the next piece of the envelope.
    pub fn update(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), FormatError> {
        out.clear();
        out.extend(self.head.take().unwrap_or_default());
        self.plain_left = self.plain_left.checked_sub(plain.len() as u64).ok_or_else(other_length)?;
        let start = out.len();
        out.resize(start + plain.len() + self.cipher.block_bytes(), 0);
        let written = self.crypter.update(plain, &mut out[start..]).map_err(library)?;
        self.emitted(start, written, out)
    }

    /// The end of the envelope, in place of what `out` holds. An error if the document did not have the length that
    /// was promised: then nothing of the envelope may be used.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), FormatError> {
        out.clear();
        out.extend(self.head.take().unwrap_or_default());
        let start = out.len();
        out.resize(start + self.cipher.block_bytes(), 0);
        let written = self.crypter.finalize(&mut out[start..]).map_err(library)?;
        self.emitted(start, written, out)?;
        if self.plain_left != 0 || self.encrypted_left != 0 {
            return Err(other_length());
        }
        if self.cipher.is_authenticated() {
            let mut tag = [0; TAG_BYTES];
            self.crypter.get_tag(&mut tag).map_err(library)?;
            out.extend_from_slice(&der::tlv(TAG_OCTET_STRING, &[&tag]));
        }
        Ok(())
    }

    fn emitted(&mut self, start: usize, written: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
        out.truncate(start + written);
        self.encrypted_left = self.encrypted_left.checked_sub(written as u64).ok_or_else(other_length)?;
        Ok(())
    }
}

fn other_length() -> FormatError {
    FormatError::document("changed", "the file changed its length while it was being encrypted")
}

fn library(error: ErrorStack) -> FormatError {
    FormatError::setup("encryption", format!("the cryptographic library does not encrypt: {error}"))
}
