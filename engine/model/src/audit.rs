//! Audit entries: who did what, when, with which signer, and how entries are chained by hash.

use crate::clock::Time;
use crate::job::DocumentId;
use crate::outcome::Outcome;

/// One line of the audit log. Holds no secret and no document content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Time,
    /// Who: a user, a directory (`directory:invoices`), the command line (`cli:root`) or `system`.
    pub who: String,
    /// What: `document.done`, `document.rejected`, `token.login.accepted` and the like.
    pub what: &'static str,
    /// What it was done to: a document, a token's serial number.
    pub object: String,
    /// With which signer, if any.
    pub signer: Option<String>,
    /// A sentence more, if there is one.
    pub detail: Option<String>,
}

impl AuditEntry {
    /// What the log says when a document gets an outcome. `who` is the door it came in by.
    pub fn of_document(
        at: Time,
        who: &str,
        document: DocumentId,
        name: &str,
        outcome: &Outcome,
        signer: Option<String>,
    ) -> Self {
        let (what, detail) = match outcome {
            Outcome::Done => ("document.done", name.to_owned()),
            Outcome::Rejected(reason) => ("document.rejected", format!("{name}: {reason}")),
            Outcome::Deferred(reason) => ("document.deferred", format!("{name}: {reason}")),
        };
        Self { at, who: who.to_owned(), what, object: document.to_string(), signer, detail: Some(detail) }
    }

    /// The bytes that an entry adds to its chain: each field with its length in front (an absent field has the length
    /// `u64::MAX`), so that no two entries share an encoding. The chain value of an entry is
    /// `SHA-256(previous chain value || these bytes)`; the first has 32 zero bytes before it.
    pub fn chain_bytes(&self, tenant: &str, number: u64) -> Vec<u8> {
        let number = number.to_string();
        let at = self.at.micros().to_string();
        let fields = [
            Some(tenant),
            Some(number.as_str()),
            Some(at.as_str()),
            Some(self.who.as_str()),
            Some(self.what),
            Some(self.object.as_str()),
            self.signer.as_deref(),
            self.detail.as_deref(),
        ];
        let mut bytes = Vec::with_capacity(160);
        for field in fields {
            let length = field.map_or(u64::MAX, |text| text.len() as u64);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(field.unwrap_or_default().as_bytes());
        }
        bytes
    }
}
