//! Foreign bytes as a PDF to be judged: no panic; from memory and in pieces through a window the same is found; a signature
//! that covers the whole file has no later changes.

use formats::inspect::{Coverage, Input, LaterChanges, inspect};
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

pub(crate) fn run(bytes: &[u8]) {
    if !bytes.starts_with(b"%PDF-") {
        return;
    }
    for password in [None, Some("kunde")] {
        let places = |source: &dyn Source| {
            let found = inspect(&Input { password, ..Input::new(source, "fuzz.pdf") }).ok()?;
            let signatures = found.signatures.into_iter().map(|signature| signature.pdf);
            Some(signatures.chain(found.stamps.into_iter().map(|stamp| stamp.pdf)).collect::<Vec<_>>())
        };
        let found = places(&bytes);
        assert_eq!(found, places(&File(bytes)));
        for place in found.into_iter().flatten().flatten() {
            assert!(place.coverage != Coverage::WholeFile || place.later == LaterChanges::None, "{place:?}");
        }
    }
}
