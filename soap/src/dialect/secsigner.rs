//! The service of the signing component: `sign` and `verify` over lists of signature records.
//!
//! Only messages and what their numbers mean; what is done with them is an operation like any other.

use crate::message::messages;
use crate::value::BinaryRef;
use model::limits::{API_CALL_DOCUMENTS_MAX, API_RECIPIENTS_MAX};

messages! {
    /// How a visible signature looks and where it stands.
    PdfAnnotation {
        /// Whether there is one.
        display_annotation "DisplayAnnotation": maybe flag;
        /// Why was signed.
        reason "Reason": maybe text[1000];
        /// Where was signed.
        location "Location": maybe text[1000];
        /// 0 unspecified; first page 1 to 3 top left, centre, right, 4 to 6 bottom; last page 7 to 12 in the same order.
        position "Position": maybe int[0, 12];
        /// Whether the lines have labels.
        labels "Labels": maybe flag;
        /// Whether the date is shown.
        show_date "ShowDate": maybe flag;
        /// Whether the page shines through.
        transparent_background "TransparentBg": maybe flag;
        /// Width in points.
        width "Width": maybe int[0, 10_000];
        /// Height in points.
        height "Height": maybe int[0, 10_000];
        /// A picture beside the text.
        signed_image "SignedImage": maybe binary;
        /// A picture behind the text.
        background_image "BackgroundImage": maybe binary;
        /// Name of the signature field.
        form_field_name "FormFieldName": maybe text[200];
    }

    /// A document, its signature and how they belong together.
    SignatureRecord {
        /// The document.
        document "Document": maybe binary;
        /// The signature; of a signed PDF or XML, the signed document.
        signature "Signature": maybe binary;
        /// Reports of the verification, HTML.
        verification_reports "VerificationReports": many(0, 64) text[16_000_000];
        /// 0 plain text, 1 HTML, 2 binary, 3 image, 4 PDF, 12 XML, 13 RTF, 14 ZIP.
        document_type "DocumentType": maybe int[0, 1_000];
        /// 0 PKCS#7, 3 PDF, 4 XML-DSig, 5 PKCS#7 with the content in it.
        signature_format_type "SignatureFormatType": maybe int[0, 1_000];
        /// File name of the document.
        document_file_name "DocumentFileName": maybe text[1000];
        /// Media type of the document.
        mime_type "MimeType": maybe text[255];
        /// A signature that the document has already.
        old_signature "OldSignature": maybe binary;
        /// Whether the signature is encrypted.
        signature_ciphered "SignatureCiphered": maybe flag;
        /// The signer's certificate.
        certificate "Certificate": maybe binary;
        /// The OCSP response for the first signer.
        ocsp_response_first_signer "OCSPResponseFirstSigner": maybe binary;
        /// A time stamp.
        timestamp "Timestamp": maybe binary;
        /// The document, encrypted.
        encrypted_document "EncryptedDoc": maybe binary;
        /// SHA1, SHA256 or SHA512; absent: the server chooses.
        hash_algorithm "HashAlgorithm": maybe text[50];
        /// Whether RSA signs with PSS.
        pss_padding "PssPadding": maybe flag;
        /// Whether the signer's certificate is in the signature.
        include_signers_certificate "IncludeSignersCertificate": maybe flag;
        /// Whether the signature is put into the PDF.
        include_signature_into_pdf "IncludeSignatureIntoPDF": maybe flag;
        /// How a visible signature looks.
        pdf_annotation "PDFAnnotation": maybe record[PdfAnnotation];
        /// Id of the XML signature.
        signature_id "SignatureID": maybe text[200];
        /// Where in the XML document the signature stands.
        xml_node_path "XmlDSigNodePath": maybe text[4000];
        /// XPath filters of the reference.
        xml_transform_filters "XmlDSigTransformFilter": many(0, 10) text[4000];
        /// Prefix of the signature's elements.
        xml_namespace_name "XmlDSigNameSpaceName": maybe text[200];
        /// Evidence records.
        evidence_records "EvidenceRecordArray": many(0, 64) binary;
        /// What the verification found, as the number that `ResultCode` has.
        result_code "ResultCode": maybe int[-1_000_000, 1_000_000];
        /// What the verification found, or why nothing was signed, as a sentence.
        result_text "ResultText": maybe text[2000];
    }

    /// Documents to be signed.
    SignReq {
        /// The documents.
        records "SignatureRecord": many(1, API_CALL_DOCUMENTS_MAX) record[SignatureRecord];
        /// Attribute certificates to be put into the signatures.
        attribute_certificates "AttributeCert": many(0, API_RECIPIENTS_MAX) binary;
    }

    /// The signed documents.
    SignRes {
        /// The documents with their signatures, in order.
        records "SignatureRecord": many(0, API_CALL_DOCUMENTS_MAX) record[SignatureRecord];
    }

    /// Signatures to be judged.
    VerifyReq {
        /// The signatures.
        records "SignatureRecord": many(1, API_CALL_DOCUMENTS_MAX) record[SignatureRecord];
    }

    /// The verdicts.
    VerifyRes {
        /// 1: all are valid. Otherwise the status number of the worst.
        result_code "ResultCode": one int[-1_000_000, 1_000_000];
        /// The signatures with their reports, in order.
        records "SignatureRecord": many(0, API_CALL_DOCUMENTS_MAX) record[SignatureRecord];
    }
}
