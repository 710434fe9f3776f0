//! What is said to the auditor without a change in the store behind it: refusals and denials, the same once a minute.

use super::Access;
use super::cache::Generations;
use model::{AuditEntry, TenantId, Time};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// When what was said last.
pub(super) struct Notes(Generations<String, Mutex<Note>>);

#[derive(Default)]
struct Note {
    said_at: Option<Time>,
    /// How often it was not said since.
    unsaid: u64,
}

impl Default for Notes {
    fn default() -> Self {
        Self(Generations::new(NOTES_MAX))
    }
}

impl Notes {
    /// Whether it is said now, and how often it was not said since the last time.
    fn say(&self, what: String, now: Time, window: Duration) -> Option<u64> {
        let note = self.0.get_or_make(what);
        let mut note = note.lock().unwrap_or_else(PoisonError::into_inner);
        if note.said_at.is_some_and(|at| now.since(at) < window) {
            note.unsaid = note.unsaid.saturating_add(1);
            return None;
        }
        note.said_at = Some(now);
        Some(std::mem::take(&mut note.unsaid))
    }

    /// Whether it was said within the window. Then this time is counted; otherwise it is still to be said.
    fn is_said(&self, what: &String, now: Time, window: Duration) -> bool {
        let Some(note) = self.0.get(what) else { return false };
        let mut note = note.lock().unwrap_or_else(PoisonError::into_inner);
        let is_said = note.said_at.is_some_and(|at| now.since(at) < window);
        note.unsaid = note.unsaid.saturating_add(u64::from(is_said));
        is_said
    }
}

/// What is said.
pub(super) struct Said<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) who: &'a str,
    pub(super) what: &'static str,
    pub(super) object: &'a str,
    pub(super) detail: &'a str,
    /// What makes it the same as something said before. Nothing that a stranger can vary as she likes stands in it, or she
    /// could fill the log.
    pub(super) same: &'a [&'a str],
}

impl Said<'_> {
    /// Tells it apart from everything else that is said.
    fn key(&self) -> String {
        format!("{}\n{}", self.what, self.same.join("\n"))
    }
}

impl Access {
    /// Somebody was refused without a password being checked. `whose` tells apart: a name that is known to be locked, or
    /// nothing.
    pub(super) async fn refused(&self, tenant: &TenantId, whose: &str, address: &str, why: &str) {
        let who = if whose.is_empty() { "somebody" } else { whose };
        let same = [tenant.as_str(), whose, address, why];
        self.note(WINDOW, Said { tenant, who, what: "access.refused", object: address, detail: why, same: &same })
            .await;
    }

    /// Somebody was refused who names what she likes: tenants, users, certificates that nobody has.
    pub(super) async fn refused_stranger(&self, tenant: &TenantId, who: &str, address: &str, why: &str) {
        let said = Said { tenant, who, what: "access.refused", object: address, detail: why, same: &[address, why] };
        self.note(WINDOW, said).await;
    }

    /// Writes an entry unless the same was written within the window. What cannot be written is logged: the caller is refused
    /// or denied in any case.
    pub(super) async fn note(&self, window: Duration, said: Said<'_>) {
        let now = self.0.clock.now();
        let Some(unsaid) = self.0.notes.say(said.key(), now, window) else { return };
        let Said { tenant, who, what, object, detail, .. } = said;
        let mut detail = match unsaid {
            0 => detail.to_owned(),
            times => format!("{detail} (and {times} times more since the last entry)"),
        };
        // A tenant that does not exist has no log.
        let known = matches!(self.0.store.tenant(tenant).await, Ok(Some(_)));
        let log = if known { tenant } else { &self.0.settings.home };
        if !known {
            detail = format!("tenant {tenant}: {detail}");
        }
        let entry = AuditEntry {
            at: now,
            who: who.to_owned(),
            what,
            object: object.to_owned(),
            signer: None,
            detail: Some(detail),
        };
        if let Err(error) = self.0.store.append_audit(log, &[entry]).await {
            tracing::error!(%error, what, who, object, "not written to the audit log");
        }
    }
}

impl Access {
    /// Whether an entry like this was written within the window, so that nothing is to be written for this time.
    pub(super) fn is_noted(&self, window: Duration, said: &Said<'_>) -> bool {
        self.0.notes.is_said(&said.key(), self.0.clock.now(), window)
    }
}

/// How long the same is not said again.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// Different things of which it is known when they were said.
const NOTES_MAX: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_a_minute_with_the_number_of_times() {
        let notes = Notes::default();
        let say = |what: &str, second| notes.say(what.to_owned(), Time::from_seconds(second), WINDOW);
        assert_eq!(say("a", 100), Some(0));
        for second in 101..150 {
            assert_eq!(say("a", second), None);
        }
        assert_eq!(say("b", 150), Some(0));
        assert_eq!(say("a", 160), Some(49));
        assert_eq!(say("a", 300), Some(0));
        let is_said = |what: &str, second| notes.is_said(&what.to_owned(), Time::from_seconds(second), WINDOW);
        assert!(!is_said("c", 300) && is_said("a", 310) && !is_said("a", 400));
        assert_eq!(say("c", 300), Some(0), "asking says nothing");
        assert_eq!(say("a", 400), Some(1), "what was asked for counts");
    }
}
