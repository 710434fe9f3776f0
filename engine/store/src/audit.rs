//! The audit log: one hash chain for each tenant and server, appended to, read and verified.
//!
//! A chain shows what was changed, removed or inserted inside it. It cannot show that its tail was cut off, nor that
//! somebody with the rights of the server wrote all of it anew: for that, [`AuditVerdict::heads`] is kept elsewhere and
//! handed to [`Store::verify_audit`] the next time.

use crate::value::{Row, Value};
use crate::work::{Entry, Work};
use crate::{Store, StoreError, sql};
use model::{AuditEntry, TenantId, Time};
use std::collections::BTreeMap;

/// The end of a chain in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) number: i64,
    pub(crate) chain: [u8; 32],
}

impl Head {
    /// Before the first entry.
    pub(crate) const START: Head = Head { number: 0, chain: [0; 32] };

    /// From the answer to [`sql::AUDIT_HEAD`].
    pub(crate) fn from_rows(rows: &[Row]) -> Result<Head, StoreError> {
        let Some(row) = rows.first() else { return Ok(Head::START) };
        let chain = from_hex(row.text(1)?)
            .ok_or_else(|| StoreError::Corrupt("the last audit entry has no chain value".into()))?;
        Ok(Head { number: row.int(0)?, chain })
    }

    pub(crate) fn hex(&self) -> String {
        let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
        self.chain.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}

/// An audit entry as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// The server whose chain it belongs to.
    pub node: String,
    /// Its place in that chain, from 1.
    pub number: i64,
    /// When.
    pub at: Time,
    /// Who.
    pub who: String,
    /// What.
    pub what: String,
    /// To what.
    pub object: String,
    /// With which signer.
    pub signer: Option<String>,
    /// A sentence more.
    pub detail: Option<String>,
    /// Its chain value, hexadecimal.
    pub chain: String,
}

/// The end of a chain, to be kept where the server cannot write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainHead {
    /// The server whose chain it is.
    pub node: String,
    /// Number of the last entry.
    pub number: i64,
    /// Its chain value, hexadecimal.
    pub chain: String,
}

/// What is wrong at one place of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainFault {
    /// The entry, or its chain value, is not what was written; or it was never written by the server.
    Altered,
    /// Entries are missing before this one: so many.
    Missing {
        /// How many numbers are skipped.
        entries: i64,
    },
    /// An entry with a number that no server gives (below 1).
    Inserted,
    /// A head known from before is no longer in the chain, or has another value: the tail was cut or written anew.
    HeadLost,
}

/// A place where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainBreak {
    /// The server whose chain it is.
    pub node: String,
    /// At which entry.
    pub number: i64,
    /// What is wrong.
    pub fault: ChainFault,
}

/// The result of [`Store::verify_audit`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditVerdict {
    /// Entries read.
    pub entries: u64,
    /// Where the chains do not hold; the first [`BREAKS_MAX`].
    pub breaks: Vec<ChainBreak>,
    /// Where the chains end now.
    pub heads: Vec<ChainHead>,
}

impl AuditVerdict {
    /// Whether every chain holds.
    pub fn is_intact(&self) -> bool {
        self.breaks.is_empty()
    }
}

/// Breaks that a verdict lists.
pub const BREAKS_MAX: usize = 100;

impl Store {
    /// Appends entries to this server's chain, all or none. Not idempotent: after [`StoreError::Unavailable`] they may or
    /// may not be there.
    pub async fn append_audit(&self, tenant: &TenantId, entries: &[AuditEntry]) -> Result<(), StoreError> {
        let mut work = Work::new(tenant);
        work.audit = entries.iter().map(|entry| Entry { entry: Store::entry(entry), only_if: None }).collect();
        if work.audit.is_empty() {
            return Ok(());
        }
        self.write(work).await.map(|_| ())
    }

    /// The log of all servers in the order of time, at most `limit` entries, after the given one (`None`: from the
    /// start). To start at a time, give `after` a row with that time, an empty node and the number 0.
    pub async fn audit(
        &self,
        tenant: &TenantId,
        after: Option<(Time, &str, i64)>,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let (at, node, number) = after.map_or((-1, "", 0), |(at, node, number)| (at.micros(), node, number));
        let values = vec![tenant.as_str().into(), at.into(), node.into(), number.into(), i64::from(limit).into()];
        self.read(sql::AUDIT_BY_TIME, values).await?.iter().map(audit_row).collect()
    }

    /// Recomputes every chain of the tenant and compares it with `known`, heads kept from earlier verdicts (may be
    /// empty). Reads the whole log in pages; memory stays flat.
    pub async fn verify_audit(&self, tenant: &TenantId, known: &[ChainHead]) -> Result<AuditVerdict, StoreError> {
        let mut verifier = Verifier::new(tenant.as_str(), known);
        let (mut node, mut number) = (String::new(), i64::MIN);
        loop {
            let values: Vec<Value> =
                vec![tenant.as_str().into(), node.as_str().into(), number.into(), PAGE_ROWS.into()];
            let rows = self.read(sql::AUDIT_BY_CHAIN, values).await?;
            for row in &rows {
                node = row.text(0)?.to_owned();
                number = row.int(1)?;
                verifier.entry(&node, number, row);
            }
            if i64::try_from(rows.len()).unwrap_or(i64::MAX) < PAGE_ROWS {
                return Ok(verifier.finish());
            }
        }
    }
}

/// Walks over the entries in the order of node and number. After a break it goes on from the stored value, so that each
/// break is listed once, where it is.
struct Verifier<'a> {
    tenant: &'a str,
    known: BTreeMap<(String, i64), &'a str>,
    at: Option<(String, Head)>,
    verdict: AuditVerdict,
}

impl<'a> Verifier<'a> {
    fn new(tenant: &'a str, known: &'a [ChainHead]) -> Self {
        let known = known.iter().map(|head| ((head.node.clone(), head.number), head.chain.as_str())).collect();
        Self { tenant, known, at: None, verdict: AuditVerdict::default() }
    }

    fn entry(&mut self, node: &str, number: i64, row: &Row) {
        self.verdict.entries += 1;
        let head = match self.at.take() {
            Some((last, head)) if last == node => head,
            other => {
                self.at = other;
                self.chain_ends();
                Head::START
            }
        };
        if number < 1 {
            self.found(node, number, ChainFault::Inserted);
            self.at = Some((node.to_owned(), head));
            return;
        }
        let skipped = number.saturating_sub(head.number).saturating_sub(1);
        // A row whose columns are not even of the right kind was not written by a server.
        let stored = audit_row(row).ok().filter(|_| row.int(2).is_ok_and(|micros| micros >= 0));
        let value = stored.as_ref().and_then(|stored| from_hex(&stored.chain));
        let holds =
            stored.as_ref().is_some_and(|stored| value == Some(head.next(&stored.chain_bytes(self.tenant)).chain));
        if skipped > 0 {
            // Without the entries between, this one cannot be recomputed.
            self.found(node, number, ChainFault::Missing { entries: skipped });
        } else if !holds {
            self.found(node, number, ChainFault::Altered);
        }
        if !self.known.is_empty()
            && let (Some(known), Some(stored)) = (self.known.remove(&(node.to_owned(), number)), &stored)
            && known != stored.chain
        {
            self.found(node, number, ChainFault::HeadLost);
        }
        self.at = Some((node.to_owned(), Head { number, chain: value.unwrap_or([0; 32]) }));
    }

    fn chain_ends(&mut self) {
        if let Some((node, head)) = self.at.take() {
            self.verdict.heads.push(ChainHead { node, number: head.number, chain: head.hex() });
        }
    }

    fn finish(mut self) -> AuditVerdict {
        self.chain_ends();
        let lost: Vec<(String, i64)> = self
            .known
            .keys()
            .filter(|(_, number)| *number > 0)
            .map(|(node, number)| ((*node).to_owned(), *number))
            .collect();
        for (node, number) in lost {
            self.found(&node, number, ChainFault::HeadLost);
        }
        self.verdict
    }

    fn found(&mut self, node: &str, number: i64, fault: ChainFault) {
        if self.verdict.breaks.len() < BREAKS_MAX {
            self.verdict.breaks.push(ChainBreak { node: node.to_owned(), number, fault });
        }
    }
}

impl AuditRow {
    /// The same bytes as [`AuditEntry::chain_bytes`], for an entry whose `what` comes from the database; a test holds the
    /// two together.
    fn chain_bytes(&self, tenant: &str) -> Vec<u8> {
        let (number, at) = (self.number.to_string(), self.at.micros().to_string());
        let mut bytes = Vec::with_capacity(160);
        let fields = [tenant, &number, &at, &self.who, &self.what, &self.object].map(Some);
        for field in fields.into_iter().chain([self.signer.as_deref(), self.detail.as_deref()]) {
            let length = field.map_or(u64::MAX, |text| text.len() as u64);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(field.unwrap_or_default().as_bytes());
        }
        bytes
    }
}

fn audit_row(row: &Row) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        node: row.text(0)?.to_owned(),
        number: row.int(1)?,
        at: Time::from_micros(row.int(2)?),
        who: row.text(3)?.to_owned(),
        what: row.text(4)?.to_owned(),
        object: row.text(5)?.to_owned(),
        signer: row.optional_text(6)?,
        detail: row.optional_text(7)?,
        chain: row.text(8)?.to_owned(),
    })
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(place * 2..place * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Rows that one question brings into memory.
const PAGE_ROWS: i64 = 1_000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_stored_entry_has_the_chain_bytes_of_the_entry() {
        for (signer, detail) in [(None, None), (Some("s"), None), (None, Some("")), (Some("ä"), Some("why not"))] {
            let entry = AuditEntry {
                at: Time::from_micros(1_763_902_861_000_001),
                who: "directory:invoices".into(),
                what: "document.done",
                object: "0-1".into(),
                signer: signer.map(String::from),
                detail: detail.map(String::from),
            };
            let row = AuditRow {
                node: "n".into(),
                number: 7,
                at: entry.at,
                who: entry.who.clone(),
                what: entry.what.into(),
                object: entry.object.clone(),
                signer: entry.signer.clone(),
                detail: entry.detail.clone(),
                chain: String::new(),
            };
            assert_eq!(row.chain_bytes("acme"), entry.chain_bytes("acme", 7));
        }
    }

    #[test]
    fn only_plain_hexadecimal_is_a_chain_value() {
        let head = Head::START.next(b"x");
        assert_eq!(from_hex(&head.hex()), Some(head.chain));
        assert_eq!(Head { number: 1, chain: [0xa7; 32] }.hex(), "a7".repeat(32));
        assert_eq!(from_hex(&head.hex().to_uppercase()), None);
        assert_eq!(from_hex("+1"), None);
        assert_eq!(from_hex(&"é".repeat(32)), None);
    }
}
