//! The picture of a visible signature: PNG or JPEG as an image XObject (ISO 32000-1 8.9.5) in a device-independent colour
//! space and without transparency, so that it is permitted in every PDF/A.

use super::filter;
use super::lexer::Reference;
use super::update::Tail;
use crate::prepare::FormatError;

/// Decoded length of a picture, in bytes.
const IMAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// sRGB's white, primaries and (nearly) its curve; no device colour needs an output intent this way.
pub(super) const GRAY: &str = "[/CalGray << /WhitePoint [0.9505 1 1.089] /Gamma 2.2 >>]";
const RGB: &str = "[/CalRGB << /WhitePoint [0.9505 1 1.089] /Gamma [2.2 2.2 2.2] /Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.0722 0.9505] >>]";

/// A picture that is ready to be written.
pub(super) struct Image {
    pub(super) width: u32,
    pub(super) height: u32,
    colours: u8,
    filter: String,
    data: Vec<u8>,
}

fn unusable(detail: &str) -> FormatError {
    FormatError::setup("appearance-image", format!("the picture for visible signatures cannot be used: {detail}"))
}

impl Image {
    /// Reads a picture from the bytes of its file.
    pub(super) fn read(file: &[u8]) -> Result<Self, FormatError> {
        match file {
            [0x89, b'P', b'N', b'G', ..] => passable_png(file).map_or_else(|| decode_png(file), Ok),
            [0xff, 0xd8, ..] => jpeg(file),
            _ => Err(unusable("it is neither a PNG nor a JPEG")),
        }
    }

    /// Writes it as an image XObject.
    pub(super) fn write(&self, tail: &mut Tail<'_>) -> Result<Reference, FormatError> {
        let id = tail.allocate()?;
        let space = if self.colours == 1 { GRAY } else { RGB };
        let (width, height, filter) = (self.width, self.height, &self.filter);
        let entries = format!(
            "/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 /ColorSpace {space} {filter}"
        );
        tail.stream(id, &entries, &self.data)?;
        Ok(id)
    }
}

/// A PNG whose compressed data PDF understands as they are: eight bits, no palette, no transparency, not interlaced.
fn passable_png(file: &[u8]) -> Option<Image> {
    let mut rest = file.get(8..)?;
    let (mut header, mut data) = (None, Vec::new());
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let body = after.get(..length)?;
        rest = after.get(length.checked_add(4)?..)?;
        match kind {
            b"IHDR" => header = Some(<[u8; 13]>::try_from(body).ok()?),
            b"IDAT" => data.extend_from_slice(body),
            b"tRNS" => return None,
            b"IEND" => break,
            _ => {}
        }
    }
    let [w0, w1, w2, w3, h0, h1, h2, h3, 8, kind @ (0 | 2), 0, 0, 0] = header? else { return None };
    let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
    let colours = if kind == 0 { 1 } else { 3 };
    let filter = format!(
        "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors {colours} /BitsPerComponent 8 /Columns {width} >>"
    );
    (width > 0 && height > 0).then_some(Image { width, height, colours, filter, data })
}

/// Any other PNG: decoded, laid on white, compressed again.
fn decode_png(file: &[u8]) -> Result<Image, FormatError> {
    let damaged = || unusable("the PNG is damaged or too large");
    let limits = png::Limits { bytes: IMAGE_BYTES_MAX };
    let mut decoder = png::Decoder::new_with_limits(std::io::Cursor::new(file), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|_| damaged())?;
    let length = reader.output_buffer_size().filter(|length| *length <= IMAGE_BYTES_MAX).ok_or_else(damaged)?;
    let mut pixels = vec![0; length];
    let frame = reader.next_frame(&mut pixels).map_err(|_| damaged())?;
    pixels.truncate(frame.buffer_size());
    let (colours, data) = match frame.color_type {
        png::ColorType::Grayscale => (1, pixels),
        png::ColorType::Rgb => (3, pixels),
        png::ColorType::GrayscaleAlpha => (1, on_white::<2>(&pixels)),
        png::ColorType::Rgba => (3, on_white::<4>(&pixels)),
        png::ColorType::Indexed => return Err(damaged()),
    };
    let filter = "/Filter /FlateDecode".to_owned();
    Ok(Image { width: frame.width, height: frame.height, colours, filter, data: filter::deflate(&data) })
}

/// Pixels of `N` samples, the last of which is their opacity, as they look on white.
fn on_white<const N: usize>(pixels: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(pixels.len() / N * (N - 1));
    for pixel in pixels.chunks_exact(N) {
        let opacity = u16::from(pixel[N - 1]);
        let mix = |sample: &u8| ((u16::from(*sample) * opacity + 255 * (255 - opacity) + 127) / 255) as u8;
        plain.extend(pixel[..N - 1].iter().map(mix));
    }
    plain
}

/// A JPEG goes in as it is; only its frame header is read (ITU-T T.81 B.2.2).
fn jpeg(file: &[u8]) -> Result<Image, FormatError> {
    let damaged = || unusable("the JPEG is damaged");
    let mut rest = file.get(2..).ok_or_else(damaged)?;
    loop {
        let [0xff, marker, after @ ..] = rest else { return Err(damaged()) };
        match marker {
            0xff => {
                rest = &rest[1..];
                continue;
            }
            0x01 | 0xd0..=0xd7 => {
                rest = after;
                continue;
            }
            _ => {}
        }
        let (length, _) = after.split_first_chunk::<2>().ok_or_else(damaged)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let body = after.get(2..length).ok_or_else(damaged)?;
        if matches!(marker, 0xc0..=0xc2) {
            let [8, h0, h1, w0, w1, colours, ..] = *body else {
                return Err(unusable("only 8-bit JPEGs can be embedded"));
            };
            if !matches!(colours, 1 | 3) {
                return Err(unusable("CMYK JPEGs are not supported; save it as RGB"));
            }
            let (width, height) = (u32::from(u16::from_be_bytes([w0, w1])), u32::from(u16::from_be_bytes([h0, h1])));
            if width == 0 || height == 0 {
                return Err(damaged());
            }
            let filter = "/Filter /DCTDecode".to_owned();
            return Ok(Image { width, height, colours, filter, data: file.to_vec() });
        }
        if matches!(marker, 0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf | 0xd9 | 0xda) {
            return Err(unusable("its kind of JPEG cannot be embedded in a PDF"));
        }
        rest = &after[length..];
    }
}
