//! Files that want to hurt: no panic, bounded time, and never silence about signatures.

use crate::attacks::sign;
use crate::builder::{form, update};
use formats::inspect::{Input, LaterChanges, inspect};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

static TWICE: LazyLock<Vec<u8>> = LazyLock::new(|| sign(&sign(&form())));

/// In a debug build, on a machine that does other things, too.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn evil_files_are_refused_in_time() {
    for (name, bytes) in testkit::pdf::evil() {
        let start = Instant::now();
        if let Ok(found) = inspect(&Input::new(&bytes, name)) {
            assert!(found.signatures.is_empty(), "{name}");
        }
        assert!(start.elapsed() < PATIENCE, "{name}: {:?}", start.elapsed());
    }
}

#[test]
fn ten_thousand_signature_fields_are_an_answer_and_not_a_wait() {
    let mut objects = crate::builder::objects();
    let mut list = String::new();
    for index in 0..10_000 {
        objects.push(format!("<< /FT /Sig /T (S{index}) /V << /Type /Sig /SubFilter /ETSI.CAdES.detached /ByteRange [0 1 2 3] /Contents <0{index:05}> >> >>"));
        let _ = write!(list, "{} 0 R ", objects.len());
    }
    objects[4] = format!("<< /Fields [{list}] >>");
    let start = Instant::now();
    assert!(inspect(&Input::new(&crate::builder::file(&objects), "many.pdf")).is_err());
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn many_signatures_and_revisions_cost_what_they_are_long() {
    let mut bytes = form();
    for round in 0..24 {
        bytes = match round % 2 {
            0 => sign(&bytes),
            _ => update(
                &bytes,
                &[(9, crate::builder::objects()[8].replace("/T (Note)", &format!("/T (Note) /V ({round})")))],
            ),
        };
    }
    let start = Instant::now();
    let found = inspect(&Input::new(&bytes, "x.pdf")).unwrap();
    assert!(start.elapsed() < PATIENCE);
    assert_eq!(found.signatures.len(), 12);
    for signature in &found.signatures {
        let place = signature.pdf.as_ref().unwrap();
        assert!(signature.faults.is_empty() && place.later == LaterChanges::Form, "{place:#?}");
        assert_eq!(place.revisions, 25);
    }
}

#[test]
fn spoiled_files_are_the_same_in_pieces() {
    for bytes in testkit::mutate::mutations(std::slice::from_ref(&*TWICE), 5).take(300) {
        let places = |source: &dyn formats::Source| {
            let found = inspect(&Input::new(source, "x.pdf")).ok()?;
            Some(found.signatures.into_iter().map(|signature| signature.pdf).collect::<Vec<_>>())
        };
        let found = places(&bytes);
        assert_eq!(found, places(&crate::support::Pieces(&bytes)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn spoiled_files_never_panic(seed in any::<u64>()) {
        for bytes in testkit::mutate::mutations(std::slice::from_ref(&*TWICE), seed).take(2) {
            let _ = inspect(&Input::new(&bytes, "x.pdf"));
        }
    }
}
