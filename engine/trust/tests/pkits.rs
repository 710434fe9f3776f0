//! All tests of NIST's Public Key Interoperability Test Suite, with the inputs that each names.
#![allow(clippy::unwrap_used)]

mod pkits_support;

use pkits_support::{Row, rows};
use trust::Uses;
use trust::path::{EdgeCache, check, prospective};

/// By their paths alone: those that are invalid because of revocation only have a good one.
#[test]
fn nist_agrees_about_paths() {
    let Some(rows) = rows() else { return };
    let cache = EdgeCache::new();
    let (mut judged, mut wrong) = (0, Vec::new());
    for row in &rows {
        assert!(!row.crls.is_empty());
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
