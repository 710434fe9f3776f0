//! What the numbers and words of signature records mean, and what of them a profile can express.

use super::secsigner::{PdfAnnotation, SignatureRecord};
use model::DigestAlgorithm;
use model::profile::{Corner, ExistingSignatures, Format, PageChoice, PdfOptions, Place, VisibleSignature, XmlShape};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DocumentType {
    /// 0.
    PlainText,
    /// 1.
    Html,
    /// 2.
    Binary,
    /// 3.
    Image,
    /// 4.
    Pdf,
    /// 12.
    Xml,
    /// 13.
    Rtf,
    /// 14.
    Zip,
}

impl DocumentType {
    /// All with their numbers and media types.
    pub const ALL: [(DocumentType, i64, &'static str); 8] = [
        (DocumentType::PlainText, 0, "text/plain"),
        (DocumentType::Html, 1, "text/html"),
        (DocumentType::Binary, 2, "application/octet-stream"),
        (DocumentType::Image, 3, "application/octet-stream"),
        (DocumentType::Pdf, 4, "application/pdf"),
        (DocumentType::Xml, 12, "application/xml"),
        (DocumentType::Rtf, 13, "application/rtf"),
        (DocumentType::Zip, 14, "application/zip"),
    ];

    /// The type of this number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == number).map(|(kind, _, _)| kind)
    }

    /// The media type to assume if the record has none.
    pub fn media_type(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(kind, _, _)| *kind == self)
            .map_or("application/octet-stream", |(_, _, media)| media)
    }
}

/// Why a record asks for something that no profile expresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotExpressible {
    /// A number that nobody knows.
    #[error("{0} {1} is not known")]
    Number(&'static str, i64),
    /// A word that nobody knows.
    #[error("{0} \"{1}\" is not supported")]
    Word(&'static str, String),
    /// Something that is not done.
    #[error("{0} is not supported")]
    Wish(&'static str),
}

/// What a record says about how it wants to be signed. `None` leaves it to the profile.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Wishes {
    /// The form of the signature.
    pub format: Option<Format>,
    /// The digest.
    pub digest: Option<DigestAlgorithm>,
    /// Whether RSA signs with PSS.
    pub pss: Option<bool>,
    /// How it stands to signatures that are there.
    pub existing: Option<ExistingSignatures>,
    /// Of a PDF.
    pub pdf: Option<PdfOptions>,
}

/// What a record wants.
pub fn wishes(record: &SignatureRecord) -> Result<Wishes, NotExpressible> {
    let kind = match record.document_type {
        Some(number) => Some(DocumentType::from_number(number).ok_or(NotExpressible::Number("DocumentType", number))?),
        None => None,
    };
    if record.include_signers_certificate == Some(false) {
        return Err(NotExpressible::Wish("a signature without the signer's certificate"));
    }
    if record.signature_ciphered == Some(true) {
        return Err(NotExpressible::Wish("an encrypted signature"));
    }
    Ok(Wishes {
        format: format(record, kind)?,
        digest: digest(record.hash_algorithm.as_deref())?,
        pss: record.pss_padding,
        existing: record.old_signature.map(|_| ExistingSignatures::Parallel),
        pdf: record.pdf_annotation.as_ref().map(pdf).transpose()?,
    })
}

/// 0 PKCS#7, 3 PDF, 4 XML-DSig, 5 PKCS#7 with the content in it. Without a number the type of the document and the wish to have the
/// signature in a PDF decide.
fn format(record: &SignatureRecord, kind: Option<DocumentType>) -> Result<Option<Format>, NotExpressible> {
    let into_pdf = record.include_signature_into_pdf;
    Ok(match (record.signature_format_type, kind, into_pdf) {
        (Some(0), Some(DocumentType::Pdf), Some(true)) => Some(Format::Pdf),
        (Some(0), _, _) => Some(Format::Cms { detached: true }),
        (Some(3), _, Some(false)) => Some(Format::Cms { detached: true }),
        (Some(3), _, _) => Some(Format::Pdf),
        (Some(4), _, _) => Some(Format::Xmldsig(XmlShape::Enveloped)),
        (Some(5), _, _) => Some(Format::Cms { detached: false }),
        (Some(other), _, _) => return Err(NotExpressible::Number("SignatureFormatType", other)),
        (None, _, Some(true)) => Some(Format::Pdf),
        (None, Some(DocumentType::Pdf), Some(false)) => Some(Format::Cms { detached: true }),
        (None, _, _) => None,
    })
}

fn digest(word: Option<&str>) -> Result<Option<DigestAlgorithm>, NotExpressible> {
    let plain: String = word.unwrap_or_default().chars().filter(|c| *c != '-').collect::<String>().to_ascii_uppercase();
    Ok(match plain.as_str() {
        "" => None,
        "SHA256" => Some(DigestAlgorithm::Sha256),
        "SHA384" => Some(DigestAlgorithm::Sha384),
        "SHA512" => Some(DigestAlgorithm::Sha512),
        // SHA-1 too: nothing is signed with it any more.
        _ => return Err(NotExpressible::Word("HashAlgorithm", word.unwrap_or_default().to_owned())),
    })
}

const WIDTH: i64 = 220;
const HEIGHT: i64 = 70;
const MARGIN: f32 = 30.0;
const POSITION: i64 = 6;
const FONT_SIZE: f32 = 8.0;

fn pdf(annotation: &PdfAnnotation) -> Result<PdfOptions, NotExpressible> {
    if annotation.background_image.is_some() {
        return Err(NotExpressible::Wish("a picture behind the text of a visible signature"));
    }
    let visible = match annotation.display_annotation {
        Some(false) => None,
        _ => Some(visible(annotation)?),
    };
    Ok(PdfOptions {
        field: annotation.form_field_name.clone(),
        reason: annotation.reason.clone(),
        location: annotation.location.clone(),
        visible,
        ..PdfOptions::default()
    })
}

/// The picture is not set here: its bytes are a content of the message.
fn visible(annotation: &PdfAnnotation) -> Result<VisibleSignature, NotExpressible> {
    let (page, corner) = position(annotation.position.unwrap_or(POSITION))?;
    // At most 10 000, by the table: exact as a floating-point number.
    let points = |value: Option<i64>, default| u16::try_from(value.filter(|value| *value > 0).unwrap_or(default));
    let size = |value, default| {
        points(value, default).map(f32::from).map_err(|_| NotExpressible::Number("Width or Height", default))
    };
    let (width, height) = (size(annotation.width, WIDTH)?, size(annotation.height, HEIGHT)?);
    Ok(VisibleSignature {
        page,
        place: Place::Corner { corner, width, height, margin: MARGIN },
        text: None,
        show_name: true,
        show_date: annotation.show_date.unwrap_or(true),
        show_reason: annotation.reason.is_some(),
        show_location: annotation.location.is_some(),
        image: None,
        font_size: FONT_SIZE,
    })
}

/// First page 1 to 3 top left, centre, right, 4 to 6 bottom; last page 7 to 12 in the same order; 0 is the default.
fn position(number: i64) -> Result<(PageChoice, Corner), NotExpressible> {
    let number = if number == 0 { POSITION } else { number };
    let page = if number <= 6 { PageChoice::First } else { PageChoice::Last };
    let corner = match number {
        1 | 7 => Corner::TopLeft,
        2 | 8 => Corner::TopCentre,
        3 | 9 => Corner::TopRight,
        4 | 10 => Corner::BottomLeft,
        5 | 11 => Corner::BottomCentre,
        6 | 12 => Corner::BottomRight,
        other => return Err(NotExpressible::Number("Position", other)),
    };
    Ok((page, corner))
}

/// What `ResultCode` says for an outcome of the archive interface: 1 is valid, everything else its own number.
pub fn result_code(archive_status: i32) -> i64 {
    if archive_status == 0 { 1 } else { i64::from(archive_status) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::value::BinaryRef;

    fn record(change: impl FnOnce(&mut SignatureRecord)) -> Result<Wishes, NotExpressible> {
        let mut record = SignatureRecord::default();
        change(&mut record);
        wishes(&record)
    }

    #[test]
    fn forms_follow_the_numbers() {
        let check = |format: Option<i64>, document: Option<i64>, into_pdf: Option<bool>, expected: Option<Format>| {
            let found = record(|record| {
                record.signature_format_type = format;
                record.document_type = document;
                record.include_signature_into_pdf = into_pdf;
            });
            assert_eq!(found.unwrap().format, expected, "{format:?} {document:?} {into_pdf:?}");
        };
        check(None, None, None, None);
        check(Some(0), Some(2), None, Some(Format::Cms { detached: true }));
        check(Some(0), Some(4), None, Some(Format::Cms { detached: true }));
        check(Some(0), Some(4), Some(true), Some(Format::Pdf));
        check(Some(3), Some(4), None, Some(Format::Pdf));
        check(Some(3), Some(4), Some(false), Some(Format::Cms { detached: true }));
        check(Some(4), Some(12), None, Some(Format::Xmldsig(XmlShape::Enveloped)));
        check(Some(5), None, None, Some(Format::Cms { detached: false }));
        check(None, Some(4), Some(true), Some(Format::Pdf));
    }

    #[test]
    fn what_no_profile_expresses_is_said() {
        let check = |change: fn(&mut SignatureRecord)| assert!(record(change).is_err());
        check(|record| record.signature_format_type = Some(1));
        check(|record| record.document_type = Some(5));
        check(|record| record.hash_algorithm = Some("SHA1".into()));
        check(|record| record.signature_ciphered = Some(true));
        check(|record| record.include_signers_certificate = Some(false));
        check(|record| {
            record.pdf_annotation = Some(PdfAnnotation { position: Some(13), ..PdfAnnotation::default() });
        });
        check(|record| {
            let background_image = Some(BinaryRef(0));
            record.pdf_annotation = Some(PdfAnnotation { background_image, ..PdfAnnotation::default() });
        });
    }

    #[test]
    fn a_visible_signature_stands_where_the_number_says() {
        let check = |position: Option<i64>, page: PageChoice, corner: Corner| {
            let wishes = record(|record| {
                record.hash_algorithm = Some("SHA512".into());
                record.pdf_annotation = Some(PdfAnnotation { position, ..PdfAnnotation::default() });
            });
            let wishes = wishes.unwrap();
            assert_eq!(wishes.digest, Some(DigestAlgorithm::Sha512));
            let visible = wishes.pdf.unwrap().visible.unwrap();
            assert_eq!(visible.page, page, "{position:?}");
            assert_eq!(visible.place, Place::Corner { corner, width: 220.0, height: 70.0, margin: 30.0 });
        };
        check(None, PageChoice::First, Corner::BottomRight);
        check(Some(0), PageChoice::First, Corner::BottomRight);
        check(Some(1), PageChoice::First, Corner::TopLeft);
        check(Some(8), PageChoice::Last, Corner::TopCentre);
        check(Some(12), PageChoice::Last, Corner::BottomRight);
        let hidden = record(|record| {
            let display_annotation = Some(false);
            record.pdf_annotation = Some(PdfAnnotation { display_annotation, ..PdfAnnotation::default() });
        });
        assert_eq!(hidden.unwrap().pdf.unwrap().visible, None);
    }
}
