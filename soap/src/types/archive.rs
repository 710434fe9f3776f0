//! Messages about archives.

use super::basic::Setting;
use crate::message::messages;
use crate::value::{BinaryRef, Moment};
use model::limits::{API_BATCH_PAGE_MAX, API_SETTINGS_MAX};

messages! {
    /// A document to be kept, with its signature.
    ArchiveSubmitRequest {
        /// Name of the archive.
        archive "archive": one text[200];
        /// The document.
        document "document": one binary;
        /// Its file name.
        document_name "documentName": one text[255];
        /// Its detached signature.
        signature "signature": maybe binary;
        /// What it can be found by.
        metadata "metadata": many(0, API_SETTINGS_MAX) record[Setting];
        /// The same key with the same request keeps the document once.
        idempotency_key "idempotencyKey": maybe text[128];
    }

    /// The document is kept.
    ArchiveSubmitResponse {
        /// Names it in the archive.
        archive_id "ArchiveId": one text[100];
        /// Status number of the archive interface.
        status "Status": one int[-1_000_000, 1_000_000];
    }

    /// Asks for a kept document.
    ArchiveRetrieveRequest {
        /// Name of the archive.
        archive "archive": one text[200];
        /// Names the document in the archive.
        archive_id "archiveId": one text[100];
    }

    /// The kept document.
    ArchiveRetrieveResponse {
        /// The document.
        document "Document": one binary;
        /// Its file name.
        document_name "DocumentName": one text[255];
        /// Its detached signature.
        signature "Signature": maybe binary;
    }

    /// Asks for the evidence of a kept document.
    ArchiveEvidenceRequest {
        /// Name of the archive.
        archive "archive": one text[200];
        /// Names the document in the archive.
        archive_id "archiveId": one text[100];
    }

    /// The evidence.
    ArchiveEvidenceResponse {
        /// The evidence record (RFC 4998).
        evidence_record "EvidenceRecord": one binary;
    }

    /// Asks for kept documents by what is known of them.
    ArchiveSearchRequest {
        /// Name of the archive.
        archive "archive": one text[200];
        /// What all of them have.
        metadata "metadata": many(0, API_SETTINGS_MAX) record[Setting];
        /// The first to be listed, counted from 0.
        first_index "firstIndex": maybe int[0, 1_000_000_000];
        /// How many are listed at most.
        count "count": maybe int[1, API_BATCH_PAGE_MAX];
    }

    /// A kept document.
    ArchiveEntry {
        /// Names it in the archive.
        archive_id "ArchiveId": one text[100];
        /// Its file name.
        document_name "DocumentName": one text[255];
        /// Since when it is kept.
        submitted "Submitted": one time;
    }

    /// The kept documents.
    ArchiveSearchResponse {
        /// How many there are.
        total "Total": one int[0, 1_000_000_000];
        /// Those of this page.
        entries "Entries": many(0, API_BATCH_PAGE_MAX as u32) record[ArchiveEntry];
    }
}
