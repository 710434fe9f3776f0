//! Operations that make something of documents in the call: signatures, time stamps, encryption.

use super::Operations;
use super::mapping::{
    body, digest, failed, form_of, given, id_of, level_of, media_of, name_or, number_of, only, refused, settings,
    signers, small, taken,
};
use crate::content::Content;
use crate::fault::Fault;
use crate::read::{Call, Contents};
use crate::types::*;
use crate::write::Reply;
use actors::api::{ApiDocument, Body, Ended, Made, Order};
use model::profile::{EncryptionOptions, Format};
use model::{Caller, Function, Lane, Profile, Time};
use std::sync::Arc;

/// A certificate has a few kilobytes.
const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;

impl Operations {
    pub(super) async fn sign(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: SignRequest = call.request()?;
        let body = body(&mut call.contents, request.document, request.original)?;
        let profile = self.profile(caller, &request.profile)?;
        let media = request.mime_type;
        let order = Order {
            signers: signers(&request.signers),
            settings: settings(request.settings),
            key: request.idempotency_key,
            ..one(Function::Sign, request.profile, name_or(request.document_name, "document"), body)
        };
        let (ended, made) = self.make_one(caller, order).await?;
        let mut contents = Contents::default();
        Ok(Reply::new(
            SignResponse {
                signature_name: made.name.clone(),
                mime_type: media_of(&made, &profile, media.as_deref()),
                format: form_of(&made),
                level: level_of(made.format, &profile),
                signer: made.signer.as_ref().map(ToString::to_string),
                signing_time: Some(self.clock().now().into()),
                document_id: id_of(&ended),
                signature: contents.add(given(made.content)),
            },
            contents,
        ))
    }

    pub(super) async fn sign_batch(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: SignBatchRequest = call.request()?;
        let profile = self.profile(caller, &request.profile)?;
        let (documents, asked) = batch_documents(&mut call.contents, request.documents)?;
        let order = Order {
            signers: signers(&request.signers),
            settings: settings(request.settings),
            key: request.idempotency_key,
            documents,
            ..plain(Function::Sign, request.profile)
        };
        let ended = self.api.make(caller, order).await.map_err(refused)?;
        let now = self.clock().now();
        let mut contents = Contents::default();
        let mut results = Vec::with_capacity(ended.len());
        for ((index, ended), asked) in (0..).zip(ended).zip(asked) {
            let result = batch_result(index, Some(ended), asked, &profile, Some(now), &mut Some(&mut contents));
            results.push(result);
        }
        let signed = results.iter().filter(|result| result.status == 0).count() as i64;
        let failed = results.len() as i64 - signed;
        Ok(Reply::new(SignBatchResponse { signed, failed, results }, contents))
    }

    pub(super) async fn sign_hash(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: SignHashRequest = call.request()?;
        let digest = digest(&mut call.contents, request.digest, &request.digest_algorithm)?;
        let profile = self.profile(caller, &request.profile)?;
        let order = Order {
            signers: signers(&request.signers),
            settings: settings(request.settings),
            key: request.idempotency_key,
            ..one(Function::SignHash, request.profile, name_or(request.document_name, "document"), Body::Digest(digest))
        };
        let (ended, made) = self.make_one(caller, order).await?;
        let mut contents = Contents::default();
        Ok(Reply::new(
            SignHashResponse {
                signature_name: made.name.clone(),
                mime_type: media_of(&made, &profile, None),
                format: form_of(&made),
                level: level_of(made.format, &profile),
                signer: made.signer.as_ref().map(ToString::to_string),
                signing_time: Some(self.clock().now().into()),
                document_id: id_of(&ended),
                signature: contents.add(given(made.content)),
            },
            contents,
        ))
    }

    pub(super) async fn extend(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: ExtendRequest = call.request()?;
        let body = body(&mut call.contents, request.document, request.original)?;
        let profile = self.profile(caller, &request.profile)?;
        let order = Order {
            settings: settings(request.settings),
            key: request.idempotency_key,
            ..one(Function::Extend, request.profile, name_or(request.document_name, "document"), body)
        };
        let (ended, made) = self.make_one(caller, order).await?;
        let mut contents = Contents::default();
        Ok(Reply::new(
            ExtendResponse {
                document_name: made.name.clone(),
                mime_type: media_of(&made, &profile, None),
                level: level_of(Format::Extended, &profile),
                document_id: id_of(&ended),
                document: contents.add(given(made.content)),
            },
            contents,
        ))
    }

    pub(super) async fn timestamp(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: TimestampRequest = call.request()?;
        let body = match (request.document, request.digest, &request.digest_algorithm) {
            (Some(document), None, None) => Body::Whole(taken(&mut call.contents, document)?),
            (None, Some(value), Some(algorithm)) => Body::Digest(digest(&mut call.contents, value, algorithm)?),
            _ => {
                let sentence = "give either the document, or its digest and the name of what made it";
                return Err(Fault::client("document-or-digest", sentence));
            }
        };
        let profile = self.profile(caller, &request.profile)?;
        let order = Order {
            settings: settings(request.settings),
            key: request.idempotency_key,
            ..one(Function::Timestamp, request.profile, name_or(request.document_name, "document"), body)
        };
        let (ended, made) = self.make_one(caller, order).await?;
        let mut contents = Contents::default();
        let content = given(made.content.clone());
        Ok(Reply::new(
            TimestampResponse {
                timestamp_name: made.name.clone(),
                mime_type: media_of(&made, &profile, None),
                time: time_in(&content).map(Into::into),
                document_id: id_of(&ended),
                timestamp: contents.add(content),
            },
            contents,
        ))
    }

    pub(super) async fn encrypt(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: EncryptRequest = call.request()?;
        let body = Body::Whole(taken(&mut call.contents, request.document)?);
        let profile = self.profile(caller, &request.profile)?;
        let mut further = Vec::with_capacity(request.recipients.len());
        for recipient in request.recipients {
            let certificate =
                small(&mut call.contents, recipient, "certificate of a recipient", CERTIFICATE_BYTES_MAX)?;
            further.push(super::certificates::der(&certificate)?);
        }
        let order = Order {
            adapted: (!further.is_empty()).then(|| with_recipients(&profile, further)).flatten(),
            settings: settings(request.settings),
            ..one(Function::Encrypt, request.profile, name_or(request.document_name, "document"), body)
        };
        let (ended, made) = self.make_one(caller, order).await?;
        let mut contents = Contents::default();
        Ok(Reply::new(
            EncryptResponse {
                document_name: made.name.clone(),
                mime_type: media_of(&made, &profile, None),
                document_id: id_of(&ended),
                document: contents.add(given(made.content)),
            },
            contents,
        ))
    }

    pub(super) async fn decrypt(&self, caller: &Caller, mut call: Call) -> Result<Reply, Fault> {
        let request: DecryptRequest = call.request()?;
        let body = Body::Whole(taken(&mut call.contents, request.document)?);
        let profile = self.profile(caller, &request.profile)?;
        let order = Order {
            settings: settings(request.settings),
            ..one(Function::Decrypt, request.profile, name_or(request.document_name, "document.p7m"), body)
        };
        let (ended, made) = self.make_one(caller, order).await?;
        let mut contents = Contents::default();
        Ok(Reply::new(
            DecryptResponse {
                document_name: made.name.clone(),
                mime_type: media_of(&made, &profile, None),
                document_id: id_of(&ended),
                document: contents.add(given(made.content)),
            },
            contents,
        ))
    }

    pub(super) fn profile(&self, caller: &Caller, name: &str) -> Result<Arc<Profile>, Fault> {
        self.api.catalogue().profile(&caller.tenant, name).map_err(refused)
    }

    async fn make_one(&self, caller: &Caller, order: Order) -> Result<(Ended, Made), Fault> {
        let ended = only(self.api.make(caller, order).await.map_err(refused)?)?;
        match ended.result.clone() {
            Ok(made) => Ok((ended, made)),
            Err(failure) => Err(failed(failure)),
        }
    }
}

/// An order without documents.
pub(super) fn plain(function: Function, profile: String) -> Order {
    Order {
        function,
        profile,
        adapted: None,
        signers: Vec::new(),
        settings: Vec::new(),
        lane: Lane::Interactive,
        key: None,
        documents: Vec::new(),
    }
}

fn one(function: Function, profile: String, name: String, body: Body) -> Order {
    Order { documents: vec![ApiDocument { name, reference: None, body }], ..plain(function, profile) }
}

/// What a result repeats of its document.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) reference: Option<String>,
    pub(super) mime_type: Option<String>,
}

/// The documents of a batch, and what their results repeat of them.
pub(super) fn batch_documents(
    contents: &mut Contents,
    documents: Vec<BatchDocument>,
) -> Result<(Vec<ApiDocument>, Vec<Asked>), Fault> {
    let mut made = (Vec::with_capacity(documents.len()), Vec::with_capacity(documents.len()));
    for (number, document) in documents.into_iter().enumerate() {
        let name = name_or(document.document_name, &format!("document-{number}"));
        let body = body(contents, document.document, document.original)?;
        made.0.push(ApiDocument { name, reference: document.reference.clone(), body });
        made.1.push(Asked { reference: document.reference, mime_type: document.mime_type });
    }
    Ok(made)
}

/// What became of one document of a batch. Without `contents` the result itself is left out.
pub(super) fn batch_result(
    index: i64,
    ended: Option<Ended>,
    asked: Asked,
    profile: &Profile,
    when: Option<Time>,
    contents: &mut Option<&mut Contents>,
) -> BatchResult {
    let mut result = BatchResult { index, reference: asked.reference, status: 1, ..BatchResult::default() };
    let Some(ended) = ended else { return result };
    result.document_id = ended.id.map(|id| id.to_string());
    match ended.result {
        Ok(made) => {
            result.status = 0;
            result.mime_type = Some(media_of(&made, profile, asked.mime_type.as_deref()));
            result.format = Some(form_of(&made));
            result.level = level_of(made.format, profile);
            result.signer = made.signer.as_ref().map(ToString::to_string);
            result.signing_time = when.map(Into::into);
            result.signature = contents.as_mut().map(|contents| contents.add(given(made.content)));
            result.signature_name = Some(made.name);
        }
        Err(failure) => {
            let reason = failure.reason();
            result.status = i64::from(number_of(reason));
            result.code = Some(reason.code.to_owned());
            result.reason = Some(reason.sentence.chars().take(REASON_CHARS_MAX).collect());
        }
    }
    result
}

/// As the field of the answer says.
const REASON_CHARS_MAX: usize = 2_000;

/// The profile with further recipients. `None`: it does not encrypt.
fn with_recipients(profile: &Arc<Profile>, further: Vec<Arc<[u8]>>) -> Option<Arc<Profile>> {
    let options = profile.encryption.as_ref()?;
    let mut recipients = options.recipients.clone();
    recipients.extend(further.into_iter().filter(|one| !options.recipients.contains(one)));
    let encryption = Some(EncryptionOptions { recipients, ..options.clone() });
    Some(Arc::new(Profile { encryption, ..Profile::clone(profile) }))
}

/// The time in a time stamp.
fn time_in(content: &Content) -> Option<Time> {
    let bytes = content.bytes(model::limits::TSP_RESPONSE_BYTES_MAX).ok()??;
    super::certificates::stamp_time(&bytes)
}
