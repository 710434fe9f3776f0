//! What the tests of taken apart PDFs share.

use formats::inspect::{Coverage, Input, Inspection, Integrity, LaterChanges, PdfPlace, Signature, Stamp, inspect};

/// The verdict on one signature or document time stamp, short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) field: String,
    pub(crate) intact: bool,
    pub(crate) valid: bool,
    pub(crate) faults: Vec<String>,
    pub(crate) coverage: Coverage,
    pub(crate) later: LaterChanges,
    pub(crate) changes: Vec<String>,
    pub(crate) stamp: bool,
    pub(crate) revision: usize,
    pub(crate) revisions: usize,
}

impl Line {
    /// Intact, valid, and within the rules.
    pub(crate) fn is_good(&self) -> bool {
        self.intact && self.valid && self.faults.is_empty()
    }
}

pub(crate) fn take_apart(bytes: &[u8]) -> Inspection {
    inspect(&Input::new(&bytes, "test.pdf")).unwrap()
}

pub(crate) fn take_apart_with(bytes: &[u8], password: &str) -> Inspection {
    let input = Input { password: Some(password), ..Input::new(&bytes, "test.pdf") };
    inspect(&input).unwrap()
}

fn line(place: &PdfPlace) -> Line {
    Line {
        field: place.field.clone(),
        intact: false,
        valid: false,
        faults: Vec::new(),
        coverage: place.coverage,
        later: place.later,
        changes: place.changes.iter().map(|reason| reason.sentence.clone()).collect(),
        stamp: false,
        revision: place.revision,
        revisions: place.revisions,
    }
}

fn of_signature(signature: &Signature) -> Option<Line> {
    let place = signature.pdf.as_ref()?;
    Some(Line {
        intact: signature.covered.iter().all(|covered| covered.integrity == Integrity::Intact),
        valid: signature.value.is_ok(),
        faults: signature.faults.iter().map(|fault| fault.sentence.clone()).collect(),
        ..line(place)
    })
}

fn of_stamp(stamp: &Stamp) -> Option<Line> {
    let place = stamp.pdf.as_ref()?;
    Some(Line {
        intact: stamp.imprint == Integrity::Intact,
        valid: stamp.token.is_ok(),
        faults: stamp.faults.iter().map(|fault| fault.sentence.clone()).collect(),
        stamp: true,
        ..line(place)
    })
}

/// All signatures and document time stamps, in the order of what they cover.
pub(crate) fn lines(inspection: &Inspection) -> Vec<Line> {
    let signatures = inspection.signatures.iter().filter_map(of_signature);
    let mut lines: Vec<Line> = signatures.chain(inspection.stamps.iter().filter_map(of_stamp)).collect();
    lines.sort_by_key(|line| line.revision);
    lines
}
