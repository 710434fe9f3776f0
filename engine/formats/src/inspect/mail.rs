//! Mails (RFC 5322, MIME) with S/MIME in them (RFC 8551): which parts are signed or encrypted, by whom, and what a
//! reader sees of the mail that nobody signed. Outlook's files (MS-OXMSG) as well.
//!
//! A signature over the whole body belongs to the inspection of the mail; everything else that is signed is nested, under
//! the number of its part. Mails are also made to deceive (USENIX Security 2019, "Johnny, you are fired!"; covert content,
//! 2019): a signature that is not over what is shown has a fault that says so, and what is encrypted inside of something
//! else is not decrypted.
//!
//! Where things are: `entity.rs` header and parts, `parameters.rs` their parameters, `decode.rs` transfer encodings ·
//! `address.rs` who it is from · `place.rs` where in a mail something is · `walk.rs` the way through the parts ·
//! `signed.rs` signatures · `attached.rs` files · `outlook.rs` compound files.

mod address;
mod attached;
mod decode;
mod entity;
mod outlook;
mod parameters;
mod place;
mod signed;
mod walk;

use super::{Input, Inspection};
use crate::prepare::FormatError;
use entity::{Entity, MimeError};
use model::limits::MAIL_BYTES_MAX;
use place::Place;
use std::borrow::Cow;
use walk::Walk;

/// Takes a mail apart.
pub(super) fn inspect(input: &Input<'_>) -> Result<Inspection, FormatError> {
    let bytes = whole(input)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let empty_lines = bytes.iter().take_while(|&&byte| matches!(byte, b'\r' | b'\n')).count();
    Walk::new(input).message(bytes.get(empty_lines..).unwrap_or_default(), &Place::root())
}

/// Takes an Outlook file apart.
pub(super) fn inspect_compound(input: &Input<'_>) -> Result<Inspection, FormatError> {
    outlook::inspect(input, &whole(input)?)
}

/// All of the file.
fn whole<'a>(input: &Input<'a>) -> Result<Cow<'a, [u8]>, FormatError> {
    if input.source.len() > MAIL_BYTES_MAX {
        let sentence = format!("the mail is larger than {} MiB", MAIL_BYTES_MAX / (1024 * 1024));
        return Err(FormatError::document("mail-too-large", sentence));
    }
    if let Some(bytes) = input.source.as_slice() {
        return Ok(Cow::Borrowed(bytes));
    }
    let mut bytes = vec![0; input.source.len() as usize];
    input.source.read_exact_at(0, &mut bytes)?;
    Ok(Cow::Owned(bytes))
}

/// The reason for a mail that cannot be taken apart.
fn unreadable(place: &Place, error: MimeError) -> FormatError {
    FormatError::document("mail-unreadable", format!("{} cannot be read: {error}", place.label()))
}

fn read<'a>(bytes: &'a [u8], place: &Place) -> Result<Entity<'a>, FormatError> {
    Entity::read(bytes).map_err(|error| unreadable(place, error))
}
