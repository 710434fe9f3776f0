//! One PKCS#11 session: finds keys once, signs with one `C_SignInit` and one `C_Sign`.
//!
//! Gives the token exactly what it can sign (a DigestInfo, a digest, a message), never a document, and brings what it
//! answers into the form of [`SignatureValue`].

mod decryption;

use crate::certificate::Certificate;
use crate::fault::{Fault, fault_of};
use crate::found::{FoundKey, KeyIdentity, KeyRef, KeyUses};
use crate::key::ecdsa_der;
use crate::module::OpenSession;
use crate::pin::{self, ContextLogin};
use crate::slot::{self, CERTIFICATES_MAX};
use cryptoki::error::RvError;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use model::{
    DigestAlgorithm, KeyKind, Scheme, Secret, SignatureAlgorithm, SignatureValue, ToBeSigned, TokenSerial, WrappedKey,
};
use openssl::x509::X509;

/// Private keys that are looked at on one token.
const KEYS_MAX: usize = 1_000;
/// Longest signature that is made room for, in bytes.
const SIGNATURE_BYTES_MAX: usize = 16 * 1024;

/// What a key is looked for. Tokens may hold two private keys of one pair, one for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Sign,
    Decrypt,
}

/// One session of a module in this process.
pub(crate) struct Pkcs11Session {
    open: OpenSession,
    slot: Slot,
    serial: TokenSerial,
    /// Keys used before in this session. A handful, so searching beats hashing.
    keys: Vec<(KeyRef, Use, ObjectHandle)>,
    context: Option<ContextLogin>,
}

impl Pkcs11Session {
    pub(crate) fn new(open: OpenSession, slot: Slot, serial: TokenSerial) -> Self {
        Self { open, slot, serial, keys: Vec::new(), context: None }
    }

    fn handle(&mut self, key: &KeyRef, purpose: Use) -> Result<ObjectHandle, Fault> {
        if let Some((.., handle)) = self.keys.iter().find(|(known, its, _)| *its == purpose && known == key) {
            return Ok(*handle);
        }
        let handle = find_private(self.open.get()?, key, purpose)?;
        self.keys.push((key.clone(), purpose, handle));
        Ok(handle)
    }

    /// The login between `C_SignInit` and `C_Sign`, `C_DecryptInit` and `C_Decrypt`, that some keys need; its flags read
    /// afresh.
    fn log_in_for_this_operation(&self) -> Result<(), Fault> {
        let Some(context) = &self.context else {
            return Err(Fault::SessionLost(
                "the key needs a login for each signature, and no PIN is in hand".to_owned(),
            ));
        };
        let info = slot::token_in(self.open.module(), self.slot)?;
        if info.serial != self.serial {
            return Err(Fault::Absent); // another card in the same slot must not see this PIN
        }
        let session = self.open.get()?;
        context.attempt(&self.serial, |source| pin::call_context_login(session, &info.pin, source))
    }
}

impl crate::Session for Pkcs11Session {
    fn sign(&mut self, key: &KeyRef, to_be_signed: &ToBeSigned) -> Result<SignatureValue, Fault> {
        key.check(to_be_signed)?;
        if key.always_authenticate() && self.context.is_none() {
            return Err(Fault::Request("the key needs a login for each signature, and no PIN is in hand".to_owned()));
        }
        let handle = self.handle(key, Use::Sign)?;
        let algorithm = to_be_signed.algorithm();
        let mechanism = mechanism(algorithm)
            .ok_or_else(|| Fault::Request(format!("the interface to tokens has no words for {algorithm}")))?;
        self.open.get()?.sign_init(&mechanism, handle)?;
        if key.always_authenticate() {
            self.log_in_for_this_operation()?;
        }
        let mut input = token_input(key.kind(), to_be_signed);
        let mut signature = vec![0; signature_bytes(key.kind())];
        let length = loop {
            match self.open.sign(&mut input, &mut signature)? {
                Ok(length) => break length,
                // The one error that leaves the operation open (PKCS#11 3.2 section 5.2).
                Err(RvError::BufferTooSmall) if signature.len() < SIGNATURE_BYTES_MAX => {
                    signature.resize(SIGNATURE_BYTES_MAX, 0);
                }
                Err(code) => return Err(fault_of(code, "C_Sign")),
            }
        };
        signature.truncate(length);
        normalised(key.kind(), signature)
    }

    fn decrypt(&mut self, key: &KeyRef, wrapped: &WrappedKey) -> Result<Secret, Fault> {
        self.open_key(key, wrapped)
    }

    fn authenticate_with(&mut self, login: ContextLogin) {
        self.context = Some(login);
    }
}

/// The mechanism that signs what we hand over; the token never hashes. `None`: for ML-DSA, which came with PKCS#11 3.2.
fn mechanism(algorithm: SignatureAlgorithm) -> Option<Mechanism<'static>> {
    Some(match algorithm.scheme {
        Scheme::RsaPkcs1 => Mechanism::RsaPkcs,
        Scheme::RsaPss => {
            let (hash_alg, mgf) = match algorithm.digest {
                DigestAlgorithm::Sha256 => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
                DigestAlgorithm::Sha384 => (MechanismType::SHA384, PkcsMgfType::MGF1_SHA384),
                DigestAlgorithm::Sha512 => (MechanismType::SHA512, PkcsMgfType::MGF1_SHA512),
            };
            // 32, 48 or 64: fits every C long.
            let s_len = (algorithm.digest.len() as cryptoki_sys::CK_ULONG).into();
            Mechanism::RsaPkcsPss(PkcsPssParams { hash_alg, mgf, s_len })
        }
        Scheme::Ecdsa => Mechanism::Ecdsa,
        Scheme::Ed25519 => Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Pure)),
        Scheme::MlDsa65 => return None,
    })
}

/// What `C_Sign` gets: for PKCS#1 v1.5 the DER DigestInfo (RFC 8017 section 9.2 note 1), for ECDSA at most as many
/// bytes as the curve has (some tokens refuse more instead of cutting, FIPS 186-5 section 6.4.1), else the bytes.
fn token_input(kind: KeyKind, to_be_signed: &ToBeSigned) -> Vec<u8> {
    let bytes = to_be_signed.as_bytes();
    let algorithm = to_be_signed.algorithm();
    match (algorithm.scheme, kind) {
        (Scheme::RsaPkcs1, _) => {
            let identifier = match algorithm.digest {
                DigestAlgorithm::Sha256 => 1,
                DigestAlgorithm::Sha384 => 2,
                DigestAlgorithm::Sha512 => 3,
            };
            let length = bytes.len() as u8; // 32, 48 or 64
            let mut info = vec![0x30, 17 + length, 0x30, 13, 0x06, 9];
            info.extend_from_slice(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, identifier]);
            info.extend_from_slice(&[0x05, 0, 0x04, length]);
            info.extend_from_slice(bytes);
            info
        }
        (Scheme::Ecdsa, KeyKind::Ec(curve)) => bytes[..bytes.len().min(curve.field_bytes())].to_vec(),
        _ => bytes.to_vec(),
    }
}

/// How long the token's answer is.
fn signature_bytes(kind: KeyKind) -> usize {
    match kind {
        KeyKind::Rsa { bits } => (bits as usize).div_ceil(8),
        KeyKind::Ec(curve) => 2 * curve.field_bytes(),
        KeyKind::Ed25519 => 64,
        KeyKind::MlDsa65 => 3309,
    }
}

fn normalised(kind: KeyKind, signature: Vec<u8>) -> Result<SignatureValue, Fault> {
    let fits = signature.len() == signature_bytes(kind);
    let value = match kind {
        KeyKind::Ec(_) if fits => ecdsa_der(&signature),
        _ if fits => Some(signature),
        _ => None,
    };
    value.map(SignatureValue).ok_or_else(|| Fault::Device(format!("the token's answer is no {kind} signature")))
}

/// The one attribute, if the object has it and shows it.
fn attribute(session: &Session, object: ObjectHandle, kind: AttributeType) -> Result<Option<Attribute>, Fault> {
    match session.get_attributes(object, &[kind]).map_err(Fault::from) {
        Ok(attributes) => Ok(attributes.into_iter().next()),
        // Old tokens answer all sorts of things for attributes that are younger than they are.
        Err(Fault::Request(_) | Fault::Device(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// A private key as a token shows it.
struct PrivateObject {
    handle: ObjectHandle,
    key_type: KeyType,
    uses: KeyUses,
    id: Vec<u8>,
    /// Modulus or point, if the token shows it at the private or at a public key with the same id.
    public: Option<Vec<u8>>,
}

impl PrivateObject {
    /// Whether this is the key of that public key. A key that does not show its public half is matched by its id.
    fn is(&self, kind: KeyKind, public: &[u8], id: &[u8]) -> bool {
        let type_fits = match kind {
            KeyKind::Rsa { .. } => self.key_type == KeyType::RSA,
            KeyKind::Ec(_) => self.key_type == KeyType::EC,
            KeyKind::Ed25519 => self.key_type == KeyType::EC_EDWARDS,
            KeyKind::MlDsa65 => false,
        };
        type_fits
            && match &self.public {
                Some(shown) => same_public(kind, shown, public),
                None => !id.is_empty() && self.id == id,
            }
    }
}

/// Compares what a token shows with the certificate's key. Moduli may have zeros in front; points should be wrapped in
/// an OCTET STRING (PKCS#11 3.2 section 6.3.3), but some tokens omit it.
fn same_public(kind: KeyKind, shown: &[u8], public: &[u8]) -> bool {
    match kind {
        KeyKind::Rsa { .. } => {
            let digits = shown.iter().position(|byte| *byte != 0).map_or(&[][..], |first| &shown[first..]);
            digits == public
        }
        KeyKind::MlDsa65 => shown == public,
        KeyKind::Ec(_) | KeyKind::Ed25519 => {
            let content = match shown {
                [0x04, 0x81, length, content @ ..] if content.len() == usize::from(*length) => content,
                [0x04, length, content @ ..] if content.len() == usize::from(*length) => content,
                _ => &[],
            };
            shown == public || content == public
        }
    }
}

/// The private keys of a token, or those with one id.
fn private_keys(session: &Session, id: Option<&[u8]>) -> Result<Vec<PrivateObject>, Fault> {
    let mut template = vec![Attribute::Class(ObjectClass::PRIVATE_KEY)];
    template.extend(id.map(|id| Attribute::Id(id.to_vec())));
    let mut keys = Vec::new();
    for handle in session.find_objects(&template)?.into_iter().take(KEYS_MAX) {
        let Some(Attribute::KeyType(key_type)) = attribute(session, handle, AttributeType::KeyType)? else { continue };
        let uses = uses(session, handle, key_type)?;
        let id = match attribute(session, handle, AttributeType::Id)? {
            Some(Attribute::Id(id)) => id,
            _ => Vec::new(),
        };
        let public = public_half(session, handle, key_type, &id)?;
        keys.push(PrivateObject { handle, key_type, uses, id, public });
    }
    Ok(keys)
}

/// What the token permits. Attributes that it does not show forbid nothing.
fn uses(session: &Session, handle: ObjectHandle, key_type: KeyType) -> Result<KeyUses, Fault> {
    let sign = !matches!(attribute(session, handle, AttributeType::Sign)?, Some(Attribute::Sign(false)));
    let decrypt = match key_type {
        KeyType::RSA => !matches!(attribute(session, handle, AttributeType::Decrypt)?, Some(Attribute::Decrypt(false))),
        KeyType::EC => !matches!(attribute(session, handle, AttributeType::Derive)?, Some(Attribute::Derive(false))),
        _ => false,
    };
    Ok(KeyUses { sign, decrypt })
}

fn public_half(
    session: &Session,
    private: ObjectHandle,
    key_type: KeyType,
    id: &[u8],
) -> Result<Option<Vec<u8>>, Fault> {
    let wanted = if key_type == KeyType::RSA { AttributeType::Modulus } else { AttributeType::EcPoint };
    let shown = |object| {
        Ok::<_, Fault>(match attribute(session, object, wanted)? {
            Some(Attribute::Modulus(bytes) | Attribute::EcPoint(bytes)) if !bytes.is_empty() => Some(bytes),
            _ => None,
        })
    };
    if let Some(public) = shown(private)? {
        return Ok(Some(public));
    }
    if id.is_empty() {
        return Ok(None);
    }
    let template =
        [Attribute::Class(ObjectClass::PUBLIC_KEY), Attribute::KeyType(key_type), Attribute::Id(id.to_vec())];
    let found = session.find_objects(&template)?;
    // Several public keys with one id tell nothing about which of them is meant.
    match found.as_slice() {
        [public] => shown(*public),
        _ => Ok(None),
    }
}

/// The handle of a key in this session.
fn find_private(session: &Session, key: &KeyRef, purpose: Use) -> Result<ObjectHandle, Fault> {
    let identity = &*key.0;
    let id = (!identity.id.is_empty()).then_some(identity.id.as_slice());
    private_keys(session, id)?
        .iter()
        .filter(|private| private.is(identity.kind, &identity.public, &identity.id))
        .find(|private| match purpose {
            Use::Sign => private.uses.sign,
            Use::Decrypt => private.uses.decrypt,
        })
        .map(|private| private.handle)
        .ok_or_else(|| {
            Fault::SessionLost("the key is not found on the token (any more, or without a login)".to_owned())
        })
}

/// The certificates of a token that have their private key on it. Those with the same id come first in question.
pub(crate) fn found_keys(session: &Session) -> Result<Vec<FoundKey>, Fault> {
    let keys = private_keys(session, None)?;
    let mut certificates = Vec::new();
    for object in
        session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)])?.into_iter().take(CERTIFICATES_MAX)
    {
        let Some(Attribute::Value(der)) = attribute(session, object, AttributeType::Value)? else { continue };
        let Ok(x509) = X509::from_der(&der) else { continue };
        let id = match attribute(session, object, AttributeType::Id)? {
            Some(Attribute::Id(id)) => id,
            _ => Vec::new(),
        };
        let label = match attribute(session, object, AttributeType::Label)? {
            Some(Attribute::Label(label)) => String::from_utf8_lossy(&label).into_owned(),
            _ => String::new(),
        };
        certificates.push((x509, id, label));
    }
    let others: Vec<X509> = certificates.iter().map(|(x509, _, _)| x509.clone()).collect();
    let mut found = Vec::new();
    for (x509, id, label) in certificates {
        let Some(certificate) = Certificate::parse(x509) else { continue };
        let fits = |key: &&PrivateObject| key.is(certificate.kind, &certificate.public, &id);
        let Some(key) = keys.iter().filter(|key| key.id == id).find(fits).or_else(|| keys.iter().find(fits)) else {
            continue;
        };
        let fitting = || keys.iter().filter(fits);
        let uses = KeyUses { sign: fitting().any(|key| key.uses.sign), decrypt: fitting().any(|key| key.uses.decrypt) };
        let always = attribute(session, key.handle, AttributeType::AlwaysAuthenticate)?;
        let always_authenticate = matches!(always, Some(Attribute::AlwaysAuthenticate(true)));
        let identity = KeyIdentity {
            kind: certificate.kind,
            always_authenticate,
            id: key.id.clone(),
            public: certificate.public.clone(),
        };
        found.push(FoundKey {
            key: KeyRef::new(identity),
            kind: certificate.kind,
            uses,
            always_authenticate,
            chain: certificate.chain(&others),
            certificate: certificate.der,
            label,
            subject: certificate.subject,
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use model::{Curve, Digest};

    #[test]
    fn the_token_gets_a_digest_info_or_a_cut_digest() {
        let to_be_signed = |kind, digest: DigestAlgorithm| ToBeSigned::Digest {
            algorithm: SignatureAlgorithm::for_key(kind, digest, false),
            digest: Digest::new(digest, &vec![7; digest.len()]).unwrap(),
        };
        let rsa = KeyKind::Rsa { bits: 2048 };
        let info = token_input(rsa, &to_be_signed(rsa, DigestAlgorithm::Sha512));
        assert_eq!(info[..19], *b"\x30\x51\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40");
        assert_eq!(info.len(), 19 + 64);
        let ec = KeyKind::Ec(Curve::P256);
        assert_eq!(token_input(ec, &to_be_signed(ec, DigestAlgorithm::Sha512)), [7; 32]);
    }

    #[test]
    fn points_match_wrapped_and_bare() {
        let ec = KeyKind::Ec(Curve::P256);
        assert!(same_public(ec, &[4, 2, 9, 8], &[9, 8]));
        assert!(same_public(ec, &[9, 8], &[9, 8]));
        assert!(same_public(ec, &[4, 0x81, 2, 9, 8], &[9, 8]));
        assert!(!same_public(ec, &[4, 3, 9, 8], &[9, 8]));
        assert!(same_public(KeyKind::Rsa { bits: 16 }, &[0, 9, 8], &[9, 8]));
    }

    #[test]
    fn answers_of_the_wrong_length_are_no_signatures() {
        for kind in [KeyKind::Rsa { bits: 2048 }, KeyKind::Ec(Curve::P521), KeyKind::Ed25519] {
            assert!(normalised(kind, vec![1; signature_bytes(kind)]).is_ok());
            assert!(normalised(kind, vec![1; signature_bytes(kind) - 1]).is_err());
            assert!(normalised(kind, Vec::new()).is_err());
        }
    }
}
