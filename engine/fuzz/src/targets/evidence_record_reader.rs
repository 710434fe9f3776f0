//! Foreign bytes as an evidence record: no panic, what was read is written the same, and it proves nothing about
//! another document.

use archive::EvidenceRecord;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(record) = EvidenceRecord::read(bytes) else { return };
    assert_eq!(record.der(), bytes);
    let about =
        |document: &'static [u8]| archive::check(&record, &|algorithm| Some(vec![algorithm.digest(document).ok()?]));
    let _ = about(b"Inhalt");
    assert!(about(b"another document").is_err());
    let _ = record.renewal_leaf();
}
