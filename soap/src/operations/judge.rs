//! The operation that judges signatures.

use super::Operations;
use super::mapping::{failed, name_or, refused, taken};
use crate::content::Content;
use crate::fault::Fault;
use crate::read::{Call, Contents};
use crate::types::*;
use crate::write::Reply;
use actors::api::judge::{About, Question};
use actors::directory::judge::ReportForm;
use formats::signature::HashAlgorithm;
use model::limits::API_VERDICTS_MAX;
use model::{Caller, Time};
use trust::report::language::Language;
use trust::report::{Conclusion, Report, SignatureReport, status, word};

impl Operations {
    pub(super) async fn verify(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: VerifyRequest = call.request()?;
        if let Some(setting) = request.settings.first() {
            return Err(Fault::client("setting-unknown", format!("there is no setting \"{}\" here", setting.name)));
        }
        let name = name_or(request.document_name.clone(), "document");
        let question = question(&request, &name, &mut call.contents)?;
        let judged_name = question.name.clone();
        let report = self.api.judge(caller, question).await.map_err(refused)?.map_err(failed)?;
        let numbers = status::of(&report);
        let mut verdicts = Vec::new();
        collect(&report, &mut verdicts);
        verdicts.truncate(API_VERDICTS_MAX as usize);
        let mut contents = Contents::default();
        let mut response = VerifyResponse {
            result_code: i64::from(numbers.result),
            status: i64::from(numbers.archive),
            outcome: numbers.outcome.word().to_owned(),
            signatures: verdicts,
            ..VerifyResponse::default()
        };
        if let Some(form) = form_of(&request) {
            let rendered = tokio::task::spawn_blocking(move || form.render(&report)).await;
            let bytes = rendered.ok().and_then(Result::ok);
            let bytes = bytes.ok_or_else(|| Fault::server("report", "the report cannot be written in this form"))?;
            response.report = Some(contents.add(Content::of_bytes(bytes)));
            response.report_mime_type = Some(media_of(form).to_owned());
            response.report_name = Some(format!("{judged_name}-verify-report.{}", form.extension()));
        }
        Ok(Reply::new(response, contents))
    }
}

fn question(request: &VerifyRequest, name: &str, contents: &mut Contents) -> Result<Question, Fault> {
    let at: Option<Time> = request.at.map(|moment| moment.0);
    let (content, about) = match (request.document, request.signature, request.digest) {
        (Some(document), None, None) => (taken(contents, document)?, About::Itself),
        (Some(document), Some(signature), None) => {
            let documents = vec![(name.to_owned(), taken(contents, document)?)];
            (taken(contents, signature)?, About::Documents(documents))
        }
        (None, Some(signature), None) => (taken(contents, signature)?, About::Itself),
        (None, Some(signature), Some(value)) => {
            let digest = super::mapping::digest(contents, value, request.digest_algorithm.as_deref().unwrap_or(""))?;
            let algorithm = HashAlgorithm::from(digest.algorithm());
            (taken(contents, signature)?, About::Digest(algorithm, digest.as_bytes().to_vec()))
        }
        _ => {
            let sentence = "give a signed document, or a detached signature with its document or the document's digest";
            return Err(Fault::client("what-to-verify", sentence));
        }
    };
    let name = match (&about, request.signature) {
        (About::Itself, None) => name.to_owned(),
        _ => format!("{name}.pkcs7"),
    };
    let names_digest = form_of(request).is_some_and(ReportForm::names_digest);
    Ok(Question { name, content, about, password: None, at, names_digest })
}

/// In which form the report is wanted, if it is.
fn form_of(request: &VerifyRequest) -> Option<ReportForm> {
    let language = if request.language.as_deref() == Some("de") { Language::German } else { Language::English };
    match request.report_form.as_deref()? {
        "json" => Some(ReportForm::Json),
        "xml" => Some(ReportForm::Xml),
        "html" => Some(ReportForm::Html(language)),
        "pdf" => Some(ReportForm::Pdf(language)),
        _ => None,
    }
}

fn media_of(form: ReportForm) -> &'static str {
    match form {
        ReportForm::Json => "application/json",
        ReportForm::Xml => "application/xml",
        ReportForm::Html(_) => "text/html; charset=utf-8",
        ReportForm::Pdf(_) => "application/pdf",
    }
}

/// The verdicts on a file, then on the files in it.
fn collect(report: &Report, verdicts: &mut Vec<SignatureVerdict>) {
    verdicts.extend(report.signatures.iter().map(of_signature));
    for stamp in &report.stamps {
        verdicts.push(SignatureVerdict {
            signer: stamp.signer.as_ref().map(|signer| word::bounded(&signer.name)),
            proven_time: stamp.time.map(Into::into),
            ..of("time-stamp", &stamp.conclusion)
        });
    }
    for record in &report.records {
        verdicts.push(SignatureVerdict {
            proven_time: record.since.map(Into::into),
            ..of("evidence-record", &record.conclusion)
        });
    }
    report.nested.iter().for_each(|nested| collect(nested, verdicts));
}

fn of_signature(signature: &SignatureReport) -> SignatureVerdict {
    SignatureVerdict {
        signer: signature.signer.as_ref().map(|signer| word::bounded(&signer.name)),
        signing_time: signature.claimed_time.map(Into::into),
        proven_time: Some(signature.best_signature_time.into()),
        format: Some(word::format(signature.format).to_owned()),
        level: Some(word::level(signature.level).chars().take(LEVEL_CHARS_MAX).collect()),
        ..of("signature", &signature.conclusion)
    }
}

fn of(what: &str, conclusion: &Conclusion) -> SignatureVerdict {
    SignatureVerdict {
        what: what.to_owned(),
        indication: word::indication(conclusion.indication).to_owned(),
        sub_indication: conclusion.sub_indication.map(|sub| sub.word().to_owned()),
        ..SignatureVerdict::default()
    }
}

/// As the field says.
const LEVEL_CHARS_MAX: usize = 10;
