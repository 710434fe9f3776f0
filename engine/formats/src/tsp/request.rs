//! What an authority is asked for (RFC 3161 section 2.4.1).

use super::{Imprint, TspError};
use crate::cms::identifiers::digest_identifier;
use crate::der::{self, TAG_BOOLEAN, TAG_INTEGER, TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE};
use crate::signature::HashAlgorithm;
use model::Digest;

/// A request, and what its answer is compared with.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) imprint: Imprint,
    /// The whole OBJECT IDENTIFIER.
    pub(super) policy: Option<Vec<u8>>,
    /// The contents octets of the INTEGER.
    pub(super) nonce: Vec<u8>,
    der: Vec<u8>,
}

impl Request {
    /// A request for a time stamp over this digest, with the signer's certificate in it. `nonce` is random and used
    /// once; `policy` is in dots, `None`: whatever the authority does.
    pub fn new(digest: &Digest, policy: Option<&str>, nonce: u64) -> Result<Self, TspError> {
        let policy = policy.map(object_identifier).transpose()?;
        let octets = nonce.to_be_bytes();
        let significant = octets.iter().position(|&octet| octet != 0).unwrap_or(octets.len() - 1);
        let mut nonce = octets[significant..].to_vec();
        if nonce[0] >= 0x80 {
            nonce.insert(0, 0); // an INTEGER has a sign
        }
        // Without NULL: OpenSSL, and RFC 5754 section 2, want it so; nobody refuses it.
        let algorithm = digest_identifier(digest.algorithm());
        let imprint = der::tlv(TAG_SEQUENCE, &[&algorithm, &der::tlv(TAG_OCTET_STRING, &[digest.as_bytes()])]);
        let parts: [&[u8]; 5] = [
            &[TAG_INTEGER, 1, 1],
            &imprint,
            policy.as_deref().unwrap_or_default(),
            &der::tlv(TAG_INTEGER, &[&nonce]),
            &[TAG_BOOLEAN, 1, 0xff],
        ];
        let der = der::tlv(TAG_SEQUENCE, &parts);
        let algorithm = HashAlgorithm::of_identifier(&algorithm)?;
        Ok(Self { imprint: Imprint { algorithm, value: digest.as_bytes().to_vec() }, policy, nonce, der })
    }

    /// The `TimeStampReq`, DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }
}

/// An OBJECT IDENTIFIER from its dotted form.
fn object_identifier(dotted: &str) -> Result<Vec<u8>, TspError> {
    let wrong = || TspError::PolicyName(dotted.to_owned());
    let mut arcs = Vec::new();
    for arc in dotted.split('.') {
        let plain = arc.bytes().all(|byte| byte.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'));
        arcs.push(arc.parse::<u64>().ok().filter(|_| plain).ok_or_else(wrong)?);
    }
    let [root @ 0..=2, second, rest @ ..] = &arcs[..] else { return Err(wrong()) };
    if *root < 2 && *second > 39 || rest.len() > ARCS_MAX {
        return Err(wrong());
    }
    let mut content = Vec::new();
    let first = second.checked_add(root * 40).ok_or_else(wrong)?;
    for &arc in std::iter::once(&first).chain(rest) {
        let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
        for group in (0..groups).rev() {
            let more = if group > 0 { 0x80 } else { 0 };
            content.push(more | (arc >> (7 * group)) as u8 & 0x7f);
        }
    }
    Ok(der::tlv(TAG_OID, &[&content]))
}

const ARCS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::crypto;
    use crate::signature::dotted;
    use model::DigestAlgorithm::Sha256;

    #[test]
    fn a_request_has_the_known_encoding() {
        let digest = crypto::digest(Sha256, b"abc");
        let request = Request::new(&digest, None, 0x0123_4567_89ab_cdef).unwrap();
        let hex: String = request.der().iter().map(|byte| format!("{byte:02X}")).collect();
        let known = "3041020101302F300B0609608648016503040201\
                     0420BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD02080123456789ABCDEF0101FF";
        assert_eq!(hex, known);
    }

    #[test]
    fn nonces_are_positive_and_short() {
        let digest = crypto::digest(Sha256, b"abc");
        let nonce = |number| Request::new(&digest, None, number).unwrap().nonce;
        assert_eq!(nonce(0), [0]);
        assert_eq!(nonce(0x7f), [0x7f]);
        assert_eq!(nonce(0x80), [0, 0x80]);
        assert_eq!(nonce(u64::MAX), [0, 255, 255, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn policies_are_read_and_wrong_ones_refused() {
        for good in ["1.3.6.1.4.1.99999.1.18446744073709551615", "2.999.0", "0.4.0.2023.1.1", "1.39"] {
            assert_eq!(dotted(&object_identifier(good).unwrap()[2..]), good);
        }
        for wrong in ["", "1", "3.1", "1.40", "1..2", "1.2.", "1.+2", "1.02", "1.2.18446744073709551616", "a.b"] {
            assert_eq!(object_identifier(wrong), Err(TspError::PolicyName(wrong.to_owned())));
        }
    }
}
