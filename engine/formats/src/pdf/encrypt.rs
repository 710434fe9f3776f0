//! The standard security handler (ISO 32000-1 7.6, ISO 32000-2 7.6): opens with a password and encrypts what we add. The
//! algorithms are lopdf's; this file owns when they apply, and the permissions.

use super::lexer::{self, Dictionary, Reference};
use super::{damaged, unsupported};
use crate::prepare::FormatError;
use lopdf::encryption::PasswordAlgorithm;
use lopdf::encryption::crypt_filters::CryptFilter;
use lopdf::{Document, EncryptionState, Object, StringFormat};
use std::sync::Arc;

/// Bits of `/P` (ISO 32000-1 table 22), counted from 1 there.
const MODIFY: i64 = 1 << 3;
const ANNOTATE: i64 = 1 << 5;
const FILL: i64 = 1 << 8;

/// An opened security handler.
#[derive(Clone)]
pub(super) struct Crypt {
    key: Vec<u8>,
    strings: Arc<dyn CryptFilter>,
    streams: Arc<dyn CryptFilter>,
    /// `/P`; `None` if the password was the owner's, who may do everything.
    permissions: Option<i64>,
}

impl Crypt {
    /// Opens the handler that the `/Encrypt` dictionary and the first part of the `/ID` describe. Without a password
    /// the empty one is tried, with which most encrypted invoices open.
    pub(super) fn open(encrypt: &[u8], id: Option<&[u8]>, password: Option<&str>) -> Result<Self, FormatError> {
        let raw = Dictionary::new(encrypt).ok_or_else(|| damaged("its encryption dictionary is malformed"))?;
        if raw.name("Filter").as_deref() != Some(b"Standard") {
            return Err(unsupported(
                "it is encrypted for certificates or by a foreign method, not with a password".into(),
            ));
        }
        let modern = raw.integer("R").is_some_and(|revision| revision >= 5);
        check_lengths(&raw, modern)?;
        let mut document = Document::new();
        let mut dictionary = convert(encrypt);
        if let Object::Dictionary(dictionary) = &mut dictionary
            && raw.integer("V").is_some_and(|version| version != 2)
        {
            // Of use with version 2 only; elsewhere writers put wrong numbers here, which readers ignore.
            dictionary.remove(b"Length");
        }
        let dictionary = document.add_object(dictionary);
        document.trailer.set("Encrypt", Object::Reference(dictionary));
        if let Some(id) = id {
            let first = Object::String(id.to_vec(), StringFormat::Hexadecimal);
            document.trailer.set("ID", Object::Array(vec![first.clone(), first]));
        }
        let unknown = || unsupported("it is encrypted by a method that is not supported".into());
        PasswordAlgorithm::try_from(&document).map_err(|_| unknown())?;
        let encode = |password: &str| match modern {
            true => password.as_bytes().to_vec(),
            false => password.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect(),
        };
        let needed = || match password {
            None => {
                FormatError::document("pdf-password-needed", "the PDF is encrypted and a password is needed to open it")
            }
            Some(_) => FormatError::document(
                "pdf-password-wrong",
                "the PDF is encrypted and the configured password does not open it",
            ),
        };
        let tries = password.into_iter().chain([""]).map(encode);
        let accepted = tries
            .into_iter()
            .find_map(|password| {
                let owner = document.authenticate_raw_owner_password(&password).is_ok();
                (owner || document.authenticate_raw_user_password(&password).is_ok()).then_some((password, owner))
            })
            .ok_or_else(needed)?;
        let state = EncryptionState::decode(&document, &accepted.0).map_err(|_| unknown())?;
        let permissions = raw.integer("P").ok_or_else(|| damaged("its encryption dictionary is malformed"))?;
        Ok(Self {
            key: state.file_encryption_key().to_vec(),
            strings: state.get_string_filter(),
            streams: state.get_stream_filter(),
            permissions: (!accepted.1).then_some(permissions),
        })
    }

    /// Whether the password allows to fill a signature field that exists.
    pub(super) fn may_fill(&self) -> bool {
        self.permissions.is_none_or(|bits| bits & (ANNOTATE | FILL) != 0)
    }

    /// Whether the password allows to create a signature field.
    pub(super) fn may_create(&self) -> bool {
        self.permissions.is_none_or(|bits| bits & MODIFY != 0 && bits & ANNOTATE != 0)
    }

    pub(super) fn encrypt_string(&self, id: Reference, plain: &[u8]) -> Result<Vec<u8>, FormatError> {
        self.with(&self.strings, id, |filter, key| filter.encrypt(key, plain))
    }

    pub(super) fn decrypt_string(&self, id: Reference, data: &[u8]) -> Result<Vec<u8>, FormatError> {
        self.with(&self.strings, id, |filter, key| filter.decrypt(key, data))
    }

    pub(super) fn encrypt_stream(&self, id: Reference, plain: &[u8]) -> Result<Vec<u8>, FormatError> {
        self.with(&self.streams, id, |filter, key| filter.encrypt(key, plain))
    }

    pub(super) fn decrypt_stream(&self, id: Reference, data: &[u8]) -> Result<Vec<u8>, FormatError> {
        self.with(&self.streams, id, |filter, key| filter.decrypt(key, data))
    }

    fn with<E>(
        &self,
        filter: &Arc<dyn CryptFilter>,
        id: Reference,
        apply: impl FnOnce(&dyn CryptFilter, &[u8]) -> Result<Vec<u8>, E>,
    ) -> Result<Vec<u8>, FormatError> {
        let broken = || damaged("an encrypted part of it cannot be decrypted");
        let key = filter.compute_key(&self.key, (id.number, id.generation)).map_err(|_| broken())?;
        apply(&**filter, &key).map_err(|_| broken())
    }
}

impl std::fmt::Debug for Crypt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crypt").field("permissions", &self.permissions).finish_non_exhaustive()
    }
}

/// Makes sure that the strings are as long as the algorithms take for granted (ISO 32000-1 table 21, ISO 32000-2 table 21).
fn check_lengths(encrypt: &Dictionary<'_>, modern: bool) -> Result<(), FormatError> {
    let exact: &[(&str, usize)] =
        if modern { &[("O", 48), ("U", 48), ("OE", 32), ("UE", 32), ("Perms", 16)] } else { &[("O", 32), ("U", 32)] };
    for (key, length) in exact {
        // Some writers pad the strings with zeros.
        let found = encrypt.get(key).and_then(lexer::string).map(|text| text.len());
        if !found.is_some_and(|found| found >= *length && found <= 127) {
            return Err(damaged("its encryption dictionary is malformed"));
        }
    }
    Ok(())
}

/// The encryption dictionary in lopdf's types. The nesting of the raw value has been bounded when it was read.
fn convert(raw: &[u8]) -> Object {
    if let Some(dictionary) = Dictionary::new(raw) {
        let entries = dictionary.iter().map(|(key, value)| (key.to_vec(), convert(value)));
        return Object::Dictionary(entries.collect());
    }
    if let Some(items) = lexer::items(raw) {
        return Object::Array(items.map(convert).collect());
    }
    if let Some(text) = lexer::string(raw) {
        return Object::String(text, StringFormat::Hexadecimal);
    }
    if let Some(name) = lexer::name(raw) {
        return Object::Name(name.into_owned());
    }
    match (lexer::integer(raw), raw) {
        (Some(number), _) => Object::Integer(number),
        (None, b"true") => Object::Boolean(true),
        (None, b"false") => Object::Boolean(false),
        _ => Object::Null,
    }
}
