//! Archive time stamps of versions 1 and 2 (TS 101 733 up to 2.1), over everything as it stood. What exactly was digested
//! differed from program to program; the known ways are tried, as the European reference implementation does.

use super::content::Contents;
use super::stamps::{Budget, FoundStamp, Outcome, Scene, under_attribute, under_value};
use crate::cms::identifiers::{OID_ARCHIVE_TIME_STAMP_1, OID_ARCHIVE_TIME_STAMP_2, OID_ARCHIVE_TIME_STAMP_3};
use crate::cms::message::Attributed;
use crate::der::{self, TAG_CONTEXT_0, TAG_CONTEXT_1};
use crate::inspect::Integrity;
use crate::prepare::FormatError;
use crate::signature::Unverified;
use crate::signature::hash::Running;
use crate::source::each_chunk;
use crate::tsp::Token;
use model::Reason;

/// Judges one such time stamp.
pub(super) fn judge(
    scene: &Scene<'_>,
    stamp: &FoundStamp<'_>,
    token: &Token,
    contents: &Contents<'_>,
    left: &mut Budget,
) -> Result<Outcome, FormatError> {
    let Scene { stage, own, found, .. } = *scene;
    let before: Vec<Attributed<'_>> =
        own.signer.unsigned_attributes().filter(|attribute| was_there(attribute, found, token)).collect();
    let mut covers = under_value(own, found);
    covers.extend(stage.shared.ids());
    for attribute in &before {
        attribute.values.iter().for_each(|value| under_attribute(attribute.oid, value, found, &mut covers));
    }
    let imprint = match imprint(scene, &before, token, contents, left)? {
        Integrity::Changed if stamp.oid == OID_ARCHIVE_TIME_STAMP_1 => {
            let sentence = "the archive time stamp is of the first version, which nobody computes alike";
            Integrity::Refused(Reason::new("archive-time-stamp-1", sentence))
        }
        other => other,
    };
    Ok(Outcome { imprint, covers: covers.into_iter().collect(), faults: Vec::new() })
}

/// Whether an unsigned attribute was there when the time stamp was made: archive time stamps tell by their time, all
/// others were.
fn was_there(attribute: &Attributed<'_>, found: &[FoundStamp<'_>], token: &Token) -> bool {
    let archive = [OID_ARCHIVE_TIME_STAMP_1, OID_ARCHIVE_TIME_STAMP_2, OID_ARCHIVE_TIME_STAMP_3];
    if !archive.contains(&attribute.oid) {
        return true;
    }
    let first = attribute.values.first();
    let stamp = first.and_then(|value| found.iter().find(|stamp| std::ptr::eq(stamp.bytes, *value)));
    stamp.and_then(|stamp| stamp.token.as_ref().ok()).is_some_and(|other| other.time() < token.time())
}

/// encapContentInfo, a detached content, certificates, crls, the fields of the SignerInfo, its unsigned attributes.
fn imprint(
    scene: &Scene<'_>,
    before: &[Attributed<'_>],
    token: &Token,
    contents: &Contents<'_>,
    left: &mut Budget,
) -> Result<Integrity, FormatError> {
    let Scene { stage, own, chosen, .. } = *scene;
    let missing = || {
        let sentence = "the archive time stamp is of an old kind, for which the document itself is needed";
        Integrity::Missing(Reason::new("original-missing", sentence))
    };
    if left.passes == 0 {
        let sentence = "the file has too many archive time stamps of an old kind, each over the whole content";
        return Ok(Integrity::Refused(Reason::new("too-many-time-stamps", sentence)));
    }
    left.passes -= 1;
    let message = stage.message;
    let attributes: Vec<&[u8]> = before.iter().map(|attribute| attribute.raw).collect();
    let framed = der::tlv(TAG_CONTEXT_1, &attributes);
    let plain = attributes.concat();
    // TS 101 733 version 2.2.1 annex K counts the frame of the attributes in, version 1.8.3 did not.
    let ways: [&[u8]; 2] = [&framed, &plain];
    let hash = token.imprint().algorithm;
    let started: Result<Vec<Running>, Unverified> = ways.iter().map(|_| hash.start()).collect();
    let mut running = match started {
        Ok(running) => running,
        Err(error) => return Ok(Integrity::Refused(super::signer::unverified(&error))),
    };
    let mut feed = |bytes: &[u8]| {
        let fed = running.iter_mut().try_for_each(|running| running.update(bytes));
        fed.map_err(|error| FormatError::document("archive-time-stamp", error.to_string()))
    };
    each_chunk::<FormatError>(stage.document, &message.encapsulated(), &mut feed)?;
    if message.is_detached() {
        let Some(chosen) = chosen else { return Ok(missing()) };
        if !contents.each(chosen, &mut feed)? {
            return Ok(missing());
        }
    }
    for (tag, members) in [(TAG_CONTEXT_0, message.certificates()), (TAG_CONTEXT_1, message.revocations())] {
        if !members.is_empty() {
            feed(&der::tlv(tag, &members.iter().map(Vec::as_slice).collect::<Vec<_>>()))?;
        }
    }
    feed(own.signer.fields())?;
    for (mut running, way) in running.into_iter().zip(ways) {
        if running.update(way).and_then(|()| running.finish()).is_ok_and(|digest| digest == token.imprint().value) {
            return Ok(Integrity::Intact);
        }
    }
    Ok(Integrity::Changed)
}
