//! Foreign bytes as a signed XML document, and as the file that its signatures are over: no panic, and what is said of
//! them holds together.

use formats::inspect::{Detached, FileKind, Input, Integrity, inspect};

pub(crate) fn run(source: &[u8]) {
    let detached = [Detached::Document { name: "file", source: &source }];
    for detached in [&detached[..], &[]] {
        let Ok(found) = inspect(&Input { detached, ..Input::new(&source, "file.xml") }) else { return };
        if found.kind != FileKind::Xml {
            return;
        }
        for (index, signature) in found.signatures.iter().enumerate() {
            assert!(signature.parent.is_none_or(|parent| parent < index));
            assert!(signature.value.is_err() || signature.key.is_some() && signature.method.is_some());
            for covered in &signature.covered {
                assert!(!covered.what.is_empty());
                assert!(covered.integrity != Integrity::Intact || covered.algorithm.is_some());
            }
            for stamp in &signature.stamps {
                assert!(stamp.imprint != Integrity::Intact || stamp.token.is_ok());
            }
        }
        assert!(found.records.iter().flat_map(|record| &record.signatures).all(|index| *index < found.signatures.len()));
    }
}
