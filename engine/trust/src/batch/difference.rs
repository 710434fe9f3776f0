//! What a new batch changes, for the administrator who activates it.

use super::Batch;
use super::entry::{BatchCertificate, Entry, Status, model_word};
use crate::report::word;
use std::collections::BTreeMap;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The trust centre.
    pub trust_centre: String,
    /// A stable word: `added`, `removed`, `certificate-added`, `certificate-removed`, `certificate-changed`, `changed`.
    pub kind: &'static str,
    /// What it is, for people.
    pub sentence: String,
    /// Something is trusted that was not before, or is checked less strictly: worth a second look.
    pub widens: bool,
}

/// All changes from one batch to the next, by trust centre. `before`: none was taken yet.
pub fn difference(before: Option<&Batch>, after: &Batch) -> Vec<Change> {
    let by_id = |batch: &'_ Batch| -> BTreeMap<String, Entry> {
        batch.entries.iter().map(|entry| (entry.id.clone(), entry.clone())).collect()
    };
    let old = before.map(by_id).unwrap_or_default();
    let new = by_id(after);
    let mut changes = Vec::new();
    for (id, entry) in &new {
        match old.get(id) {
            None => {
                let count = entry.certificates.len();
                let instead = match entry.supersedes.join(", ") {
                    none if none.is_empty() => none,
                    some => format!(", instead of {some}"),
                };
                let sentence =
                    format!("{} ({}) is new, with {count} certificates{instead}", entry.name.1, entry.country);
                changes.push(Change { trust_centre: id.clone(), kind: "added", sentence, widens: true });
            }
            Some(was) => compare(was, entry, &mut changes),
        }
    }
    for (id, entry) in old.iter().filter(|(id, _)| !new.contains_key(*id)) {
        let forever = if after.removed.contains(id) { " for good" } else { "" };
        let sentence = format!("{} is gone{forever}", entry.name.1);
        changes.push(Change { trust_centre: id.clone(), kind: "removed", sentence, widens: false });
    }
    changes
}

fn compare(was: &Entry, is: &Entry, changes: &mut Vec<Change>) {
    let mut push = |kind, widens, sentence| {
        changes.push(Change { trust_centre: is.id.clone(), kind, sentence, widens });
    };
    for held in &is.certificates {
        let name = describe(held);
        match was.certificates.iter().find(|old| same(old, held)) {
            None => push("certificate-added", held.status == Status::Granted, format!("certificate {name} is new")),
            Some(old) if old != held => {
                let widens = (old.status, held.status) == (Status::Withdrawn, Status::Granted)
                    || held.use_for.iter().any(|word| !old.use_for.contains(word))
                    || (old.valid_to.is_some() && (held.valid_to.is_none() || held.valid_to > old.valid_to))
                    || (old.valid_from.is_some() && (held.valid_from.is_none() || held.valid_from < old.valid_from));
                push("certificate-changed", widens, format!("certificate {name} was {}", describe(old)));
            }
            Some(_) => {}
        }
    }
    for old in was.certificates.iter().filter(|old| !is.certificates.iter().any(|held| same(old, held))) {
        push("certificate-removed", false, format!("certificate {} is gone", describe(old)));
    }
    let mut changed = |what: &str, old: String, new: String, widens: bool| {
        if old != new {
            push("changed", widens, format!("{what} was \"{old}\" and is \"{new}\""));
        }
    };
    changed("the German name", was.name.0.clone(), is.name.0.clone(), false);
    changed("the English name", was.name.1.clone(), is.name.1.clone(), false);
    changed("the country", was.country.clone(), is.country.clone(), false);
    changed("the legal basis", was.legal_basis.clone(), is.legal_basis.clone(), false);
    changed("the validity model", model_word(was.model).into(), model_word(is.model).into(), true);
    let flag = |flag: bool| flag.to_string();
    let (old, new) = (was.certificate_hash_required, is.certificate_hash_required);
    changed("the hash in OCSP answers is required", flag(old), flag(new), old && !new);
    changed("own addresses come first", flag(was.aia_override), flag(is.aia_override), false);
    changed("addresses of CRLs", was.crl_urls.join(" "), is.crl_urls.join(" "), false);
    changed("addresses of OCSP responders", was.ocsp_urls.join(" "), is.ocsp_urls.join(" "), false);
    changed("addresses of directories", was.ldap_urls.join(" "), is.ldap_urls.join(" "), false);
    changed("what it stands for", was.supersedes.join(" "), is.supersedes.join(" "), false);
}

fn same(one: &BatchCertificate, other: &BatchCertificate) -> bool {
    one.certificate == other.certificate && one.role == other.role
}

fn describe(held: &BatchCertificate) -> String {
    let mut digits = word::hex(&held.certificate.id().0);
    digits.truncate(16);
    let time = |time: Option<_>| time.map_or_else(|| "open".to_owned(), word::time);
    format!(
        "{digits} ({}, {}, for {}, from {} to {})",
        held.role.word(),
        held.status.word(),
        held.use_for.join(" "),
        time(held.valid_from),
        time(held.valid_to)
    )
}
