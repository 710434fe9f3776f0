//! Foreign bytes as a container: no panic, and what was found refers to nothing that was not found.

use formats::inspect::{Input, Inspection, inspect};

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(found) = inspect(&Input::new(&bytes, "container.asice")) {
        look(&found, 0);
    }
}

fn look(found: &Inspection, depth: usize) {
    assert!(depth <= model::limits::INSPECTION_NESTING_MAX);
    let count = found.signatures.len();
    for (at, signature) in found.signatures.iter().enumerate() {
        assert!(signature.parent.is_none_or(|parent| parent < count && parent != at));
    }
    assert!(found.stamps.iter().flat_map(|stamp| &stamp.signatures).all(|index| *index < count));
    for record in &found.records {
        assert!(record.signatures.iter().all(|index| *index < count));
        let _ = archive::check_inspected(record);
    }
    found.nested.iter().for_each(|nested| look(&nested.inspection, depth + 1));
}
