//! The font of visible signatures: DejaVu Sans, of which exactly the glyphs that are used are embedded, with widths and a
//! way back to Unicode, as PDF/A asks for (ISO 32000-1 9.7.4 and 9.10.3, ISO 19005-1 6.3).

use super::filter;
use super::lexer::Reference;
use super::update::Tail;
use crate::prepare::FormatError;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

/// DejaVu Sans; its licence lies beside it.
const DATA: &[u8] = include_bytes!("../../assets/DejaVuSans.ttf");

/// What stands in for characters that the font lacks: PDF/A does not permit the empty box.
const REPLACEMENT: char = '?';

/// Subsets that are kept; some ten kilobytes each.
const SUBSETS_KEPT: usize = 16;

static KEPT: Mutex<Vec<Arc<Subset>>> = Mutex::new(Vec::new());

struct Subset {
    /// Glyphs of the whole font in their new order.
    glyphs: Vec<u16>,
    /// Length of the font file before compression.
    length: usize,
    deflated: Vec<u8>,
    /// Glyphs in it: those noted, and the parts that they are put together from.
    count: u16,
}

/// The font and which of its glyphs have been used so far.
pub(super) struct Font {
    face: Face<'static>,
    remapper: GlyphRemapper,
    /// New glyph number to its character.
    characters: BTreeMap<u16, char>,
    /// Font units of one em.
    units: f32,
}

impl Font {
    pub(super) fn new() -> Result<Self, FormatError> {
        let face = Face::parse(DATA, 0).map_err(|_| broken())?;
        let units = f32::from(face.units_per_em());
        let mut font = Self { face, remapper: GlyphRemapper::new(), characters: BTreeMap::new(), units };
        // Always all digits, so that the subset does not depend on the time.
        font.show("0123456789");
        Ok(font)
    }

    /// Height above the base line, in em.
    pub(super) fn ascent(&self) -> f32 {
        f32::from(self.face.ascender()) / self.units
    }

    /// Depth below the base line, in em; negative.
    pub(super) fn descent(&self) -> f32 {
        f32::from(self.face.descender()) / self.units
    }

    fn glyph(&self, character: char) -> (char, GlyphId) {
        match self.face.glyph_index(character).filter(|glyph| glyph.0 != 0) {
            Some(glyph) => (character, glyph),
            None => (REPLACEMENT, self.face.glyph_index(REPLACEMENT).unwrap_or(GlyphId(0))),
        }
    }

    /// Width of a character, in em.
    pub(super) fn width(&self, character: char) -> f32 {
        f32::from(self.face.glyph_hor_advance(self.glyph(character).1).unwrap_or(0)) / self.units
    }

    /// The text as the operand of `Tj`, and its glyphs noted for embedding.
    pub(super) fn show(&mut self, text: &str) -> String {
        let mut operand = String::with_capacity(text.len() * 4 + 2);
        operand.push('<');
        for character in text.chars() {
            let (character, glyph) = self.glyph(character);
            let new = self.remapper.remap(glyph.0);
            self.characters.entry(new).or_insert(character);
            operand.push_str(&format!("{new:04X}"));
        }
        operand.push('>');
        operand
    }

    /// Writes the font with the glyphs noted.
    pub(super) fn write(&self, tail: &mut Tail<'_>) -> Result<Reference, FormatError> {
        let subset = self.subset()?;
        let [font, descendant, descriptor, file, unicode, set] = allocate(tail)?;
        let name = format!("{}+DejaVuSans", self.tag());
        let em = |value: i16| (f32::from(value) * 1000.0 / self.units).round();
        let bounds = self.face.global_bounding_box();
        let head = format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /{name} /Encoding /Identity-H /DescendantFonts [{descendant}] /ToUnicode {unicode} >>"
        );
        tail.object(font, head.as_bytes());
        let widths: Vec<String> = self.remapper.remapped_gids().map(|old| self.thousandths(old).to_string()).collect();
        let mut body = format!("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /{name} /CIDToGIDMap /Identity /FontDescriptor {descriptor} /DW 600 /W [0 [{}]] /CIDSystemInfo << /Registry ", widths.join(" ")).into_bytes();
        body.extend_from_slice(&tail.string(descendant, b"Adobe")?);
        body.extend_from_slice(b" /Ordering ");
        body.extend_from_slice(&tail.string(descendant, b"Identity")?);
        body.extend_from_slice(b" /Supplement 0 >> >>");
        tail.object(descendant, &body);
        let capitals = self.face.capital_height().unwrap_or(self.face.ascender());
        let body = format!(
            "<< /Type /FontDescriptor /FontName /{name} /Flags 4 /ItalicAngle 0 /StemV 80 /FontBBox [{} {} {} {}] /Ascent {} /Descent {} /CapHeight {} /FontFile2 {file} /CIDSet {set} >>",
            em(bounds.x_min),
            em(bounds.y_min),
            em(bounds.x_max),
            em(bounds.y_max),
            em(self.face.ascender()),
            em(self.face.descender()),
            em(capitals),
        );
        tail.object(descriptor, body.as_bytes());
        tail.stream(file, &format!("/Filter /FlateDecode /Length1 {}", subset.length), &subset.deflated)?;
        tail.stream(unicode, "", self.to_unicode().as_bytes())?;
        // Every glyph that the font file has, used or not (ISO 19005-2 6.2.11.4.2).
        let glyphs = usize::from(subset.count);
        let bits: Vec<u8> = (0..glyphs.div_ceil(8))
            .map(|byte| (0..8).fold(0, |bits, bit| bits | if byte * 8 + bit < glyphs { 0x80u8 >> bit } else { 0 }))
            .collect();
        tail.stream(set, "", &bits)?;
        Ok(font)
    }

    /// The font file with the glyphs noted. Documents of one signer differ in digits only, so the last ones are kept:
    /// making one costs more than an RSA signature.
    fn subset(&self) -> Result<Arc<Subset>, FormatError> {
        let glyphs: Vec<u16> = self.remapper.remapped_gids().collect();
        let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = kept.iter().position(|subset| subset.glyphs == glyphs) {
            return Ok(Arc::clone(&kept[at]));
        }
        let data = subsetter::subset(DATA, 0, &self.remapper).map_err(|_| broken())?;
        let count = Face::parse(&data, 0).map_err(|_| broken())?.number_of_glyphs();
        let subset = Arc::new(Subset { glyphs, length: data.len(), deflated: filter::deflate(&data), count });
        if kept.len() >= SUBSETS_KEPT {
            kept.remove(0);
        }
        kept.push(Arc::clone(&subset));
        Ok(subset)
    }

    fn thousandths(&self, glyph: u16) -> f32 {
        (f32::from(self.face.glyph_hor_advance(GlyphId(glyph)).unwrap_or(0)) * 1000.0 / self.units).round()
    }

    /// Six letters that tell subsets apart (ISO 32000-1 9.6.4).
    fn tag(&self) -> String {
        let mut hash = self
            .remapper
            .remapped_gids()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, glyph| (hash ^ u64::from(glyph)).wrapping_mul(0x0100_0000_01b3));
        (0..6)
            .map(|_| {
                let letter = b'A' + (hash % 26) as u8;
                hash /= 26;
                char::from(letter)
            })
            .collect()
    }

    fn to_unicode(&self) -> String {
        let mut map = String::from(
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
        );
        let pairs: Vec<_> = self.characters.iter().collect();
        for some in pairs.chunks(100) {
            map.push_str(&format!("{} beginbfchar\n", some.len()));
            for (glyph, character) in some {
                let mut units = [0; 2];
                let hex: String = character.encode_utf16(&mut units).iter().map(|unit| format!("{unit:04X}")).collect();
                map.push_str(&format!("<{glyph:04X}> <{hex}>\n"));
            }
            map.push_str("endbfchar\n");
        }
        map.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
        map
    }
}

fn allocate<const N: usize>(tail: &mut Tail<'_>) -> Result<[Reference; N], FormatError> {
    let mut names = [Reference { number: 0, generation: 0 }; N];
    for name in &mut names {
        *name = tail.allocate()?;
    }
    Ok(names)
}

fn broken() -> FormatError {
    FormatError::setup("appearance-font", "the font for visible signatures cannot be used")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_subset_is_kept_and_counts_the_parts_of_its_glyphs() {
        let mut font = Font::new().unwrap();
        assert_eq!(font.show("ÄB\u{10ffff}").len(), 2 + 3 * 4);
        let subset = font.subset().unwrap();
        // Ä is put together from A and two dots, which were never asked for.
        assert!(subset.count > font.remapper.num_gids(), "{} {}", subset.count, font.remapper.num_gids());
        assert!(font.characters.values().any(|character| *character == REPLACEMENT));
        assert!(font.to_unicode().contains("<00C4>"));
        assert!(Arc::ptr_eq(&subset, &font.subset().unwrap()));
        assert_eq!(font.tag().len(), 6);
    }
}
