//! What a signature looks like on its page: a form XObject with text and a picture (ISO 32000-1 12.5.5), upright as the
//! page is displayed. Everything it shows comes from the certificate, the clock and the profile. Nothing of it depends on
//! the document's fonts or colours, so an archive format stays what it is.

use super::font::Font;
use super::image::{self, Image};
use super::lexer::Reference;
use super::page::{Box, Page};
use super::update::Tail;
use crate::prepare::FormatError;
use model::profile::{Corner, Place, VisibleSignature};
use model::{Profile, Signer, Time};

/// Distance of the content from the edges, in points.
const PADDING: f32 = 2.0;

/// Line distance in font sizes.
const LEADING: f32 = 1.2;

/// Text that does not fit is made smaller, down to this size in points.
const FONT_SIZE_MIN: f32 = 3.0;

/// Which part of the width a picture may take beside text.
const IMAGE_SHARE: f32 = 0.4;

/// Where a visible signature is drawn.
pub(super) struct Drawing {
    /// In the page's coordinates.
    pub(super) rectangle: Box,
    /// Clockwise quarter turns of the page.
    turns: u8,
}

impl Drawing {
    /// Finds the place on a page that is displayed as the page says.
    pub(super) fn place(page: &Page<'_>, place: &Place) -> Result<Self, FormatError> {
        let Box { left, bottom, right, top } = page.visible;
        let turned = page.turns % 2 == 1;
        let (across, along) = (right - left, top - bottom);
        let (page_width, page_height) = if turned { (along, across) } else { (across, along) };
        let (x, y, width, height) = match *place {
            Place::Rectangle { x, y, width, height } => (x, y, width, height),
            Place::Corner { corner, width, height, margin } => {
                let x = match corner {
                    Corner::TopLeft | Corner::BottomLeft => margin,
                    Corner::TopCentre | Corner::BottomCentre => (page_width - width) / 2.0,
                    Corner::TopRight | Corner::BottomRight => page_width - margin - width,
                };
                let y = match corner {
                    Corner::TopLeft | Corner::TopCentre | Corner::TopRight => page_height - margin - height,
                    Corner::BottomLeft | Corner::BottomCentre | Corner::BottomRight => margin,
                };
                (x, y, width, height)
            }
        };
        // Half a point of tolerance for pages whose size has been rounded.
        let inside = x >= -0.5 && y >= -0.5 && x + width <= page_width + 0.5 && y + height <= page_height + 0.5;
        if !(inside && width > 0.0 && height > 0.0) {
            return Err(FormatError::document(
                "pdf-place",
                format!(
                    "the place for the visible signature is not on the page, which is {page_width:.0} by {page_height:.0} points"
                ),
            ));
        }
        let rectangle = match page.turns {
            0 => Box { left: left + x, bottom: bottom + y, right: left + x + width, top: bottom + y + height },
            1 => Box { left: right - y - height, bottom: bottom + x, right: right - y, top: bottom + x + width },
            2 => Box { left: right - x - width, bottom: top - y - height, right: right - x, top: top - y },
            _ => Box { left: left + y, bottom: top - x - width, right: left + y + height, top: top - x },
        };
        Ok(Self { rectangle, turns: page.turns })
    }

    /// The place of a widget that exists; `None` if it has no area.
    pub(super) fn within(rectangle: Box, turns: u8) -> Option<Self> {
        (rectangle.left < rectangle.right && rectangle.bottom < rectangle.top).then_some(Self { rectangle, turns })
    }

    /// The raw value of `/Rect`.
    pub(super) fn rectangle(&self) -> String {
        let Box { left, bottom, right, top } = self.rectangle;
        format!("[{} {} {} {}]", short(left), short(bottom), short(right), short(top))
    }

    /// Width and height as displayed.
    fn size(&self) -> (f32, f32) {
        let Box { left, bottom, right, top } = self.rectangle;
        if self.turns % 2 == 1 { (top - bottom, right - left) } else { (right - left, top - bottom) }
    }

    /// The turn that makes the appearance upright on the turned page.
    fn matrix(&self) -> &'static str {
        match self.turns {
            0 => "[1 0 0 1 0 0]",
            1 => "[0 1 -1 0 0 0]",
            2 => "[-1 0 0 -1 0 0]",
            _ => "[0 -1 1 0 0 0]",
        }
    }
}

/// Writes an appearance that shows nothing.
pub(super) fn write_empty(tail: &mut Tail<'_>) -> Result<Reference, FormatError> {
    let id = tail.allocate()?;
    tail.stream(id, "/Type /XObject /Subtype /Form /BBox [0 0 0 0] /Resources << >>", b"")?;
    Ok(id)
}

/// Writes the appearance with everything that it uses.
pub(super) fn write(
    tail: &mut Tail<'_>,
    visible: &VisibleSignature,
    drawing: &Drawing,
    profile: &Profile,
    signer: &Signer,
    now: Time,
) -> Result<Reference, FormatError> {
    let (width, height) = drawing.size();
    let lines = lines(visible, profile, signer, now);
    let mut content = String::new();
    let mut resources = String::new();
    let mut text_left = PADDING;
    if let Some(file) = &visible.image {
        let image = Image::read(file)?;
        let share = if lines.is_empty() { 1.0 } else { IMAGE_SHARE };
        let (room, high) = ((width * share - 2.0 * PADDING).max(1.0), (height - 2.0 * PADDING).max(1.0));
        let scale = (room / image.width as f32).min(high / image.height as f32);
        let (w, h) = (image.width as f32 * scale, image.height as f32 * scale);
        let x = if lines.is_empty() { (width - w) / 2.0 } else { PADDING };
        content.push_str(&format!(
            "q {} 0 0 {} {} {} cm /Image Do Q\n",
            short(w),
            short(h),
            short(x),
            short((height - h) / 2.0)
        ));
        let image = image.write(tail)?;
        resources.push_str(&format!("/XObject << /Image {image} >> "));
        text_left += w + PADDING;
    }
    if !lines.is_empty() {
        let mut font = Font::new()?;
        let room = (width - text_left - PADDING, height - 2.0 * PADDING);
        let (size, lines) = fit(&font, &lines, visible.font_size, room);
        let leading = size * LEADING;
        let block = leading * (lines.len().saturating_sub(1)) as f32 + (font.ascent() - font.descent()) * size;
        // In the middle, but never above the upper edge.
        let first = height - PADDING - ((room.1 - block) / 2.0).max(0.0) - font.ascent() * size;
        content.push_str(&format!(
            "BT /Gray cs 0 sc /Text {} Tf {} TL {} {} Td\n",
            short(size),
            short(leading),
            short(text_left),
            short(first)
        ));
        for line in &lines {
            content.push_str(&format!("{} Tj T*\n", font.show(line)));
        }
        content.push_str("ET\n");
        let font = font.write(tail)?;
        resources.push_str(&format!("/Font << /Text {font} >> /ColorSpace << /Gray {} >> ", image::GRAY));
    }
    let id = tail.allocate()?;
    let entries = format!(
        "/Type /XObject /Subtype /Form /BBox [0 0 {} {}] /Matrix {} /Resources << {resources}>>",
        short(width),
        short(height),
        drawing.matrix()
    );
    tail.stream(id, &entries, content.as_bytes())?;
    Ok(id)
}

/// The lines before they are broken.
fn lines(visible: &VisibleSignature, profile: &Profile, signer: &Signer, now: Time) -> Vec<String> {
    let mut lines: Vec<String> = visible.text.iter().flat_map(|text| text.lines().map(str::to_owned)).collect();
    if visible.show_name {
        lines.push(signer.subject.clone());
    }
    if visible.show_date {
        let (year, month, day, hour, minute, second) = now.civil();
        lines.push(format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"));
    }
    let optional = [(visible.show_reason, &profile.pdf.reason), (visible.show_location, &profile.pdf.location)];
    lines.extend(optional.into_iter().filter(|(show, _)| *show).filter_map(|(_, text)| text.clone()));
    lines.iter_mut().for_each(|line| line.retain(|character| !character.is_control()));
    lines
}

/// Breaks the lines so that they fit, in a smaller size if need be. What does not fit in the smallest one is left out.
fn fit(font: &Font, lines: &[String], wanted: f32, (width, height): (f32, f32)) -> (f32, Vec<String>) {
    let mut size = if wanted.is_finite() { wanted.max(FONT_SIZE_MIN) } else { FONT_SIZE_MIN };
    loop {
        let broken: Vec<String> = lines.iter().flat_map(|line| wrap(font, line, width / size)).collect();
        let rows = 1.0 + ((height / size - (font.ascent() - font.descent())) / LEADING).max(0.0).floor();
        if broken.len() as f32 <= rows || size <= FONT_SIZE_MIN {
            let kept = broken.into_iter().take(rows as usize).collect();
            return (size, kept);
        }
        size = (size * 0.95).max(FONT_SIZE_MIN);
    }
}

/// Breaks one line between words, or inside of a word that is wider than the room. `room` is in em.
fn wrap(font: &Font, line: &str, room: f32) -> Vec<String> {
    let measure = |text: &str| text.chars().map(|character| font.width(character)).sum::<f32>();
    let mut rows = Vec::new();
    let (mut row, mut used) = (String::new(), 0.0);
    for word in line.split(' ') {
        let width = measure(word);
        let space = if row.is_empty() { 0.0 } else { font.width(' ') };
        if !row.is_empty() && used + space + width > room {
            rows.push(std::mem::take(&mut row));
            used = 0.0;
        } else if !row.is_empty() {
            row.push(' ');
            used += space;
        }
        if width <= room {
            row.push_str(word);
            used += width;
            continue;
        }
        for character in word.chars() {
            let width = font.width(character);
            if !row.is_empty() && used + width > room {
                rows.push(std::mem::take(&mut row));
                used = 0.0;
            }
            row.push(character);
            used += width;
        }
    }
    rows.push(row);
    rows
}

/// A number as PDF wants it: no exponent, no more digits than a printer resolves.
fn short(number: f32) -> String {
    let text = format!("{number:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text.is_empty() || text == "-0" { "0".to_owned() } else { text.to_owned() }
}
