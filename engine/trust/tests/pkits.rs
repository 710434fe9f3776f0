//! All tests of NIST's Public Key Interoperability Test Suite, with the inputs that each names.
#![allow(clippy::unwrap_used)]

mod pkits_support;

use pkits_support::{Row, rows};
use trust::path::{Chain, EdgeCache, check, prospective};
use trust::revocation::{Context, Status, findings};
use trust::{Cert, Uses};

/// By their paths alone: those that are invalid because of revocation only have a good one.
#[test]
fn nist_agrees_about_paths() {
    let Some(rows) = rows() else { return };
    let cache = EdgeCache::new();
    let (mut judged, mut wrong) = (0, Vec::new());
    for row in &rows {
        let Row { subject, pool, anchors, inputs, at, .. } = row;
        let prospects = prospective(subject, pool, anchors, Uses::SIGN, &cache);
        let verdicts: Vec<_> = prospects.chains.iter().map(|chain| check(chain, *at, inputs)).collect();
        judged += 1;
        let good = row.valid || row.only_revocation;
        if verdicts.iter().any(Result::is_ok) != good {
            wrong.push(format!("{} {}: valid={} {verdicts:?} {:?}", row.id, row.name, row.valid, prospects.dead_end));
        }
    }
    assert!(wrong.is_empty(), "{} of {judged}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(judged, 246);
}

/// Paths and revocation: valid is what has a good path of which each certificate is known not to be revoked.
#[test]
fn nist_agrees_about_everything() {
    let Some(rows) = rows() else { return };
    let (cache, mut wrong, mut valid) = (EdgeCache::new(), Vec::new(), 0);
    for row in &rows {
        let mut why = Vec::new();
        let good = Judge { row, cache: &cache }.is_good(&row.subject, Uses::SIGN, &mut Vec::new(), &mut why);
        valid += usize::from(good);
        if good != row.valid {
            wrong.push(format!("{} {}: valid={} {}", row.id, row.name, row.valid, why.join("; ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert_eq!((rows.len(), valid), (246, 110));
}

/// What a caller does with paths and findings, in its simplest form.
struct Judge<'a> {
    row: &'a Row,
    cache: &'a EdgeCache,
}

impl Judge<'_> {
    fn is_good(&self, subject: &Cert, uses: Uses, asked: &mut Vec<Cert>, why: &mut Vec<String>) -> bool {
        let Row { pool, anchors, inputs, at, .. } = self.row;
        prospective(subject, pool, anchors, uses, self.cache).chains.iter().any(|chain| {
            if let Err(fault) = check(chain, *at, inputs) {
                why.push(fault.to_string());
                return false;
            }
            (0..chain.below_anchor()).all(|place| self.is_not_revoked(chain, place, asked, why))
        })
    }

    fn is_not_revoked(&self, chain: &Chain, place: usize, asked: &mut Vec<Cert>, why: &mut Vec<String>) -> bool {
        let Row { pool, anchors, material, at, .. } = self.row;
        let certificate = &chain.certificates()[place];
        if asked.contains(certificate) {
            return true;
        }
        asked.push(certificate.clone());
        let found = findings(chain, place, &Context { pool, anchors, material, cache: self.cache });
        why.extend(found.unusable.iter().map(|unusable| unusable.why.clone()));
        let mut fresh = found.usable.iter().filter(|finding| {
            finding.this_update <= *at
                && finding.next_update.is_some_and(|next| *at < next)
                && finding
                    .speaker
                    .certificate()
                    .is_none_or(|speaker| self.is_good(speaker, Uses::REVOCATION, asked, why))
        });
        let status = fresh.next().map(|finding| finding.status);
        why.push(format!("{}: {status:?}", certificate.name()));
        status == Some(Status::Good)
    }
}
