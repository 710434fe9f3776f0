//! What the author of an empty signature field demands of the signature: seed values (ISO 32000-1 12.7.4.5 table 234) and the
//! lock that comes into force with it (table 233). Demands that cannot be met are refused, never ignored.

use super::lexer::{self, Dictionary, Reference};
use super::reader::Document;
use super::update::Tail;
use super::window::Object;
use crate::prepare::FormatError;
use model::profile::{CertificationLevel, Format};
use model::{DigestAlgorithm, Profile, Signer};

/// Bits of `/Ff` in a seed value dictionary, counted from 0.
const FILTER: i64 = 1;
const SUB_FILTER: i64 = 1 << 1;
const VERSION: i64 = 1 << 2;
const REASONS: i64 = 1 << 3;
const LEGAL_ATTESTATION: i64 = 1 << 4;
const ADD_REVOCATION: i64 = 1 << 5;
const DIGEST_METHOD: i64 = 1 << 6;
const LOCK_DOCUMENT: i64 = 1 << 7;
const APPEARANCE_FILTER: i64 = 1 << 8;

/// Bits of `/Ff` in its `/Cert`.
const CERT_SUBJECT: i64 = 1;
const CERT_ISSUER: i64 = 1 << 1;

fn unmet(what: &str) -> FormatError {
    let sentence = format!("the signature field of the form demands {what}, which this profile and signer do not meet");
    FormatError::document("pdf-seed-value", sentence)
}

/// Checks the seed values of a field.
pub(super) fn check(
    document: &mut Document<'_>,
    field: &Object<'_>,
    profile: &Profile,
    signer: &Signer,
    digest: DigestAlgorithm,
) -> Result<(), FormatError> {
    let Some(raw) = Dictionary::new(&field.value).and_then(|field| field.get("SV")) else { return Ok(()) };
    let object = document.follow(raw, field)?;
    let Some(seed) = Dictionary::new(&object.value) else { return Ok(()) };
    let flags = seed.integer("Ff").unwrap_or(0);
    let required = |bit: i64, key: &str| if flags & bit != 0 { seed.get(key) } else { None };
    if let Some(raw) = required(FILTER, "Filter")
        && lexer::name(raw).as_deref() != Some(b"Adobe.PPKLite")
    {
        return Err(unmet("another signature handler"));
    }
    if let Some(raw) = required(SUB_FILTER, "SubFilter") {
        let list = document.follow(raw, &object)?;
        let ours = sub_filter(profile.format).as_bytes();
        if !lexer::items(&list.value).into_iter().flatten().any(|item| lexer::name(item).as_deref() == Some(ours)) {
            return Err(unmet("another kind of signature (/SubFilter)"));
        }
    }
    if required(VERSION, "V").and_then(lexer::number).is_some_and(|version| version > 3.0) {
        return Err(unmet("a newer kind of signature"));
    }
    if flags & REASONS != 0 {
        check_reasons(document, &seed, &object, profile)?;
    }
    if required(DIGEST_METHOD, "DigestMethod").is_some() {
        let raw = seed.get("DigestMethod").unwrap_or_default();
        let ours = digest.to_string().replace('-', "");
        let list = document.texts(raw, &object)?;
        if !list.iter().any(|method| method.replace('-', "").eq_ignore_ascii_case(&ours)) {
            return Err(unmet(&format!("the digest {}", list.join(" or "))));
        }
    }
    if required(ADD_REVOCATION, "AddRevInfo") == Some(b"true") {
        return Err(unmet("revocation information inside the signature"));
    }
    if required(LEGAL_ATTESTATION, "LegalAttestation").is_some() && profile.pdf.certify.is_some() {
        return Err(unmet("a legal attestation"));
    }
    if required(LOCK_DOCUMENT, "LockDocument")
        .is_some_and(|raw| lexer::name(raw).as_deref() == Some(b"true") || raw == b"true")
    {
        return Err(unmet("to lock the document"));
    }
    if required(APPEARANCE_FILTER, "AppearanceFilter").is_some() {
        return Err(unmet("an appearance of a given name"));
    }
    if let Some(raw) = seed.get("MDP") {
        let wanted = document.follow(raw, &object)?;
        let wanted = Dictionary::new(&wanted.value).and_then(|mdp| mdp.integer("P"));
        let ours = profile.pdf.certify.map_or(0, level);
        if wanted.is_some_and(|wanted| wanted != ours) {
            return Err(unmet(if wanted == Some(0) {
                "an approval signature"
            } else {
                "a certification signature of another level"
            }));
        }
    }
    if let Some(raw) = seed.get("TimeStamp") {
        let stamp = document.follow(raw, &object)?;
        if Dictionary::new(&stamp.value).and_then(|stamp| stamp.integer("Ff")).unwrap_or(0) & 1 != 0 {
            return Err(unmet("a time-stamp"));
        }
    }
    if let Some(raw) = seed.get("Cert") {
        let certificate = document.follow(raw, &object)?;
        check_certificate(document, &certificate, signer)?;
    }
    Ok(())
}

fn check_reasons(
    document: &mut Document<'_>,
    seed: &Dictionary<'_>,
    object: &Object<'_>,
    profile: &Profile,
) -> Result<(), FormatError> {
    let reasons = document.texts(seed.get("Reasons").unwrap_or(b"[]"), object)?;
    let none_allowed = reasons.is_empty() || reasons == ["."];
    match &profile.pdf.reason {
        Some(_) if none_allowed => Err(unmet("a signature without a reason")),
        None if none_allowed => Ok(()),
        Some(reason) if reasons.contains(reason) => Ok(()),
        _ => Err(unmet(&format!("one of the reasons \u{201c}{}\u{201d}", reasons.join("\u{201d}, \u{201c}")))),
    }
}

fn check_certificate(document: &mut Document<'_>, object: &Object<'_>, signer: &Signer) -> Result<(), FormatError> {
    let Some(wanted) = Dictionary::new(&object.value) else { return Ok(()) };
    let flags = wanted.integer("Ff").unwrap_or(0);
    for (bit, key, what) in [(CERT_SUBJECT, "Subject", "another signer"), (CERT_ISSUER, "Issuer", "another issuer")] {
        let Some(raw) = wanted.get(key).filter(|_| flags & bit != 0) else { continue };
        let list = document.follow(raw, object)?;
        let mut found = false;
        for item in lexer::items(&list.value).into_iter().flatten() {
            let text = document.follow(item, &list)?;
            let der = document.string(&text.value, &text)?;
            found |=
                der == *signer.certificate || (bit == CERT_ISSUER && signer.chain.iter().any(|link| **link == *der));
        }
        if !found {
            return Err(unmet(what));
        }
    }
    if flags & !(CERT_SUBJECT | CERT_ISSUER) != 0 {
        return Err(unmet("properties of the certificate that cannot be checked"));
    }
    Ok(())
}

/// What the field's `/Lock` locks once it is signed.
pub(super) struct Lock {
    action: String,
    fields: Option<Vec<String>>,
}

/// Reads the lock of a field.
pub(super) fn lock(document: &mut Document<'_>, field: &Object<'_>) -> Result<Option<Lock>, FormatError> {
    let Some(raw) = Dictionary::new(&field.value).and_then(|field| field.get("Lock")) else { return Ok(None) };
    let object = document.follow(raw, field)?;
    let Some(lock) = Dictionary::new(&object.value) else { return Ok(None) };
    let Some(action) = lock.name("Action").filter(|action| matches!(&**action, b"All" | b"Include" | b"Exclude"))
    else {
        return Ok(None);
    };
    let fields = match lock.get("Fields") {
        Some(raw) if *action != *b"All" => Some(document.texts(raw, &object)?),
        _ => None,
    };
    Ok(Some(Lock { action: String::from_utf8_lossy(&action).into_owned(), fields }))
}

/// The value of `/Reference` in the signature dictionary `id`: what this signature locks and permits. `root` is the
/// catalog.
pub(super) fn references(
    tail: &Tail<'_>,
    id: Reference,
    root: Reference,
    certify: Option<CertificationLevel>,
    lock: Option<&Lock>,
) -> Result<Option<Vec<u8>>, FormatError> {
    if certify.is_none() && lock.is_none() {
        return Ok(None);
    }
    let mut value = b"[".to_vec();
    if let Some(certify) = certify {
        let parameters = format!("<< /Type /TransformParams /P {} /V /1.2 >>", level(certify));
        value.extend_from_slice(
            format!("<< /Type /SigRef /TransformMethod /DocMDP /TransformParams {parameters} >>").as_bytes(),
        );
    }
    if let Some(lock) = lock {
        let head = format!(
            "<< /Type /SigRef /TransformMethod /FieldMDP /Data {root} /TransformParams << /Type /TransformParams /Action /{} ",
            lock.action
        );
        value.extend_from_slice(head.as_bytes());
        if let Some(fields) = &lock.fields {
            value.extend_from_slice(b"/Fields [");
            for field in fields {
                value.extend_from_slice(&tail.string(id, &lexer::encode_text(field))?);
            }
            value.extend_from_slice(b"] ");
        }
        value.extend_from_slice(b"/V /1.2 >> >>");
    }
    value.push(b']');
    Ok(Some(value))
}

fn level(level: CertificationLevel) -> i64 {
    match level {
        CertificationLevel::NoChanges => 1,
        CertificationLevel::FormFilling => 2,
        CertificationLevel::Annotations => 3,
    }
}

/// The `/SubFilter` of a form.
pub(super) fn sub_filter(format: Format) -> &'static str {
    match format {
        Format::Pades => "ETSI.CAdES.detached",
        _ => "adbe.pkcs7.detached",
    }
}
