//! Between the words of the messages and those of `actors`: contents, names, media types, faults.

use crate::content::Content;
use crate::fault::{Fault, Who, status};
use crate::read::Contents;
use crate::types::Setting;
use crate::value::BinaryRef;
use actors::api::{Body, Ended, Made, Refused};
use actors::document::{Origin, Place};
use actors::pipeline::Failure;
use actors::spool::{Content as Spooled, Lent};
use bytes::Bytes;
use model::profile::{Container, Format, Level};
use model::{Digest, DigestAlgorithm, Profile, Reason, SignerName};
use std::sync::Arc;

/// What came in a message, for the pipeline: where it is, and kept there.
pub(super) fn lent(content: Content) -> Result<Spooled, Fault> {
    let place = match content.origin() {
        Origin::Bytes(bytes) => return Ok(Spooled::Bytes(bytes)),
        Origin::File(path) => Place::File(path),
        _ => return Err(Fault::server("content", "a document of the request is nowhere")),
    };
    Ok(Spooled::Lent(Lent { place, length: content.len(), owner: Arc::new(content) }))
}

/// What was made, for an answer.
pub(super) fn given(content: Spooled) -> Content {
    match content.place() {
        Place::Bytes(bytes) => Content::of_bytes(bytes),
        Place::File(path) => Content::of_lent_file(path, content.len(), Arc::new(content)),
    }
}

/// The content that a field stands for.
pub(super) fn taken(contents: &mut Contents, reference: BinaryRef) -> Result<Spooled, Fault> {
    lent(contents.take(reference)?)
}

/// A small content as bytes: a certificate, a digest, a time stamp.
pub(super) fn small(contents: &mut Contents, reference: BinaryRef, what: &str, max: usize) -> Result<Bytes, Fault> {
    let bytes = contents.take(reference)?.bytes(max);
    let bytes = bytes.map_err(|error| Fault::server("content", format!("the {what} cannot be read again: {error}")))?;
    bytes.ok_or_else(|| Fault::too_large("too-large", format!("the {what} has more than {max} bytes")))
}

/// The document of a request, with what it is about if it is a detached signature.
pub(super) fn body(contents: &mut Contents, document: BinaryRef, original: Option<BinaryRef>) -> Result<Body, Fault> {
    let document = taken(contents, document)?;
    Ok(match original {
        Some(original) => Body::Detached { signature: document, original: taken(contents, original)? },
        None => Body::Whole(document),
    })
}

/// A digest with the name of what made it.
pub(super) fn digest(contents: &mut Contents, value: BinaryRef, algorithm: &str) -> Result<Digest, Fault> {
    let algorithm = match algorithm {
        "SHA-256" => DigestAlgorithm::Sha256,
        "SHA-384" => DigestAlgorithm::Sha384,
        "SHA-512" => DigestAlgorithm::Sha512,
        other => return Err(Fault::client("digest-algorithm", format!("{other} is no digest that is signed here"))),
    };
    let value = small(contents, value, "digest", DIGEST_BYTES_MAX)?;
    let (wanted, length) = (algorithm.len(), value.len());
    let wrong = || Fault::client("digest-length", format!("a digest by {algorithm} has {wanted} bytes, not {length}"));
    Digest::new(algorithm, &value).ok_or_else(wrong)
}

const DIGEST_BYTES_MAX: usize = 1_024;

/// What a document is called if nobody says so.
pub(super) fn name_or(name: Option<String>, otherwise: &str) -> String {
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| otherwise.to_owned())
}

pub(super) fn signers(names: &[String]) -> Vec<SignerName> {
    names.iter().map(|name| SignerName(name.as_str().into())).collect()
}

pub(super) fn settings(settings: Vec<Setting>) -> Vec<(String, String)> {
    settings.into_iter().map(|setting| (setting.name, setting.value)).collect()
}

/// The media type of a result.
pub(super) fn media_type(format: Format, contains_original: bool, encrypted: bool, original: Option<&str>) -> String {
    let media = match format {
        _ if encrypted => "application/pkcs7-mime",
        Format::Cms { .. } | Format::Cades { .. } if contains_original => "application/pkcs7-mime",
        Format::Cms { .. } | Format::Cades { .. } => "application/pkcs7-signature",
        Format::Pdf | Format::Pades => "application/pdf",
        Format::Xmldsig(_) | Format::Xades(_) => "application/xml",
        Format::Asic { container: Container::Simple, .. } => "application/vnd.etsi.asic-s+zip",
        Format::Asic { container: Container::Extended, .. } => "application/vnd.etsi.asic-e+zip",
        Format::TimeStamp => "application/timestamp-reply",
        Format::Encrypted => "application/pkcs7-mime",
        Format::Extended => return original.unwrap_or("application/octet-stream").to_owned(),
        Format::Decrypted => "application/octet-stream",
    };
    media.to_owned()
}

/// The media type of what was made by a profile.
pub(super) fn media_of(made: &Made, profile: &Profile, original: Option<&str>) -> String {
    let encrypted = profile.encryption.is_some() && made.format.signs();
    media_type(made.format, made.contains_original, encrypted, original)
}

/// The level of what was made by a profile.
pub(super) fn level_of(format: Format, profile: &Profile) -> Option<String> {
    let word = match profile.level {
        Level::B => "B",
        Level::T => "T",
        Level::Lt => "LT",
        Level::Lta => "LTA",
    };
    format.has_levels().then(|| word.to_owned())
}

/// The form of what was made, as messages say it.
pub(super) fn form_of(made: &Made) -> String {
    made.format.word().to_owned()
}

/// Names a document in the log.
pub(super) fn id_of(ended: &Ended) -> String {
    ended.id.map(|id| id.to_string()).unwrap_or_default()
}

/// The one end of a call with one document.
pub(super) fn only(ended: Vec<Ended>) -> Result<Ended, Fault> {
    ended.into_iter().next().ok_or_else(|| Fault::server("failed", "the operation has failed"))
}

/// A call that was not worked on.
pub(super) fn refused(refused: Refused) -> Fault {
    let sentence = refused.to_string();
    match refused {
        Refused::Denied(denied) => Fault::denied(&denied),
        Refused::NoProfile(_) => Fault::not_found("profile-unknown", sentence),
        Refused::NoSigner(_) => Fault::not_found("signer-unknown", sentence),
        Refused::NoBatch(_) => Fault::not_found("batch-unknown", sentence),
        Refused::NoVerification => Fault::not_available("verification"),
        Refused::WrongProfile { .. } => Fault::client("profile-unfit", sentence),
        Refused::WrongBody(_) => Fault::client("body-unfit", sentence),
        Refused::NoDocument => Fault::client("no-document", sentence),
        Refused::NoSetting(_) => Fault::client("setting-unknown", sentence),
        Refused::NotInBatches => Fault::client("not-in-batches", sentence),
        Refused::BadKey => Fault::client("bad-key", sentence),
        Refused::KeyReused => Fault::conflict("key-reused", sentence),
        Refused::InProgress => Fault::conflict("in-progress", sentence).with_retry_after(RETRY_SECONDS),
        Refused::TooMany(_) => Fault::too_large("too-many-documents", sentence),
        Refused::Busy => Fault::busy(RETRY_SECONDS),
        Refused::ShuttingDown => Fault { sentence, ..Fault::busy(RETRY_LATER_SECONDS) },
        Refused::Store(error) => store(&error),
        Refused::Spool(_) => {
            tracing::error!(%sentence, "the spool folder");
            let sentence = "the spool folder of the server cannot be used; try again later";
            Fault::server("spool", sentence).with_http(503).with_retry_after(RETRY_LATER_SECONDS)
        }
        Refused::Internal => Fault::server("failed", sentence),
    }
}

/// The store is at fault. What exactly, is for the log.
pub(super) fn store(error: &store::StoreError) -> Fault {
    tracing::error!(%error, "the store");
    let sentence = "the database of the server does not answer; try again later";
    Fault::server("store", sentence).with_http(503).with_retry_after(RETRY_LATER_SECONDS)
}

/// A document of which nothing was made, as the fault of its call.
pub(super) fn failed(failure: Failure) -> Fault {
    let number = number_of(failure.reason());
    match failure {
        Failure::Rejected(reason) => Fault::of_reason(Who::Client, reason).with_status(number),
        Failure::Deferred(reason) => {
            let fault = Fault::of_reason(Who::Server, reason).with_status(number);
            fault.with_http(503).with_retry_after(RETRY_LATER_SECONDS)
        }
    }
}

/// The number for a document of a batch: never 0, which says that it was signed.
pub(super) fn number_of(reason: &Reason) -> i32 {
    match reason.code {
        "cancelled" => status::CANCELLED,
        "no-signer" | "pool-unknown" | "token-failed" | "no-key" => status::CARD_REMOVED,
        "not-signed" | "no-signature" => NO_SIGNATURE,
        "bad-name" | "empty" | "digest-algorithm" | "digest-needs-detached" => status::MISSING_PARAMETER,
        "busy" => status::BUSY,
        "no-time-stamp" | "unreachable" => status::COMMUNICATION,
        "original-missing" | "data-mismatch" => MISMATCH,
        "not-a-pdf" | "malformed" => UNREADABLE,
        code if code.starts_with("pdf-") || code.starts_with("xml-") => UNREADABLE,
        _ => status::METHOD_FAILED,
    }
}

const NO_SIGNATURE: i32 = -29;
const MISMATCH: i32 = -11;
const UNREADABLE: i32 = -26;
const RETRY_SECONDS: u32 = 1;
const RETRY_LATER_SECONDS: u32 = 5;
