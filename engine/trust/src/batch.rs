//! Signed certificate batches: which trust centres there are and how to check what they issue, as a vendor or an
//! organisation publishes it for its own servers, beside trusted lists.
//!
//! # Form
//!
//! A batch is a CMS SignedData message that holds its content (CAdES B-B, one signer; a signature time stamp may be
//! there). The content is JSON in one form only: UTF-8, members sorted by name, no white space, whole numbers, every
//! member present, text without control characters. So equal batches are equal octets, and whatever is not in this form
//! is refused. Times are RFC 3339 in whole seconds of UTC; certificates and digests are Base64.
//!
//! | member | meaning |
//! |---|---|
//! | `format` | `sealmill-trust-batch-1` |
//! | `batchId`, `seq` | a name, and a number that rises with each batch: an older one is refused |
//! | `issuedAt`, `validUntil` | after `validUntil` the batch stays in use, but is reported as stale |
//! | `minServerVersion` | servers older than `major.minor.patch` must not activate it |
//! | `nextKey` | SHA-256 of the SubjectPublicKeyInfo that will sign later batches, or `null` |
//! | `entries` | all trust centres, sorted by `trustCentreId` |
//! | `removed` | identifiers of those that are gone for good |
//!
//! An entry has `trustCentreId`, `name` (`de`, `en`), `country`, `legalBasis`, `model` (`shell`, `chain`, `hybrid`),
//! `requireCertHash`, `certs`, `crlUrls`, `ocspUrls`, `ldapUrls`, `aiaOverride` (the addresses replace those in
//! certificates) and `supersedes`. A certificate has `der`, `sha256`, `role` (`root`, `ca`, `ocsp`, `tsa`, `crl`),
//! `useFor` (of `qes`, `seal`, `adv`, `mail`, `tls`, `tsa`), `validFrom`, `validTo` and `status` (`granted`,
//! `withdrawn`).
//!
//! The key of the signer is pinned when a server is installed; the certificate around it counts for nothing. Signing
//! happens elsewhere: [`Batch::to_json`] gives what is to be signed, `formats` makes the message.

mod difference;
mod entry;
mod reader;

pub use difference::{Change, difference};
pub use entry::{BatchCertificate, Entry, Role, Status};

use crate::Anchor;
use crate::json::Json;
use crate::report::word;
use formats::cms::certificate::Certificate;
use formats::cms::message::Message;
use formats::inspect::ObjectId;
use model::limits::TRUST_BATCH_BYTES_MAX;
use model::{Reason, Time};

/// What `format` says.
const FORMAT: &str = "sealmill-trust-batch-1";

/// Why a batch is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub Reason);

/// The content of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its name.
    pub id: String,
    /// Its number.
    pub sequence: u64,
    /// When it was made.
    pub issued: Time,
    /// Until when the next one should have come.
    pub valid_until: Time,
    /// The oldest server that understands it.
    pub min_server_version: (u32, u32, u32),
    /// The key that signs later batches.
    pub next_key: Option<[u8; 32]>,
    /// All trust centres.
    pub entries: Vec<Entry>,
    /// Those that are gone for good.
    pub removed: Vec<String>,
}

/// Whose batches are believed: SHA-256 of SubjectPublicKeyInfo, pinned at installation and rolled by batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pins {
    /// The key that signs now.
    pub current: [u8; 32],
    /// The key that will sign later.
    pub next: Option<[u8; 32]>,
}

impl Pins {
    /// The pins once this batch is taken, which was signed with the key `by`. When the next key signs for the first
    /// time, the current one is over.
    #[must_use]
    pub fn after(self, batch: &Batch, by: [u8; 32]) -> Self {
        if Some(by) == self.next && by != self.current {
            return Self { current: by, next: batch.next_key };
        }
        Self { current: self.current, next: batch.next_key.or(self.next) }
    }
}

/// A batch whose signature was checked, and the digest of the key that made it.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The content.
    pub batch: Batch,
    /// SHA-256 of the SubjectPublicKeyInfo of the signer.
    pub by: [u8; 32],
}

impl Batch {
    /// Reads a signed batch. `sequence`: the number of the newest one that was taken before.
    pub fn read(message: &[u8], pins: &Pins, sequence: Option<u64>) -> Result<Signed, Refused> {
        if message.len() > TRUST_BATCH_BYTES_MAX {
            return Err(refused("batch-too-long", format!("the batch has more than {TRUST_BATCH_BYTES_MAX} bytes")));
        }
        let wrong = |error: formats::FormatError| refused("batch-signature", error.to_string());
        let read = Message::read(&message).map_err(wrong)?;
        if read.signers().len() != 1 {
            return Err(refused("batch-signature", "the batch must have exactly one signature"));
        }
        let content = read.content(&message, TRUST_BATCH_BYTES_MAX).map_err(wrong)?;
        let content = content.ok_or_else(|| refused("batch-signature", "the signature does not hold the batch"))?;
        let certificates = read.check_over(&message, None).map_err(wrong)?;
        let key = certificates.first().and_then(|der| Certificate::parse(der).ok().map(|it| it.public_key.raw));
        let by = key.map(|key| ObjectId::of(key).0);
        let by = by.filter(|by| *by == pins.current || Some(*by) == pins.next).ok_or_else(|| {
            refused("batch-signer", "the batch was signed with a key that is not pinned on this server")
        })?;
        let batch = reader::read(&content)?;
        match sequence {
            Some(before) if batch.sequence <= before => {
                let sentence = format!(
                    "the batch has number {}, but number {before} was taken before: somebody plays back an old batch",
                    batch.sequence
                );
                Err(refused("batch-rollback", sentence))
            }
            _ => Ok(Signed { batch, by }),
        }
    }

    /// Reads the content alone: for those who make batches. Nothing in it is to be believed.
    pub fn read_content(content: &[u8]) -> Result<Self, Refused> {
        reader::read(content)
    }

    /// What is to be signed. An error: no reader would take it.
    pub fn to_json(&self) -> Result<String, Refused> {
        let text = self.json().to_string();
        // A batch that cannot be read back as itself is never signed.
        match reader::read(text.as_bytes())? == *self {
            true => Ok(text),
            false => Err(refused("batch-form", "the batch is not in order: entries and lists have to be sorted")),
        }
    }

    fn json(&self) -> Json {
        let (major, minor, patch) = self.min_server_version;
        Json::map([
            ("batchId", self.id.as_str().into()),
            ("entries", Json::List(self.entries.iter().map(Entry::json).collect())),
            ("format", FORMAT.into()),
            ("issuedAt", word::time(self.issued).into()),
            ("minServerVersion", format!("{major}.{minor}.{patch}").into()),
            ("nextKey", self.next_key.map(|key| word::base64(&key)).into()),
            ("removed", Json::list(self.removed.iter().map(String::as_str))),
            ("seq", i64::try_from(self.sequence).unwrap_or(i64::MAX).into()),
            ("validUntil", word::time(self.valid_until).into()),
        ])
    }

    /// Whether a newer one should have come by now.
    pub fn is_stale(&self, now: Time) -> bool {
        self.valid_until < now
    }

    /// Whether a server of this version may activate it.
    pub fn fits(&self, server: (u32, u32, u32)) -> bool {
        server >= self.min_server_version
    }

    /// Everything that the trust centres may be trusted for. An administrator chooses among the centres before.
    pub fn anchors(&self) -> Vec<Anchor> {
        self.entries.iter().flat_map(Entry::anchors).collect()
    }
}

fn refused(code: &'static str, sentence: impl Into<String>) -> Refused {
    Refused(Reason::new(code, sentence))
}
