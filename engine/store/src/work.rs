//! One transaction as data: statements with their rows, and audit entries that may depend on them. Because it is data, it
//! can be carried out by a thread, by a pool, and again after a conflict.

use crate::Store;
use crate::audit::Head;
use crate::value::Value;
use aws_lc_rs::digest::{SHA256, digest};
use model::{AuditEntry, TenantId};
use std::sync::Arc;

/// A transaction.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) tenant: Arc<str>,
    /// Carried out in order; each row of a step by itself, so that the changed rows are known one by one.
    pub(crate) steps: Vec<Step>,
    /// The step whose rows audit entries may depend on.
    pub(crate) judged: usize,
    pub(crate) audit: Vec<Entry>,
}

/// A statement and the rows it is carried out with.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) statement: &'static str,
    pub(crate) rows: Vec<Vec<Value>>,
    /// Its first row must change something; otherwise nothing of the transaction is done.
    pub(crate) demanded: bool,
}

/// An audit entry, written only if the named row of the judged step changed something (`None`: always).
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) entry: AuditEntry,
    pub(crate) only_if: Option<usize>,
}

/// How many rows each row of each step changed.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) changed: Vec<Vec<u64>>,
    /// A demanded step changed nothing, and so everything was taken back.
    pub(crate) taken_back: bool,
}

impl Written {
    /// Rows that the first row of the first step changed.
    pub(crate) fn first(&self) -> u64 {
        self.changed.first().and_then(|step| step.first()).copied().unwrap_or(0)
    }

    /// Whether the step that was carried out last changed nothing though it should have.
    pub(crate) fn fails(&self, work: &Work) -> bool {
        let changed = self.changed.last().and_then(|rows| rows.first()).copied().unwrap_or(0);
        let last = self.changed.len().checked_sub(1).and_then(|place| work.steps.get(place));
        changed == 0 && last.is_some_and(|step| step.demanded)
    }
}

impl Work {
    pub(crate) fn new(tenant: &TenantId) -> Self {
        Self { tenant: tenant.as_str().into(), steps: Vec::new(), judged: 0, audit: Vec::new() }
    }

    /// A step of one row without whose change nothing is done.
    pub(crate) fn demand(mut self, statement: &'static str, row: Vec<Value>) -> Self {
        self.steps.push(Step { statement, rows: vec![row], demanded: true });
        self
    }

    /// An audit entry that is written with whatever is done.
    pub(crate) fn entry(mut self, entry: &AuditEntry) -> Self {
        self.audit.push(Entry { entry: Store::entry(entry), only_if: None });
        self
    }

    pub(crate) fn step(mut self, statement: &'static str, rows: Vec<Vec<Value>>) -> Self {
        if !rows.is_empty() {
            self.steps.push(Step { statement, rows, demanded: false });
        }
        self
    }

    /// Rows in all, for sizing groups.
    pub(crate) fn len(&self) -> usize {
        self.steps.iter().map(|step| step.rows.len()).sum::<usize>() + self.audit.len()
    }

    /// The rows of `sql::INSERT_AUDIT` that follow `head`, and the head after them.
    pub(crate) fn audit_rows(&self, node: &Arc<str>, mut head: Head, written: &Written) -> (Vec<Vec<Value>>, Head) {
        let mut rows = Vec::with_capacity(self.audit.len());
        for Entry { entry, only_if } in &self.audit {
            let changed =
                |row: usize| written.changed.get(self.judged).and_then(|step| step.get(row)).is_some_and(|n| *n > 0);
            if only_if.is_some_and(|row| !changed(row)) {
                continue;
            }
            head = head.next(&entry.chain_bytes(&self.tenant, head.number.saturating_add(1).unsigned_abs()));
            rows.push(vec![
                Value::Text(self.tenant.clone()),
                Value::Text(node.clone()),
                head.number.into(),
                entry.at.micros().into(),
                entry.who.as_str().into(),
                entry.what.into(),
                entry.object.as_str().into(),
                entry.signer.as_deref().into(),
                entry.detail.as_deref().into(),
                head.hex().into(),
            ]);
        }
        (rows, head)
    }
}

impl Head {
    /// The head after an entry with these bytes.
    pub(crate) fn next(&self, entry: &[u8]) -> Head {
        let mut bytes = Vec::with_capacity(32 + entry.len());
        bytes.extend_from_slice(&self.chain);
        bytes.extend_from_slice(entry);
        let mut chain = [0; 32];
        chain.copy_from_slice(digest(&SHA256, &bytes).as_ref());
        Head { number: self.number.saturating_add(1), chain }
    }
}
