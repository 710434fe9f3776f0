//! Messages about what is signed already, time stamps and encryption.

use super::basic::Setting;
use crate::message::messages;
use crate::value::{BinaryRef, Moment};
use model::limits::{API_RECIPIENTS_MAX, API_SETTINGS_MAX, API_VERDICTS_MAX};

messages! {
    /// A signature to be judged: a signed document, or a detached signature with its document or the document's digest.
    VerifyRequest {
        /// The document, with the signature in it unless `signature` is given.
        document "document": maybe binary;
        /// File name of the document.
        document_name "documentName": maybe text[255];
        /// A detached signature.
        signature "signature": maybe binary;
        /// Digest of the document, instead of the document.
        digest "digest": maybe binary;
        /// What made the digest.
        digest_algorithm "digestAlgorithm": maybe word["SHA-256" "SHA-384" "SHA-512"];
        /// The form of the report that is wanted; `none` if absent.
        report_form "reportForm": maybe word["json" "xml" "html" "pdf" "none"];
        /// The language of the report.
        language "language": maybe word["en" "de"];
        /// Judges as of then instead of as of now.
        at "at": maybe time;
        /// Further choices.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
    }

    /// The verdict on one signature or time stamp.
    SignatureVerdict {
        /// `signature`, `time-stamp` or `evidence-record`.
        what "What": one text[50];
        /// Whose it is.
        signer "Signer": maybe text[2000];
        /// When it was signed, as the signer says.
        signing_time "SigningTime": maybe time;
        /// When it is proven to have existed.
        proven_time "ProvenTime": maybe time;
        /// The form of the signature.
        format "Format": maybe text[50];
        /// The level of the signature.
        level "Level": maybe text[10];
        /// TOTAL-PASSED, INDETERMINATE or TOTAL-FAILED.
        indication "Indication": one text[50];
        /// Why it did not pass (EN 319 102-1).
        sub_indication "SubIndication": maybe text[100];
        /// The outcome as one word.
        outcome "Outcome": maybe text[50];
    }

    /// The verdict.
    VerifyResponse {
        /// 1: valid. Anything else is the status number.
        result_code "ResultCode": one int[-1_000_000, 1_000_000];
        /// Status number of the archive interface: 0 valid, -1 signature invalid, -11 document mismatch, and so on.
        status "Status": one int[-1_000_000, 1_000_000];
        /// The worst outcome as one word: `valid`, `certificate-revoked`, `data-mismatch`, and so on.
        outcome "Outcome": one text[50];
        /// The verdict on each signature.
        signatures "Signatures": many(0, API_VERDICTS_MAX) record[SignatureVerdict];
        /// The report in the form that was wanted.
        report "Report": maybe binary;
        /// Media type of the report.
        report_mime_type "ReportMimeType": maybe text[100];
        /// File name of the report.
        report_name "ReportName": maybe text[300];
    }

    /// A signed document whose signatures are to be lifted to a higher level.
    ExtendRequest {
        /// The signed document, or a detached signature.
        document "document": one binary;
        /// Its file name.
        document_name "documentName": maybe text[255];
        /// The document of a detached signature.
        original "original": maybe binary;
        /// Name of the profile that says to which level.
        profile "profile": one text[200];
        /// The same key with the same request gives the same answer again.
        idempotency_key "idempotencyKey": maybe text[128];
        /// Further choices.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
    }

    /// The lifted document.
    ExtendResponse {
        /// The document with its lifted signatures, or the lifted signature.
        document "Document": one binary;
        /// Its file name.
        document_name "DocumentName": one text[300];
        /// Its media type.
        mime_type "MimeType": one text[255];
        /// The level that was reached.
        level "Level": maybe text[10];
        /// Names this document in the server's log.
        document_id "DocumentId": one text[100];
    }

    /// A document, or its digest, that is to get a time stamp.
    TimestampRequest {
        /// The document.
        document "document": maybe binary;
        /// File name of the document.
        document_name "documentName": maybe text[255];
        /// Digest of the document, instead of the document.
        digest "digest": maybe binary;
        /// What made the digest.
        digest_algorithm "digestAlgorithm": maybe word["SHA-256" "SHA-384" "SHA-512"];
        /// Name of the profile that says which authority is asked.
        profile "profile": one text[200];
        /// The same key with the same request gives the same answer again.
        idempotency_key "idempotencyKey": maybe text[128];
        /// Further choices.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
    }

    /// The time stamp.
    TimestampResponse {
        /// The time stamp, an RFC 3161 response.
        timestamp "Timestamp": one binary;
        /// Its file name.
        timestamp_name "TimestampName": one text[300];
        /// Its media type.
        mime_type "MimeType": one text[255];
        /// The time in it.
        time "Time": maybe time;
        /// Names this document in the server's log.
        document_id "DocumentId": one text[100];
    }

    /// A document to be encrypted.
    EncryptRequest {
        /// The document.
        document "document": one binary;
        /// Its file name.
        document_name "documentName": maybe text[255];
        /// Name of the profile that says how.
        profile "profile": one text[200];
        /// Certificates of recipients, beside those of the profile.
        recipients "recipients": many(0, API_RECIPIENTS_MAX) binary;
        /// Further choices.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
    }

    /// The encrypted document.
    EncryptResponse {
        /// The encrypted message.
        document "Document": one binary;
        /// Its file name.
        document_name "DocumentName": one text[300];
        /// Its media type.
        mime_type "MimeType": one text[255];
        /// Names this document in the server's log.
        document_id "DocumentId": one text[100];
    }

    /// An encrypted document to be opened.
    DecryptRequest {
        /// The encrypted message.
        document "document": one binary;
        /// Its file name.
        document_name "documentName": maybe text[255];
        /// Name of the profile that says with which keys.
        profile "profile": one text[200];
        /// Further choices.
        settings "settings": many(0, API_SETTINGS_MAX) record[Setting];
    }

    /// The opened document.
    DecryptResponse {
        /// The document.
        document "Document": one binary;
        /// Its file name.
        document_name "DocumentName": one text[300];
        /// Its media type.
        mime_type "MimeType": one text[255];
        /// Names this document in the server's log.
        document_id "DocumentId": one text[100];
    }
}
