//! What a signature looks like on its page.
use super::lexer::Reference;
use super::page::{Box, Page};
use super::update::Tail;
use crate::prepare::FormatError;
use model::profile::{Place, VisibleSignature};
use model::{Profile, Signer, Time};

/// Where a visible signature is drawn.
pub(super) struct Drawing {
    rectangle: Box,
    turns: u8,
}

impl Drawing {
    pub(super) fn place(page: &Page<'_>, _place: &Place) -> Result<Self, FormatError> {
        Ok(Self { rectangle: page.visible, turns: page.turns })
    }
    pub(super) fn within(rectangle: Box, turns: u8) -> Option<Self> {
        (rectangle.left < rectangle.right && rectangle.bottom < rectangle.top).then_some(Self { rectangle, turns })
    }
    pub(super) fn rectangle(&self) -> String {
        let Box { left, bottom, right, top } = self.rectangle;
        format!("[{left} {bottom} {right} {top}]")
    }
}

/// Writes an appearance that shows nothing.
pub(super) fn write_empty(tail: &mut Tail<'_>) -> Result<Reference, FormatError> {
    let id = tail.allocate()?;
    tail.stream(id, "/Type /XObject /Subtype /Form /BBox [0 0 0 0] /Resources << >>", b"")?;
    Ok(id)
}

pub(super) fn write(
    tail: &mut Tail<'_>,
    _visible: &VisibleSignature,
    drawing: &Drawing,
    _profile: &Profile,
    _signer: &Signer,
    _now: Time,
) -> Result<Reference, FormatError> {
    let _ = drawing.turns;
    write_empty(tail)
}
