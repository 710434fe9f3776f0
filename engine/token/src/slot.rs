//! Which tokens are in the slots of a module. Never logs in.
//!
//! Slots move when readers are replugged; so tokens are found by serial number, each time anew. One slot's trouble never
//! hides another slot.

use crate::certificate::Certificate;
use crate::fault::Fault;
use crate::found::{PinState, TokenInfo};
use crate::module::Module;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::slot::{Limit, Slot};
use model::{KeyKind, TokenSerial};
use openssl::x509::X509;

/// Certificates that are read from one token.
pub(crate) const CERTIFICATES_MAX: usize = 1_000;

/// The token in a slot, if the module can tell.
pub(crate) fn token_in(module: &Module, slot: Slot) -> Result<TokenInfo, Fault> {
    let info = module.with(|pkcs11| pkcs11.get_token_info(slot))?;
    // Padded with blanks, says the standard; some modules pad with zeros.
    let text = |padded: &str| padded.trim_end_matches([' ', '\0']).to_owned();
    Ok(TokenInfo {
        serial: TokenSerial(text(info.serial_number()).into()),
        label: text(info.label()),
        manufacturer: text(info.manufacturer_id()),
        model: text(info.model()),
        pin: PinState {
            login_required: info.login_required(),
            initialised: info.user_pin_initialized(),
            pad: info.protected_authentication_path(),
            count_low: info.user_pin_count_low(),
            final_try: info.user_pin_final_try(),
            locked: info.user_pin_locked(),
            must_change: info.user_pin_to_be_changed(),
        },
        sessions_max: match info.max_session_count() {
            Limit::Max(count) => Some(count),
            Limit::Unavailable | Limit::Infinite => None,
        },
    })
}

/// The slot of this token and what it tells; [`Fault::Absent`] if it is in none.
pub(crate) fn find(module: &Module, serial: &TokenSerial) -> Result<(Slot, TokenInfo), Fault> {
    for slot in module.with(|pkcs11| pkcs11.get_slots_with_token())? {
        match token_in(module, slot) {
            Ok(info) if info.serial == *serial => return Ok((slot, info)),
            Ok(_) => {}
            Err(fault) => tracing::debug!(slot = slot.id(), %fault, "slot cannot be read"),
        }
    }
    Err(Fault::Absent)
}

/// One slot, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotListing {
    /// The slot's number at this moment.
    pub slot: u64,
    /// What the module calls the slot.
    pub description: String,
    /// The token in it; `None` if there is none. An error says why it could not be read.
    pub token: Option<Result<TokenListing, Fault>>,
}

/// One token, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenListing {
    /// What it tells about itself.
    pub info: TokenInfo,
    /// Names of the mechanisms that it offers, `CKM_…`, sorted.
    pub mechanisms: Vec<String>,
    /// The certificates that are visible without a login.
    pub certificates: Vec<CertificateListing>,
}

/// One certificate, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateListing {
    /// Its label on the token.
    pub label: String,
    /// Its `CKA_ID`.
    pub id: Vec<u8>,
    /// Subject common name.
    pub subject: String,
    /// Kind of key; `None` if sealmill does not sign with it.
    pub kind: Option<KeyKind>,
}

/// Everything that a module shows without a login.
pub fn list_slots(module: &Module) -> Result<Vec<SlotListing>, Fault> {
    let slots = module.with(|pkcs11| pkcs11.get_all_slots())?;
    Ok(slots.into_iter().map(|slot| list_slot(module, slot)).collect())
}

fn list_slot(module: &Module, slot: Slot) -> SlotListing {
    let (description, present) = match module.with(|pkcs11| pkcs11.get_slot_info(slot)) {
        Ok(info) => (info.slot_description().trim_end().to_owned(), info.token_present()),
        Err(fault) => {
            return SlotListing { slot: slot.id(), description: String::new(), token: Some(Err(fault)) };
        }
    };
    SlotListing { slot: slot.id(), description, token: present.then(|| list_token(module, slot)) }
}

fn list_token(module: &Module, slot: Slot) -> Result<TokenListing, Fault> {
    let info = token_in(module, slot)?;
    let mut mechanisms: Vec<String> = module
        .with(|pkcs11| pkcs11.get_mechanism_list(slot))?
        .into_iter()
        .map(|mechanism| mechanism.to_string())
        .collect();
    mechanisms.sort();
    let certificates = if info.serial.0.is_empty() { Vec::new() } else { list_certificates(module, slot)? };
    Ok(TokenListing { info, mechanisms, certificates })
}

fn list_certificates(module: &Module, slot: Slot) -> Result<Vec<CertificateListing>, Fault> {
    let open = module.open(slot)?;
    let session = open.get()?;
    let mut listed = Vec::new();
    for object in
        session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)])?.into_iter().take(CERTIFICATES_MAX)
    {
        let wanted = [AttributeType::Label, AttributeType::Id, AttributeType::Value];
        let (mut label, mut id, mut value) = (Vec::new(), Vec::new(), Vec::new());
        for attribute in session.get_attributes(object, &wanted)? {
            match attribute {
                Attribute::Label(bytes) => label = bytes,
                Attribute::Id(bytes) => id = bytes,
                Attribute::Value(bytes) => value = bytes,
                _ => {}
            }
        }
        let certificate = X509::from_der(&value).ok().and_then(Certificate::parse);
        listed.push(CertificateListing {
            label: String::from_utf8_lossy(&label).into_owned(),
            id,
            kind: certificate.as_ref().map(|certificate| certificate.kind),
            subject: certificate.map(|certificate| certificate.subject).unwrap_or_default(),
        });
    }
    Ok(listed)
}
