//! Time stamps in files of their own: a token, or the response that an authority sent.

use super::behind;
use crate::cms::message::Message;
use crate::cms::reader::Header;
use crate::der::{DerError, TAG_SEQUENCE};
use crate::inspect::{Detached, FileKind, Input, Inspection, Integrity, Stamp, StampKind};
use crate::prepare::FormatError;
use crate::signature::HashAlgorithm;
use crate::source::{Source, each_chunk};
use crate::tsp::{Imprint, Token};
use model::Reason;
use model::limits::STAMP_FILE_BYTES_MAX;
use std::ops::Range;

/// Takes a token apart that lies in this part of the file.
pub(super) fn token(input: &Input<'_>, range: Range<u64>) -> Result<Inspection, FormatError> {
    let length = range.end.saturating_sub(range.start);
    if length > STAMP_FILE_BYTES_MAX {
        return Err(FormatError::document("time-stamp-too-long", "the file is longer than any time stamp"));
    }
    let mut bytes = vec![0; length as usize];
    input.source.read_exact_at(range.start, &mut bytes)?;
    let end = Message::read(&bytes).map(|message| message.end());
    let own = end.as_ref().ok().and_then(|end| bytes.get(..usize::try_from(*end).ok()?)).unwrap_or(&bytes);
    let token = Token::read_with(own, input.certificates);
    let mut inspection = Inspection::new(FileKind::TimeStamp);
    if let Ok(end) = end {
        inspection.notes.extend(behind(input.source, range.start + end)?);
    }
    inspection.stamps.push(Stamp {
        kind: StampKind::Alone,
        name: None,
        bytes: token.as_ref().map_or_else(|_| own.into(), |token| token.der().clone()),
        imprint: match &token {
            Ok(token) => imprint(token.imprint(), input.detached)?,
            Err(error) => Integrity::Refused(Reason::new("time-stamp-unreadable", error.to_string())),
        },
        token,
        covers: Vec::new(),
        signatures: Vec::new(),
        faults: Vec::new(),
        pdf: None,
    });
    Ok(inspection)
}

/// `TimeStampResp ::= SEQUENCE { status, timeStampToken OPTIONAL }` (RFC 3161 section 2.4.2).
pub(super) fn response(input: &Input<'_>) -> Result<Inspection, FormatError> {
    const STATUS_BYTES_MAX: u64 = 64 * 1024;
    let mut head = vec![0; input.source.len().min(STATUS_BYTES_MAX) as usize];
    input.source.read_exact_at(0, &mut head)?;
    let token = place_of_token(&head).map_err(|error| {
        FormatError::document("time-stamp-unreadable", format!("the time-stamp response cannot be read: {error}"))
    })?;
    let Some(start) = token else {
        let mut inspection = Inspection::new(FileKind::TimeStamp);
        let sentence = "the file is the answer of an authority that gave no time stamp";
        inspection.notes.push(Reason::new("time-stamp-refused", sentence));
        return Ok(inspection);
    };
    self::token(input, start..input.source.len())
}

/// Where the token begins. `None`: there is none.
fn place_of_token(head: &[u8]) -> Result<Option<u64>, DerError> {
    let inside = |at: usize| {
        let header = Header::read(head, at, head.len())?;
        if header.tag == TAG_SEQUENCE { Ok(header) } else { Err(DerError::UnexpectedTag) }
    };
    let outer = inside(0)?;
    let status = inside(outer.value_at)?;
    let behind = status.length.and_then(|length| status.value_at.checked_add(length)).ok_or(DerError::Malformed)?;
    let end = outer.length.and_then(|length| outer.value_at.checked_add(length)).ok_or(DerError::Malformed)?;
    Ok(if behind >= end { None } else { Some(behind as u64) })
}

/// Whether the imprint is that of one of these.
fn imprint(imprint: &Imprint, detached: &[Detached<'_>]) -> Result<Integrity, FormatError> {
    let mut known = 0;
    for given in detached {
        let digest = match given {
            Detached::Digest(algorithm, digest) if *algorithm == imprint.algorithm => digest.clone(),
            Detached::Digest(..) => continue,
            Detached::Document { source, .. } => match digest(*source, imprint.algorithm)? {
                Ok(digest) => digest,
                Err(refused) => return Ok(Integrity::Refused(refused)),
            },
        };
        if digest == imprint.value {
            return Ok(Integrity::Intact);
        }
        known += 1;
    }
    Ok(match known {
        1 if detached.len() == 1 => Integrity::Changed,
        _ if detached.is_empty() => {
            let sentence = "what was time-stamped is elsewhere: that document is needed, too";
            Integrity::Missing(Reason::new("original-missing", sentence))
        }
        _ => {
            let sentence = "nothing of what was given is what was time-stamped";
            Integrity::Missing(Reason::new("original-missing", sentence))
        }
    })
}

fn digest(source: &dyn Source, hash: HashAlgorithm) -> Result<Result<Vec<u8>, Reason>, FormatError> {
    let mut running = match hash.start() {
        Ok(running) => running,
        Err(error) => return Ok(Err(super::signer::unverified(&error))),
    };
    let mut outcome = Ok(());
    each_chunk::<FormatError>(source, &(0..source.len()), |chunk| {
        if outcome.is_ok() {
            outcome = running.update(chunk);
        }
        Ok(())
    })?;
    Ok(outcome.and_then(|()| running.finish()).map_err(|error| super::signer::unverified(&error)))
}
