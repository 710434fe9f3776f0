//! What document time stamps are over: every signature, time stamp and piece of evidence that lies in their range (EN 319
//! 102-1 clause 5.6.2.3).

use super::Located;
use crate::evidence::Evidence;
use crate::inspect::cms::of_token;
use crate::inspect::{Inspection, ObjectId, Signature, Stamp};
use crate::pdf::kept::Kept;

/// What one thing in the file brings, and where it ends.
struct Brought {
    end: u64,
    objects: Vec<ObjectId>,
}

/// Fills in what the stamps cover.
pub(super) fn fill(inspection: &mut Inspection, signatures: &[Located], stamps: &[Located], kept: &Kept) {
    let mut brought: Vec<Brought> = Vec::new();
    for located in signatures {
        let Some((_, end, _)) = located.span else { continue };
        let Some(signature) = inspection.signatures.get(located.index) else { continue };
        brought.push(Brought { end, objects: of_signature(signature) });
    }
    for located in stamps {
        let Some((_, end, _)) = located.span else { continue };
        let Some(stamp) = inspection.stamps.get(located.index) else { continue };
        brought.push(Brought { end, objects: of_stamp(stamp) });
    }
    brought
        .extend(kept.pieces.iter().map(|piece| Brought { end: piece.end, objects: vec![ObjectId::of(&piece.bytes)] }));
    brought.sort_by_key(|brought| brought.end);
    for located in stamps {
        let Some((start, _, end)) = located.span else { continue };
        let Some(stamp) = inspection.stamps.get_mut(located.index) else { continue };
        // Nothing can lie in what a stamp leaves out but itself.
        let before = brought.iter().take_while(|brought| brought.end <= end);
        let others = before.filter(|brought| !(start < brought.end && is_own(brought, stamp)));
        stamp.covers = others.flat_map(|brought| brought.objects.iter().copied()).collect();
        stamp.covers.sort_unstable();
        stamp.covers.dedup();
        let inside = |located: &&Located| located.span.is_some_and(|(_, contents, _)| contents <= end);
        stamp.signatures = signatures.iter().filter(inside).map(|located| located.index).collect();
    }
}

fn is_own(brought: &Brought, stamp: &Stamp) -> bool {
    brought.objects.first() == Some(&ObjectId::of(&stamp.bytes))
}

fn of_signature(signature: &Signature) -> Vec<ObjectId> {
    let mut objects = vec![ObjectId::of(&signature.signature_value)];
    objects.extend(of_evidence(&signature.evidence));
    signature.stamps.iter().for_each(|stamp| objects.extend(of_stamp(stamp)));
    objects
}

/// The token, and what it brings.
fn of_stamp(stamp: &Stamp) -> Vec<ObjectId> {
    let mut objects = vec![ObjectId::of(&stamp.bytes)];
    if let Ok(token) = &stamp.token {
        objects.extend(of_evidence(&of_token(token)));
    }
    objects
}

fn of_evidence(evidence: &Evidence) -> impl Iterator<Item = ObjectId> + '_ {
    let all = [&evidence.certificates, &evidence.crls, &evidence.ocsp_responses];
    all.into_iter().flatten().map(|item| ObjectId::of(item))
}
