//! The service of the signing component: records in, records out. A record says in its own words what a profile says in ours;
//! what it leaves open comes from the one profile that the operator names for this service.

use super::Operations;
use super::documents::plain;
use super::mapping::{failed, form_of, given, lent, refused, small};
use crate::dialect::secsigner::{PdfAnnotation, SignReq, SignRes, SignatureRecord, VerifyReq, VerifyRes};
use crate::fault::{Fault, status};
use crate::read::{Call, Contents};
use crate::write::Reply;
use actors::api::judge::{About, Question};
use actors::api::{ApiDocument, Body, Order};
use actors::directory::judge::ReportForm;
use actors::spool::Content as Spooled;
use model::profile::{Corner, ExistingSignatures, Format, Level, PageChoice, Place, VisibleSignature, XmlShape};
use model::{Caller, DigestAlgorithm, Function, Profile};
use std::sync::Arc;
use trust::report::language::Language;
use trust::report::status::Outcome;

const FORMAT_PKCS7: i64 = 0;
const FORMAT_PDF: i64 = 3;
const FORMAT_XML: i64 = 4;
const FORMAT_PKCS7_WITH_CONTENT: i64 = 5;
const TYPE_XML: i64 = 12;
const IMAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
const REPORT_BYTES_MAX: usize = 16_000_000;
const TEXT_CHARS_MAX: usize = 2_000;

impl Operations {
    pub(super) async fn component_sign(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: SignReq = call.request()?;
        if !request.attribute_certificates.is_empty() {
            return Err(Fault::not_available("putting attribute certificates into signatures"));
        }
        let name = self.settings.component_profile.clone();
        let name = name.ok_or_else(|| Fault::not_available("the signing component's service"))?;
        caller.may(Function::Sign, Some(&name)).map_err(|denied| Fault::denied(&denied))?;
        let base = self.profile(caller, &name)?;
        let single = request.records.len() == 1;
        let mut contents = Contents::default();
        let mut records = Vec::with_capacity(request.records.len());
        for record in request.records {
            let answer = match self.sign_record(caller, &name, &base, &record, &mut call.contents).await {
                Ok((signature, form, signer)) => SignatureRecord {
                    signature: Some(contents.add(given(signature))),
                    result_text: Some(format!("{form}, signed by {signer}")),
                    result_code: Some(1),
                    ..repeated(&record)
                },
                Err(fault) if single => return Err(fault),
                Err(fault) => SignatureRecord {
                    result_code: Some(i64::from(fault.status)),
                    result_text: Some(fault.sentence.chars().take(TEXT_CHARS_MAX).collect()),
                    ..repeated(&record)
                },
            };
            records.push(answer);
        }
        Ok(Reply::new(SignRes { records }, contents))
    }

    async fn sign_record(
        &self,
        caller: &Caller,
        name: &str,
        base: &Arc<Profile>,
        record: &SignatureRecord,
        contents: &mut Contents,
    ) -> Result<(Spooled, String, String), Fault> {
        let profile = profile_of(base, record, contents)?;
        let document = record.document.ok_or_else(|| Fault::client("document-missing", "a record has no document"))?;
        let document = lent(contents.take(document)?)?;
        let body = match record.old_signature {
            Some(old) => Body::Detached { signature: lent(contents.take(old)?)?, original: document },
            None => Body::Whole(document),
        };
        let document = ApiDocument { name: file_name(record.document_file_name.as_deref()), reference: None, body };
        let order =
            Order { adapted: Some(profile), documents: vec![document], ..plain(Function::Sign, name.to_owned()) };
        let ended = super::mapping::only(self.api.make(caller, order).await.map_err(refused)?)?;
        let made = ended.result.map_err(failed)?;
        let signer = made.signer.as_ref().map(ToString::to_string).unwrap_or_default();
        Ok((made.content.clone(), form_of(&made), signer))
    }

    pub(super) async fn component_verify(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: VerifyReq = call.request()?;
        let mut records = Vec::with_capacity(request.records.len());
        let mut worst: Option<Outcome> = None;
        let mut unread = None;
        for record in request.records {
            let judged = self.verify_record(caller, &record, &mut call.contents).await;
            let answer = match judged {
                Ok((outcome, code, report)) => {
                    worst = worst.max(Some(outcome));
                    SignatureRecord {
                        result_code: Some(i64::from(code)),
                        result_text: Some(outcome.word().to_owned()),
                        verification_reports: report.into_iter().collect(),
                        ..repeated(&record)
                    }
                }
                Err(fault) if fault.is_retryable() || fault.status == status::NO_PERMISSION => return Err(fault),
                Err(fault) => {
                    unread.get_or_insert(fault.status);
                    SignatureRecord {
                        result_code: Some(i64::from(fault.status)),
                        result_text: Some(fault.sentence.chars().take(TEXT_CHARS_MAX).collect()),
                        ..repeated(&record)
                    }
                }
            };
            records.push(answer);
        }
        let of_all = match worst.map(Outcome::archive) {
            Some(0) => 1,
            Some(number) => number,
            None => status::METHOD_FAILED,
        };
        Ok(Reply::plain(VerifyRes { result_code: i64::from(unread.unwrap_or(of_all)), records }))
    }

    async fn verify_record(
        &self,
        caller: &Caller,
        record: &SignatureRecord,
        contents: &mut Contents,
    ) -> Result<(Outcome, i32, Option<String>), Fault> {
        let name = file_name(record.document_file_name.as_deref());
        let document = record.document.map(|document| contents.take(document)).transpose()?.map(lent).transpose()?;
        let signature =
            record.signature.map(|signature| contents.take(signature)).transpose()?.map(lent).transpose()?;
        // A signed PDF or XML is its own document; clients send what they had before beside it.
        let holds_itself = matches!(record.signature_format_type, Some(FORMAT_PDF | FORMAT_PKCS7_WITH_CONTENT));
        let (content, about) = match (document, signature) {
            (Some(document), Some(signature)) if !holds_itself => {
                (signature, About::Documents(vec![(name.clone(), document)]))
            }
            (_, Some(signature)) => (signature, About::Itself),
            (Some(document), None) => (document, About::Itself),
            (None, None) => {
                return Err(Fault::client("document-missing", "a record has neither document nor signature"));
            }
        };
        let question = Question { name, content, about, password: None, at: None, names_digest: true };
        let report = self.api.judge(caller, question).await.map_err(refused)?.map_err(failed)?;
        let numbers = trust::report::status::of(&report);
        let render = move || ReportForm::Html(Language::English).render(&report).ok();
        let html = tokio::task::spawn_blocking(render).await.ok().flatten();
        let html = html.and_then(|html| String::from_utf8(html).ok()).filter(|html| html.len() <= REPORT_BYTES_MAX);
        Ok((numbers.outcome, numbers.result, html))
    }
}

/// What an answer repeats of its record: not the documents, which may be large and are known.
fn repeated(record: &SignatureRecord) -> SignatureRecord {
    SignatureRecord {
        document_type: record.document_type,
        signature_format_type: record.signature_format_type,
        document_file_name: record.document_file_name.clone(),
        mime_type: record.mime_type.clone(),
        ..SignatureRecord::default()
    }
}

/// Clients send whole paths of their own machine.
fn file_name(name: Option<&str>) -> String {
    let name = name.and_then(|name| name.rsplit(['/', '\\']).next()).map(str::trim).unwrap_or_default();
    if name.is_empty() { "document".to_owned() } else { name.to_owned() }
}

/// The profile with what a record says.
fn profile_of(base: &Arc<Profile>, record: &SignatureRecord, contents: &mut Contents) -> Result<Arc<Profile>, Fault> {
    let mut profile = Profile::clone(base);
    profile.name = format!("{} for the signing component", base.name).into();
    let cades = matches!(base.format, Format::Cades { .. } | Format::Pades | Format::Xades(_));
    if let Some(asked) = record.signature_format_type {
        profile.format = match asked {
            FORMAT_PKCS7 if cades => Format::Cades { detached: true },
            FORMAT_PKCS7 => Format::Cms { detached: true },
            FORMAT_PKCS7_WITH_CONTENT if cades => Format::Cades { detached: false },
            FORMAT_PKCS7_WITH_CONTENT => Format::Cms { detached: false },
            FORMAT_PDF if cades => Format::Pades,
            FORMAT_PDF => Format::Pdf,
            FORMAT_XML if cades => Format::Xades(xml_shape(record)),
            FORMAT_XML => Format::Xmldsig(xml_shape(record)),
            other => return Err(Fault::client("format-unknown", format!("there is no signature format {other}"))),
        };
        profile.otherwise = None;
    }
    if record.include_signature_into_pdf == Some(true) && !profile.format.is_pdf() {
        profile.format = if cades { Format::Pades } else { Format::Pdf };
    }
    if !profile.format.has_levels() {
        (profile.level, profile.stamp) = (Level::B, None);
    }
    if record.old_signature.is_some() {
        profile.existing = ExistingSignatures::Parallel;
    }
    if let Some(algorithm) = &record.hash_algorithm {
        profile.digest = match algorithm.to_ascii_uppercase().replace('-', "").as_str() {
            "SHA256" => DigestAlgorithm::Sha256,
            "SHA384" => DigestAlgorithm::Sha384,
            "SHA512" => DigestAlgorithm::Sha512,
            _ => {
                let sentence = format!("{algorithm} is not signed with here; use SHA256, SHA384 or SHA512");
                return Err(Fault::client("hash-algorithm", sentence));
            }
        };
    }
    if let Some(pss) = record.pss_padding {
        profile.pss = pss;
    }
    if record.signature_ciphered == Some(true) && profile.encryption.is_none() {
        return Err(Fault::client("no-recipients", "the profile of this service names nobody to encrypt for"));
    }
    if let Some(id) = &record.signature_id {
        profile.xml.id = Some(id.clone());
    }
    if let Some(prefix) = &record.xml_namespace_name {
        profile.xml.prefix = Some(prefix.clone());
    }
    if record.xml_node_path.is_some() || !record.xml_transform_filters.is_empty() {
        return Err(Fault::not_available("choosing nodes of XML documents in a record"));
    }
    if let Some(annotation) = &record.pdf_annotation {
        annotate(&mut profile, annotation, contents)?;
    }
    Ok(Arc::new(profile))
}

fn xml_shape(record: &SignatureRecord) -> XmlShape {
    match record.document_type {
        Some(TYPE_XML) | None => XmlShape::Enveloped,
        Some(_) => XmlShape::Detached,
    }
}

fn annotate(profile: &mut Profile, annotation: &PdfAnnotation, contents: &mut Contents) -> Result<(), Fault> {
    let pdf = &mut profile.pdf;
    let set = |place: &mut Option<String>, text: &Option<String>| {
        if text.is_some() {
            place.clone_from(text);
        }
    };
    set(&mut pdf.reason, &annotation.reason);
    set(&mut pdf.location, &annotation.location);
    set(&mut pdf.field, &annotation.form_field_name);
    if annotation.background_image.is_some() {
        return Err(Fault::not_available("a picture behind the text of a visible signature"));
    }
    match annotation.display_annotation {
        Some(false) => pdf.visible = None,
        Some(true) => {
            let image = match annotation.signed_image {
                Some(image) => Some(small(contents, image, "picture", IMAGE_BYTES_MAX)?.as_ref().into()),
                None => None,
            };
            let (page, corner) = position(annotation.position.unwrap_or(0));
            let size =
                |asked: Option<i64>, usual: f32| asked.filter(|size| *size > 0).map_or(usual, |size| size as f32);
            pdf.visible = Some(VisibleSignature {
                page,
                place: Place::Corner {
                    corner,
                    width: size(annotation.width, 220.0),
                    height: size(annotation.height, 70.0),
                    margin: 30.0,
                },
                text: None,
                show_name: true,
                show_date: annotation.show_date.unwrap_or(true),
                show_reason: true,
                show_location: true,
                image,
                font_size: 8.0,
            });
        }
        None => {}
    }
    Ok(())
}

/// First page 1 to 3 top left, centre, right, 4 to 6 bottom; last page 7 to 12 in the same order; 0: the usual, which is 6.
fn position(number: i64) -> (PageChoice, Corner) {
    let page = if number > 6 { PageChoice::Last } else { PageChoice::First };
    let corner = match (number - 1).rem_euclid(6) {
        0 => Corner::TopLeft,
        1 => Corner::TopCentre,
        2 => Corner::TopRight,
        3 => Corner::BottomLeft,
        4 => Corner::BottomCentre,
        _ => Corner::BottomRight,
    };
    (page, corner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_those_of_clients() {
        let check = |number, page, corner| assert_eq!(position(number), (page, corner), "{number}");
        check(0, PageChoice::First, Corner::BottomRight);
        check(1, PageChoice::First, Corner::TopLeft);
        check(5, PageChoice::First, Corner::BottomCentre);
        check(6, PageChoice::First, Corner::BottomRight);
        check(7, PageChoice::Last, Corner::TopLeft);
        check(12, PageChoice::Last, Corner::BottomRight);
    }

    #[test]
    fn names_of_files_lose_their_folders() {
        let check = |name: Option<&str>, expected| assert_eq!(file_name(name), expected);
        check(Some("C:\\invoices\\7.pdf"), "7.pdf");
        check(Some("/srv/7.pdf"), "7.pdf");
        check(Some("../"), "document");
        check(None, "document");
    }
}
