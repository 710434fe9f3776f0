//! Messages about signing: in the call, as a batch, and of a digest.

use super::basic::Setting;
use crate::message::messages;
use crate::value::{BinaryRef, Moment};
use model::limits::{
    API_BATCH_DOCUMENTS_MAX, API_BATCH_PAGE_MAX, API_CALL_DOCUMENTS_MAX, API_SETTINGS_MAX, API_SIGNERS_MAX,
};

messages! {
    /// One document to be signed in this call.
    SignRequest {
        /// The document. For a further signature on a detached one: the signature.
        document "document": one binary;
        /// File name of the document; the name of the result follows from it.
        document_name "documentName": maybe text[255];
        /// Media type of the document.
        mime_type "mimeType": maybe text[255];
        /// Name of the profile that says how to sign.
        profile "profile": one text[200];
        /// Signers that may sign, instead of any of the profile's pool.
        signers "signers": many(0, API_SIGNERS_MAX) text[200];
        /// The document that `document`, a detached signature, is about.
        original "original": maybe binary;
        /// The same key with the same request gives the same answer again, without a second signature.
        idempotency_key "idempotencyKey": maybe text[128];
        /// Further choices: reason, location, contact, field.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
    }

    /// The signed document.
    SignResponse {
        /// The result of the profile: a signature, or the document with the signature in it.
        signature "Signature": one binary;
        /// File name of the result.
        signature_name "SignatureName": one text[300];
        /// Media type of the result.
        mime_type "MimeType": one text[255];
        /// The form of the result.
        format "Format": one text[50];
        /// The level of the result: B, T, LT, LTA.
        level "Level": maybe text[10];
        /// Name of the signer.
        signer "Signer": maybe text[200];
        /// When it was signed.
        signing_time "SigningTime": maybe time;
        /// Names this document in the server's log.
        document_id "DocumentId": one text[100];
    }

    /// One of the documents of a batch.
    BatchDocument {
        /// The document.
        document "document": one binary;
        /// File name of the document.
        document_name "documentName": maybe text[255];
        /// Media type of the document.
        mime_type "mimeType": maybe text[255];
        /// The document that `document`, a detached signature, is about.
        original "original": maybe binary;
        /// The caller's own name for it, returned with its result.
        reference "reference": maybe text[200];
    }

    /// Many documents to be signed in this call.
    SignBatchRequest {
        /// Name of the profile that says how to sign.
        profile "profile": one text[200];
        /// Signers that may sign, instead of any of the profile's pool.
        signers "signers": many(0, API_SIGNERS_MAX) text[200];
        /// The same key with the same request gives the same answer again, without further signatures.
        idempotency_key "idempotencyKey": maybe text[128];
        /// Further choices: reason, location, contact, field.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
        /// The documents.
        documents "documents": many(1, API_CALL_DOCUMENTS_MAX) record[BatchDocument];
    }

    /// What became of one of the documents of a batch.
    BatchResult {
        /// Its place in the request, counted from 0.
        index "Index": one int[0, 10_000_000];
        /// The caller's own name for it.
        reference "Reference": maybe text[200];
        /// 0: signed; 1: not yet; negative: why not.
        status "Status": one int[-1_000_000, 1_000_000];
        /// Why it was not signed, as a word for programs.
        code "Code": maybe text[100];
        /// Why it was not signed, as a sentence for people.
        reason "Reason": maybe text[2000];
        /// The result of the profile: a signature, or the document with the signature in it.
        signature "Signature": maybe binary;
        /// File name of the result.
        signature_name "SignatureName": maybe text[300];
        /// Media type of the result.
        mime_type "MimeType": maybe text[255];
        /// The form of the result.
        format "Format": maybe text[50];
        /// The level of the result: B, T, LT, LTA.
        level "Level": maybe text[10];
        /// Name of the signer.
        signer "Signer": maybe text[200];
        /// When it was signed.
        signing_time "SigningTime": maybe time;
        /// Names this document in the server's log.
        document_id "DocumentId": maybe text[100];
    }

    /// The results, in the order of the request.
    SignBatchResponse {
        /// How many were signed.
        signed "Signed": one int[0, 10_000_000];
        /// How many were not.
        failed "Failed": one int[0, 10_000_000];
        /// What became of each.
        results "Results": many(0, API_CALL_DOCUMENTS_MAX) record[BatchResult];
    }

    /// Many documents to be signed after this call.
    SubmitBatchRequest {
        /// Name of the profile that says how to sign.
        profile "profile": one text[200];
        /// Signers that may sign, instead of any of the profile's pool.
        signers "signers": many(0, API_SIGNERS_MAX) text[200];
        /// The same key with the same request gives the same batch again.
        idempotency_key "idempotencyKey": maybe text[128];
        /// Further choices: reason, location, contact, field.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
        /// The documents.
        documents "documents": many(1, API_BATCH_DOCUMENTS_MAX) record[BatchDocument];
    }

    /// The batch was taken and will be worked on, also after a restart.
    SubmitBatchResponse {
        /// Names the batch.
        batch_id "BatchId": one text[100];
        /// How many documents it has.
        documents "Documents": one int[0, 10_000_000];
        /// `waiting`, `running`, `complete` or `cancelled`.
        state "State": one text[50];
    }

    /// Asks how far a batch is.
    GetBatchStateRequest {
        /// The batch.
        batch_id "batchId": one text[100];
    }

    /// How far a batch is.
    GetBatchStateResponse {
        /// The batch.
        batch_id "BatchId": one text[100];
        /// `waiting`, `running`, `complete` or `cancelled`.
        state "State": one text[50];
        /// The profile it is signed with.
        profile "Profile": one text[200];
        /// How many documents it has.
        total "Total": one int[0, 10_000_000];
        /// How many are signed.
        signed "Signed": one int[0, 10_000_000];
        /// How many were refused.
        failed "Failed": one int[0, 10_000_000];
        /// How many are still to be worked on.
        waiting "Waiting": one int[0, 10_000_000];
        /// When it was submitted.
        submitted "Submitted": one time;
        /// When the last of its documents was done.
        ended "Ended": maybe time;
    }

    /// Asks for results of a batch, a page at a time.
    GetBatchResultRequest {
        /// The batch.
        batch_id "batchId": one text[100];
        /// The first document of the page, counted from 0.
        first_index "firstIndex": maybe int[0, 10_000_000];
        /// How many documents at most; the server may give fewer.
        count "count": maybe int[1, API_BATCH_PAGE_MAX];
        /// False: without the signatures themselves.
        with_signatures "withSignatures": maybe flag;
    }

    /// A page of the results of a batch.
    GetBatchResultResponse {
        /// The batch.
        batch_id "BatchId": one text[100];
        /// `waiting`, `running`, `complete` or `cancelled`.
        state "State": one text[50];
        /// How many documents it has.
        total "Total": one int[0, 10_000_000];
        /// Where the next page begins; absent after the last.
        next_index "NextIndex": maybe int[0, 10_000_000];
        /// What became of each document of the page, in the order of the request.
        results "Results": many(0, API_BATCH_PAGE_MAX as u32) record[BatchResult];
    }

    /// Asks that no further document of a batch is signed.
    CancelBatchRequest {
        /// The batch.
        batch_id "batchId": one text[100];
    }

    /// The batch was cancelled.
    CancelBatchResponse {
        /// The batch.
        batch_id "BatchId": one text[100];
        /// `cancelled`, or `complete` if nothing was left to cancel.
        state "State": one text[50];
    }

    /// A digest to be signed, of a document that stays where it is.
    SignHashRequest {
        /// The digest.
        digest "digest": one binary;
        /// What made it.
        digest_algorithm "digestAlgorithm": one word["SHA-256" "SHA-384" "SHA-512"];
        /// Name of the profile that says how to sign; its form has to be a detached one.
        profile "profile": one text[200];
        /// File name of the document.
        document_name "documentName": maybe text[255];
        /// Media type of the document.
        mime_type "mimeType": maybe text[255];
        /// Signers that may sign, instead of any of the profile's pool.
        signers "signers": many(0, API_SIGNERS_MAX) text[200];
        /// The same key with the same request gives the same answer again, without a second signature.
        idempotency_key "idempotencyKey": maybe text[128];
        /// Further choices.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
    }

    /// The signature over the digest.
    SignHashResponse {
        /// The signature.
        signature "Signature": one binary;
        /// File name of the signature.
        signature_name "SignatureName": one text[300];
        /// Media type of the signature.
        mime_type "MimeType": one text[255];
        /// The form of the signature.
        format "Format": one text[50];
        /// The level of the signature: B, T, LT, LTA.
        level "Level": maybe text[10];
        /// Name of the signer.
        signer "Signer": maybe text[200];
        /// When it was signed.
        signing_time "SigningTime": maybe time;
        /// Names this document in the server's log.
        document_id "DocumentId": one text[100];
    }
}
