//! Foreign bytes as a file of any kind to be taken apart: no panic; from memory and in pieces the same is found; indices
//! lead somewhere.

use formats::inspect::{Detached, Input, Inspection, inspect};
use formats::{Source, SourceError};

/// A document that is not in memory as a whole.
struct File<'a>(&'a [u8]);

impl Source for File<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.0.read_exact_at(offset, buffer)
    }
}

fn assert_whole(inspection: &Inspection) {
    let count = inspection.signatures.len();
    for (index, signature) in inspection.signatures.iter().enumerate() {
        assert!(signature.parent.is_none_or(|parent| parent < index));
    }
    let stamps = inspection.stamps.iter().flat_map(|stamp| &stamp.signatures);
    let records = inspection.records.iter().flat_map(|record| &record.signatures);
    assert!(stamps.chain(records).all(|&index| index < count));
    inspection.nested.iter().for_each(|nested| assert_whole(&nested.inspection));
}

pub(crate) fn run(bytes: &[u8]) {
    let document = bytes.get(..bytes.len() / 2).unwrap_or_default();
    let detached = [Detached::Document { name: "document", source: &document }];
    let in_memory = inspect(&Input { detached: &detached, ..Input::new(&bytes, "file") });
    let file = File(bytes);
    let in_pieces = inspect(&Input { detached: &detached, ..Input::new(&file, "file") });
    assert_eq!(in_memory.is_ok(), in_pieces.is_ok());
    if let (Ok(one), Ok(other)) = (&in_memory, &in_pieces) {
        assert_whole(one);
        assert_eq!((one.kind, one.signatures.len()), (other.kind, other.signatures.len()));
    }
}
