//! The content of an envelope being decrypted, a piece at a time. What comes out is worth nothing before
//! [`Opening::finish`] has said so: it may have been changed on the way.

use super::ber::Pieces;
use super::cipher::Parameters;
use super::not_decrypted;
use crate::prepare::FormatError;
use crate::source::Source;
use model::Secret;
use openssl::symm::{Crypter, Mode};
use std::ops::Range;

/// How much is decrypted at a time.
const CHUNK_BYTES: usize = 128 * 1024;

/// An envelope being decrypted.
pub struct Opening<'s> {
    pieces: Pieces<'s>,
    source: &'s dyn Source,
    piece: Range<u64>,
    crypter: Crypter,
    buffer: Vec<u8>,
    plain: Vec<u8>,
    length: u64,
    authenticated: bool,
}

/// Proof that everything that an [`Opening`] gave out is what the sender encrypted: its tag was right. Without
/// authentication (CBC) it only says that the padding was.
#[derive(Debug)]
pub struct Opened {
    /// Length of the content in bytes.
    pub length: u64,
    /// Whether a tag was checked: nobody without the key has changed the content.
    pub authenticated: bool,
}

impl<'s> Opening<'s> {
    pub(super) fn new(
        pieces: Pieces<'s>,
        source: &'s dyn Source,
        parameters: &Parameters,
        key: &Secret,
        authenticated: &[u8],
        tag: &[u8],
    ) -> Result<Self, FormatError> {
        if tag.len() != parameters.tag_bytes {
            return Err(not_decrypted());
        }
        let cipher = parameters.cipher;
        let mut crypter = cipher.start(Mode::Decrypt, key, &parameters.iv).map_err(|_| not_decrypted())?;
        if cipher.is_authenticated() {
            crypter.set_tag(tag).map_err(|_| not_decrypted())?;
            if !authenticated.is_empty() {
                crypter.aad_update(authenticated).map_err(|_| not_decrypted())?;
            }
        }
        let plain = vec![0; CHUNK_BYTES + cipher.block_bytes()];
        Ok(Self {
            pieces,
            source,
            piece: 0..0,
            crypter,
            buffer: vec![0; CHUNK_BYTES],
            plain,
            length: 0,
            authenticated: cipher.is_authenticated(),
        })
    }

    /// The next piece of the content; `None` behind the last. Not to be shown to anybody yet. May be empty.
    pub fn piece(&mut self) -> Result<Option<&[u8]>, FormatError> {
        let mut filled = 0;
        while filled < self.buffer.len() {
            if self.piece.is_empty() {
                match self.pieces.next()? {
                    Some(piece) => self.piece = piece,
                    None => break,
                }
                continue;
            }
            let left = usize::try_from(self.piece.end - self.piece.start).unwrap_or(usize::MAX);
            let wanted = left.min(self.buffer.len() - filled);
            self.source.read_exact_at(self.piece.start, &mut self.buffer[filled..filled + wanted])?;
            self.piece.start += wanted as u64;
            filled += wanted;
        }
        if filled == 0 {
            return Ok(None);
        }
        let written = self.crypter.update(&self.buffer[..filled], &mut self.plain).map_err(|_| not_decrypted())?;
        self.length += written as u64;
        Ok(self.plain.get(..written))
    }

    /// The last piece, and the proof for all of them. An error means that nothing of them may be used.
    pub fn finish(mut self) -> Result<(Vec<u8>, Opened), FormatError> {
        if self.piece()?.is_some() {
            return Err(not_decrypted()); // the caller stopped early
        }
        let written = self.crypter.finalize(&mut self.plain).map_err(|_| not_decrypted())?;
        self.plain.truncate(written);
        let opened = Opened { length: self.length + written as u64, authenticated: self.authenticated };
        Ok((self.plain, opened))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::der::tlv;
    use crate::envelope::ber::Cursor;
    use crate::envelope::cipher::Cipher;
    use serde_json::Value;

    fn bytes(hex: &Value) -> Vec<u8> {
        let hex = hex.as_str().unwrap_or_default();
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    /// The content of a message with this cipher and vector, decrypted.
    fn opened(cipher: Cipher, iv: &[u8], key: Vec<u8>, content: &[u8], aad: &[u8], tag: &[u8]) -> Option<Vec<u8>> {
        let parameters = Parameters::read(&cipher.identifier(iv), cipher.is_authenticated()).ok()?;
        let source = tlv(0x80, &[content]);
        let octets = Cursor::new(&source, 0..source.len() as u64).octets(0).unwrap();
        let pieces = octets.pieces(&source);
        let mut opening = Opening::new(pieces, &source, &parameters, &Secret::new(key), aad, tag).ok()?;
        let mut plain = Vec::new();
        while let Some(piece) = opening.piece().ok()? {
            plain.extend_from_slice(piece);
        }
        let (last, proof) = opening.finish().ok()?;
        plain.extend_from_slice(&last);
        assert_eq!((proof.length, proof.authenticated), (plain.len() as u64, cipher.is_authenticated()));
        Some(plain)
    }

    /// Wycheproof's vectors: what must be decrypted and what must not.
    #[test]
    fn wycheproof_agrees() {
        let Some(folder) = testkit::corpora::corpora("wycheproof") else { return };
        for (name, authenticated, count) in [("aes_cbc_pkcs5", false, 216), ("aes_gcm", true, 316)] {
            let text = std::fs::read(folder.join(format!("{name}_test.json"))).unwrap();
            let vectors: Value = serde_json::from_slice(&text).unwrap();
            let (mut seen, mut too_long) = (0, 0);
            for group in vectors["testGroups"].as_array().unwrap() {
                for test in group["tests"].as_array().unwrap() {
                    let [key, iv, aad, tag] = ["key", "iv", "aad", "tag"].map(|field| bytes(&test[field]));
                    let cipher = if authenticated { Cipher::AesGcm(key.len()) } else { Cipher::AesCbc(key.len()) };
                    let plain = opened(cipher, &iv, key, &bytes(&test["ct"]), &aad, &tag);
                    // OpenSSL takes nonces of up to 128 bytes (RFC 5084 recommends 12), so longer ones are refused.
                    let wanted = match test["result"].as_str().unwrap() {
                        "valid" if iv.len() <= 128 => Some(bytes(&test["msg"])),
                        "valid" => None,
                        "invalid" => None,
                        other => panic!("{name} {}: {other}", test["tcId"]),
                    };
                    assert_eq!(plain, wanted, "{name} {}: {}", test["tcId"], test["comment"]);
                    too_long += usize::from(iv.len() > 128);
                    seen += 1;
                }
            }
            assert_eq!((seen, too_long), (count, if authenticated { 3 } else { 0 }), "{name}");
        }
    }
}
