//! Decryption in a PKCS#11 session: `C_Decrypt` for RSA, `C_DeriveKey` for elliptic curves.

use super::{Pkcs11Session, Use};
use crate::decryption::{not_opened, oaep_unpadded, or_random};
use crate::fault::{Fault, fault_of};
use crate::found::KeyRef;
use cryptoki::error::RvError;
use cryptoki::mechanism::elliptic_curve::{EcKdf, Ecdh1DeriveParams};
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use model::{KeyKind, OaepPadding, Secret, Sha, WrappedKey};
use zeroize::Zeroizing;

impl Pkcs11Session {
    pub(super) fn open_key(&mut self, key: &KeyRef, wrapped: &WrappedKey) -> Result<Secret, Fault> {
        key.check_wrapped(wrapped)?;
        let with_login = key.always_authenticate() && !matches!(wrapped, WrappedKey::Ecdh { .. });
        if with_login && self.context.is_none() {
            return Err(Fault::Request("the key needs a login for each use, and no PIN is in hand".to_owned()));
        }
        let handle = self.handle(key, Use::Decrypt)?;
        match wrapped {
            WrappedKey::RsaPkcs1 { encrypted, length } => {
                or_random(self.rsa(key, handle, &Mechanism::RsaPkcs, encrypted)?, *length)
            }
            WrappedKey::RsaOaep { encrypted, padding } => {
                let opened = match self.rsa(key, handle, &Mechanism::RsaPkcsOaep(oaep(padding)), encrypted) {
                    // Many tokens know SHA-1 only, some no OAEP at all: then the padding is taken off here.
                    Err(Fault::Request(why)) => match self.rsa(key, handle, &Mechanism::RsaX509, encrypted) {
                        Err(Fault::Request(_)) => return Err(Fault::Request(why)),
                        padded => padded?.and_then(|padded| oaep_unpadded(padded.expose(), padding)),
                    },
                    opened => opened?,
                };
                opened.ok_or_else(not_opened)
            }
            WrappedKey::Ecdh { point } => agree(self.open.get()?, key.kind(), handle, point),
        }
    }

    /// `None` if the token says, in whatever words it has, that this is nothing that the key opens.
    fn rsa(
        &self,
        key: &KeyRef,
        handle: ObjectHandle,
        mechanism: &Mechanism<'_>,
        encrypted: &[u8],
    ) -> Result<Option<Secret>, Fault> {
        self.open.get()?.decrypt_init(mechanism, handle)?;
        if key.always_authenticate() {
            self.log_in_for_this_operation()?;
        }
        let mut input = encrypted.to_vec();
        let KeyKind::Rsa { bits } = key.kind() else { return Err(not_opened()) };
        let mut plain = Zeroizing::new(vec![0; bits.div_ceil(8) as usize]);
        match self.open.decrypt(&mut input, &mut plain)? {
            Ok(length) => Ok(plain.get(..length).map(|plain| Secret::new(plain.to_vec()))),
            Err(
                RvError::EncryptedDataInvalid
                | RvError::EncryptedDataLenRange
                | RvError::DataInvalid
                | RvError::DataLenRange
                | RvError::ArgumentsBad
                | RvError::BufferTooSmall
                // SoftHSM and others have no better words for a padding that is wrong. A token in real trouble will
                // say so again.
                | RvError::FunctionFailed
                | RvError::GeneralError,
            ) => Ok(None),
            Err(code) => Err(fault_of(code, "C_Decrypt")),
        }
    }
}

fn oaep(padding: &OaepPadding) -> PkcsOaepParams<'_> {
    let hash = match padding.hash {
        Sha::Sha1 => MechanismType::SHA1,
        Sha::Sha224 => MechanismType::SHA224,
        Sha::Sha256 => MechanismType::SHA256,
        Sha::Sha384 => MechanismType::SHA384,
        Sha::Sha512 => MechanismType::SHA512,
    };
    let mask = match padding.mask {
        Sha::Sha1 => PkcsMgfType::MGF1_SHA1,
        Sha::Sha224 => PkcsMgfType::MGF1_SHA224,
        Sha::Sha256 => PkcsMgfType::MGF1_SHA256,
        Sha::Sha384 => PkcsMgfType::MGF1_SHA384,
        Sha::Sha512 => PkcsMgfType::MGF1_SHA512,
    };
    let label =
        if padding.label.is_empty() { PkcsOaepSource::empty() } else { PkcsOaepSource::data_specified(&padding.label) };
    PkcsOaepParams::new(hash, mask, label)
}

/// The shared secret itself, as a session object that is read and removed at once: the key derivations of CMS are not
/// among those that tokens know by heart, and old tokens know none.
fn agree(session: &Session, kind: KeyKind, handle: ObjectHandle, point: &[u8]) -> Result<Secret, Fault> {
    let KeyKind::Ec(curve) = kind else { return Err(not_opened()) };
    let mechanism = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), point));
    let length = curve.field_bytes();
    let template = [
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
        // 32, 48 or 66: fits every C long.
        Attribute::ValueLen((length as cryptoki_sys::CK_ULONG).into()),
    ];
    let derived = match session.derive_key(&mechanism, handle, &template) {
        Ok(derived) => derived,
        // A point that is not on the curve.
        Err(cryptoki::error::Error::Pkcs11(RvError::GeneralError | RvError::FunctionFailed, _)) => {
            return Err(not_opened());
        }
        Err(error) => return Err(error.into()),
    };
    let value = session.get_attributes(derived, &[AttributeType::Value]);
    // Best effort: it vanishes with the session anyway.
    let _ = session.destroy_object(derived);
    match value?.into_iter().next() {
        Some(Attribute::Value(value)) if value.len() == length => Ok(Secret::new(value)),
        _ => Err(Fault::Request("the token does not give the secret of the key agreement out".to_owned())),
    }
}
