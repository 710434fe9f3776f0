//! Encrypted messages (CMS EnvelopedData and AuthEnvelopedData) on the way to what is in them, if somebody has a key.
//!
//! Nothing of a content is given out before its end was reached and its tag was right.

use super::{FileKind, Input, Inspection, Nested, Opener};
use crate::envelope::Envelope;
use crate::prepare::FormatError;
use crate::source::Source;
use model::Reason;
use model::limits::{DECRYPTED_BYTES_MAX, ENVELOPE_ATTEMPTS_MAX};

/// How many recipients are named to people.
const RECIPIENTS_NAMED_MAX: usize = 8;

/// What became of an encrypted message.
pub(super) enum Content {
    /// It was opened.
    Open {
        /// The content.
        plain: Vec<u8>,
        /// Nobody without the key has changed it.
        authenticated: bool,
    },
    /// It was not, for this reason.
    Closed(Reason),
}

/// Inspects what is in an encrypted file.
pub(super) fn inspect(input: &Input<'_>) -> Result<Inspection, FormatError> {
    let mut inspection = Inspection::new(FileKind::Encrypted);
    match open(input.source, input.opener)? {
        Content::Closed(why) => inspection.notes.push(why),
        Content::Open { plain, authenticated } => {
            inspection.notes.extend(decrypted(authenticated));
            let inside = super::inspect(&input.inside(&plain, input.name)?)?;
            inspection.nested.push(Nested { name: "decrypted".to_owned(), inspection: inside });
        }
    }
    Ok(inspection)
}

/// What there is to say about a content that was decrypted.
pub(super) fn decrypted(authenticated: bool) -> Vec<Reason> {
    let mut notes = vec![Reason::new("decrypted", "it was encrypted, and was decrypted with a key that is here")];
    if !authenticated {
        let sentence = "it was encrypted in a way that lets others change it unnoticed (CBC without authentication)";
        notes.push(Reason::new("malleable-encryption", sentence));
    }
    notes
}

/// Decrypts a message into memory.
pub(super) fn open(source: &dyn Source, opener: Option<&dyn Opener>) -> Result<Content, FormatError> {
    let envelope = match Envelope::read(source) {
        Ok(envelope) => envelope,
        Err(FormatError::Document(why)) => {
            let sentence = format!("it is encrypted and was not decrypted: {why}");
            return Ok(Content::Closed(Reason::new("encrypted", sentence)));
        }
        Err(other) => return Err(other),
    };
    let closed = |why: String| Content::Closed(Reason::new("encrypted", why));
    let mut recipients: Vec<String> =
        envelope.arrivals().iter().take(RECIPIENTS_NAMED_MAX).map(|arrival| arrival.id().to_string()).collect();
    if envelope.arrivals().len() > RECIPIENTS_NAMED_MAX {
        recipients.push(format!("{} others", envelope.arrivals().len() - RECIPIENTS_NAMED_MAX));
    }
    let recipients = recipients.join(", ");
    let Some(opener) = opener else {
        return Ok(closed(format!("it is encrypted for {recipients}; signatures inside need the key of one of them")));
    };
    let (mut attempts, mut last) = (0, None);
    for arrival in envelope.arrivals() {
        let Some(answer) = opener.open(arrival) else { continue };
        attempts += 1;
        let opened = match answer {
            Ok(secret) => envelope.open(source, arrival, &secret).and_then(collect),
            Err(why) => Err(FormatError::Document(why)),
        };
        match opened {
            Ok(content) => return Ok(content),
            Err(FormatError::Document(why)) => last = Some(why),
            Err(other) => return Err(other),
        }
        if attempts == ENVELOPE_ATTEMPTS_MAX {
            break;
        }
    }
    Ok(closed(match last {
        Some(why) => format!("it is encrypted and was not decrypted: {why}"),
        None => format!("it is encrypted for {recipients}, whose keys are not here"),
    }))
}

fn collect(mut opening: crate::envelope::Opening<'_>) -> Result<Content, FormatError> {
    let mut plain = Vec::new();
    let too_large = |length: usize| length as u64 > DECRYPTED_BYTES_MAX;
    while let Some(piece) = opening.piece()? {
        if too_large(plain.len() + piece.len()) {
            let sentence = format!("it holds more than {} MiB", DECRYPTED_BYTES_MAX / (1024 * 1024));
            return Err(FormatError::document("encrypted-too-large", sentence));
        }
        plain.extend_from_slice(piece);
    }
    let (rest, opened) = opening.finish()?;
    plain.extend_from_slice(&rest);
    Ok(Content::Open { plain, authenticated: opened.authenticated })
}
