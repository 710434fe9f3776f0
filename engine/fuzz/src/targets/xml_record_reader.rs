//! Foreign bytes as an evidence record in XML: no panic, it proves nothing about another document, and no link of it is
//! called right that has no token.

use archive::check_inspected;
use formats::inspect::record::Wanted;
use formats::inspect::{Record, RecordObject};

pub(crate) fn run(bytes: &[u8]) {
    let wanted = Wanted::by(bytes, true);
    let about = |document: &[u8]| {
        let object = RecordObject { name: String::new(), digests: wanted.digests(&document).unwrap_or_default() };
        let record = Record {
            name: None,
            xml: true,
            bytes: bytes.into(),
            objects: vec![object],
            manifest: Vec::new(),
            covers: Vec::new(),
            signatures: Vec::new(),
        };
        check_inspected(&record)
    };
    let _ = about(b"one");
    let _ = about(b"<one/>");
    let Ok(findings) = about(b"another document") else { return };
    assert!(findings.since.is_err() && !findings.stamps.is_empty());
    assert!(findings.stamps.iter().all(|stamp| stamp.token.is_ok() || stamp.covered.is_err()));
}
