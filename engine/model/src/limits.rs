//! Every bound has a name here, units last. Configuration may lower or raise those that an operator has a reason to
//! touch; the others are fixed.

/// Places that the router gives out at one token, for each of its sessions: one in the card, one ready, two being
/// prepared.
pub const ASSIGNED_PER_SESSION_MAX: usize = 4;

/// Documents that may wait for a place or hold one, in the whole server.
pub const DOCUMENTS_IN_FLIGHT_MAX: usize = 256;

/// Sessions that one token may have.
pub const SESSIONS_PER_TOKEN_MAX: usize = 64;

/// Files that a watched directory claims at once.
pub const CLAIM_GROUP_FILES_MAX: usize = 128;

/// Entries that a watched directory remembers from one scan; the next scan finds the rest.
pub const SCAN_ENTRIES_MAX: usize = 20_000;

/// Longest file name that a watched directory takes, in bytes; leaves room for the names sealmill adds.
pub const FILE_NAME_BYTES_MAX: usize = 200;

/// Rows that one group of the store holds.
pub const STORE_GROUP_ROWS_MAX: usize = 512;

/// How long a row waits for others before its group is written, in microseconds.
pub const STORE_GROUP_WAIT_MICROS: u64 = 2_000;

/// A signature operation that takes longer is stuck, in milliseconds.
pub const SIGN_TIMEOUT_MS: u64 = 30_000;

/// Longest body of a request, in bytes, where the configuration says nothing.
pub const API_BODY_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// Longest body of a request whose sender has not shown who she is before it, in bytes, where the configuration says
/// nothing.
pub const API_ANONYMOUS_BODY_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Length of all header fields of a request, in bytes, where the configuration says nothing.
pub const API_HEADER_BYTES_MAX: usize = 32 * 1024;

/// The most that the configuration may allow: longer headers do not fit the buffer of the HTTP library.
pub const API_HEADER_BYTES_CEILING: usize = 128 * 1024;

/// Header fields of a request, where the configuration says nothing.
pub const API_HEADER_FIELDS_MAX: usize = 64;

/// The most that the configuration may allow.
pub const API_HEADER_FIELDS_CEILING: usize = 96;

/// Requests being worked on at a time, where the configuration says nothing.
pub const API_REQUESTS_MAX: usize = 256;

/// Bytes in the spool folder, where the configuration says nothing.
pub const API_SPOOL_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// Bytes of documents of requests in memory, where the configuration says nothing.
pub const API_SPOOL_MEMORY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Threads that serve requests.
pub const API_WORKERS_MAX: usize = 64;

/// Connections that the configuration may allow.
pub const API_CONNECTIONS_MAX: usize = 65_536;

/// Length of the header that hands a connection over (PROXY protocol 2), in bytes.
pub const PROXY_HEADER_BYTES_MAX: usize = 32 * 1024;

/// Length of a user's TLS certificate, in bytes.
pub const CLIENT_CERTIFICATE_BYTES_MAX: usize = 16 * 1024;

/// Certificates of one PEM file of the network edge.
pub const API_CERTIFICATES_MAX: usize = 256;

/// Documents that one archive time stamp covers.
pub const STAMP_BATCH_MAX: usize = 10_000;

/// Certificates in one chain.
pub const CHAIN_CERTIFICATES_MAX: usize = 16;

/// Nesting of arrays and dictionaries in a PDF.
pub const PDF_NESTING_MAX: usize = 64;

/// Objects that one PDF may number.
pub const PDF_OBJECTS_MAX: usize = 8_388_607;

/// Cross-reference sections that one PDF may chain.
pub const PDF_REVISIONS_MAX: usize = 1_024;

/// Length of one PDF object that is read into memory, in bytes.
pub const PDF_OBJECT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Length of one decompressed PDF stream, in bytes (cross-reference and object streams only; no other is read).
pub const PDF_STREAM_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Signatures and document time stamps of one PDF.
pub const PDF_SIGNATURES_MAX: usize = 256;

/// Room for a time stamp in a PDF, in bytes: a token with its certificates has 3 to 7 KB, one with revocation material
/// in it up to 12. Twice as many bytes of the file are taken.
pub const PDF_STAMP_BYTES: usize = 16 * 1024;

/// Certificates, revocation lists and OCSP answers, each, that a PDF may keep for its signatures.
pub const PDF_EVIDENCE_MAX: usize = 4_096;

/// Objects that the revisions of a PDF may mention altogether, each as often as it is mentioned, while they are compared.
pub const PDF_COMPARED_OBJECTS_MAX: usize = 16 * 1024 * 1024;

/// Bytes of objects, without their streams, that are read while the revisions of a PDF are compared.
pub const PDF_COMPARED_BYTES_MAX: usize = 1024 * 1024 * 1024;

/// References to changed objects that are kept while the revisions of a PDF are compared.
pub const PDF_REFERRERS_MAX: usize = 1_000_000;

/// Changes of one PDF after its signatures that are told apart; of more, only the gravest counts.
pub const PDF_CHANGES_MAX: usize = 10_000;

/// Changes after one signature of a PDF that are said in words.
pub const PDF_CHANGES_NAMED_MAX: usize = 16;

/// Nesting of BER or DER values.
pub const DER_NESTING_MAX: usize = 32;

/// Length of one SubjectPublicKeyInfo, in bytes: an RSA key of 16384 bits has 2100, an ML-DSA-87 key 2615.
pub const PUBLIC_KEY_BYTES_MAX: usize = 8 * 1024;

/// What a CMS signature may carry beside its content (certificates, revocation material, signers), in bytes.
pub const CMS_AROUND_BYTES_MAX: u64 = 192 * 1024 * 1024;

/// Nesting of elements in an XML document.
pub const XML_DEPTH_MAX: usize = 1_000;

/// Attributes and namespace declarations of one element.
pub const XML_ATTRIBUTES_MAX: usize = 1_024;

/// Length of one XML name, prefix included, in bytes.
pub const XML_NAME_BYTES_MAX: usize = 4_096;

/// Length of one XML document as UTF-8, in bytes: positions in its tree have 31 bits.
pub const XML_BYTES_MAX: usize = 0x7FFF_FFFF;

/// Nodes, and likewise attributes, of one XML document.
pub const XML_NODES_MAX: usize = 1 << 28;

/// Length of one XPath expression, in bytes.
pub const XPATH_BYTES_MAX: usize = 8_192;

/// Nesting of one XPath expression.
pub const XPATH_NESTING_MAX: usize = 64;

/// Nodes that the evaluation of one XPath expression may touch, for a small document.
pub const XPATH_STEPS_MAX: u64 = 20_000_000;

/// Nodes that the evaluation of one XPath expression may touch in addition, for each node of the document.
pub const XPATH_STEPS_PER_NODE_MAX: u64 = 64;

/// Length of one encrypted content key, or of the public key of a key agreement, in bytes: RSA with 16 384 bits.
pub const WRAPPED_KEY_BYTES_MAX: usize = 2_048;

/// Length of the label of RSAES-OAEP, in bytes.
pub const OAEP_LABEL_BYTES_MAX: usize = 1_024;

/// Recipients of one encrypted message that are looked at.
pub const ENVELOPE_RECIPIENTS_MAX: usize = 1_000;

/// What an encrypted message may carry in front of and behind its content, each, in bytes.
pub const ENVELOPE_AROUND_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Length of one answer of a time-stamping authority, in bytes.
pub const TSP_RESPONSE_BYTES_MAX: usize = 256 * 1024;

/// Signers, counter-signers and time-stamp units of one CMS message.
pub const CMS_SUBJECTS_MAX: usize = 256;

/// Extensions of a certificate, a CRL or an OCSP answer, and members of one of them.
pub const EXTENSION_MEMBERS_MAX: usize = 64;

/// Names of one certificate, and likewise subtrees that one permits or excludes: certificates of large web sites have
/// hundreds.
pub const CERTIFICATE_NAMES_MAX: usize = 4_096;

/// Comparisons of names with permitted and excluded subtrees in one path.
pub const NAME_COMPARISONS_MAX: usize = 1 << 20;

/// Policies at one level of a path's policy graph.
pub const POLICY_NODES_MAX: usize = 256;

/// Certificates in one OCSP answer.
pub const OCSP_CERTIFICATES_MAX: usize = 16;

/// Certificates that one OCSP answer is about.
pub const OCSP_SINGLES_MAX: usize = 1_024;

/// Certificates among which a path is searched for.
pub const PATH_CERTIFICATES_MAX: usize = 1_024;

/// Signatures of certificates that are checked in one search for a path.
pub const PATH_SIGNATURES_MAX: usize = 64;

/// Certificates that one search for paths looks at, again on each way.
pub const PATH_STEPS_MAX: usize = 4_096;

/// Paths that one search gives.
pub const PATH_CHAINS_MAX: usize = 16;

/// Signatures of certificates, CRLs and OCSP answers whose check is remembered.
pub const SIGNATURES_REMEMBERED_MAX: usize = 65_536;

/// Certificates that were read and are remembered from file to file.
pub const CERTIFICATES_REMEMBERED_MAX: usize = 2_048;

/// Length of a certificate that is remembered, in bytes.
pub const CERTIFICATE_REMEMBERED_BYTES_MAX: usize = 8 * 1_024;

/// Searches for paths whose result is remembered from file to file; and as many for revocation information.
pub const SEARCHES_REMEMBERED_MAX: usize = 512;

/// What the result of one search that is remembered may keep in memory, in bytes.
pub const SEARCH_REMEMBERED_BYTES_MAX: usize = 32 * 1_024;

/// Addresses of missing issuers that one search for a path gives.
pub const PATH_ADDRESSES_MAX: usize = 8;

/// CRLs and OCSP answers with which one file is judged.
pub const REVOCATION_OBJECTS_MAX: usize = 8_192;

/// Certificates of one name with whose keys the signature of one CRL or OCSP answer is tried.
pub const CRL_SIGNERS_TRIED_MAX: usize = 8;

/// Length of one entry of a CRL, in bytes.
pub const CRL_ENTRY_BYTES_MAX: usize = 16 * 1024;

/// Length of what stands before and behind the entries of a CRL, in bytes each.
pub const CRL_EDGE_BYTES_MAX: usize = 64 * 1024;

/// Length of a CRL whose signature is over the whole of it at once (Ed25519, Ed448), in bytes.
pub const CRL_WHOLE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Changes of the issuer among the entries of an indirect CRL.
pub const CRL_ISSUERS_MAX: usize = 65_536;

/// Signatures of one XML document, those inside of others not counted.
pub const XML_SIGNATURES_MAX: usize = 64;

/// Signatures of one XML document, those inside of others counted.
pub const XML_ALL_SIGNATURES_MAX: usize = 256;

/// Certificates, revocation lists, OCSP answers, tokens and references to them, together, in one property of an XML
/// signature; and likewise its unsigned properties.
pub const XML_EVIDENCE_MAX: usize = 4_096;

/// Roles, commitments and descriptions of data, each, in one XML signature that are looked at.
pub const XML_ATTRIBUTE_VALUES_MAX: usize = 64;

/// How many times all bytes of an XML document and of what is signed with it may be hashed while its signatures are
/// judged.
pub const XML_DIGESTED_TIMES_MAX: u64 = 16;

/// Bytes that may be hashed in addition, however small the document is.
pub const XML_DIGESTED_BYTES_MAX: u64 = 160 * 1024 * 1024;

/// XPath expressions that are evaluated while the signatures of one XML document are judged.
pub const XML_EXPRESSIONS_MAX: usize = 256;

/// References of one XML signature or manifest.
pub const XML_REFERENCES_MAX: usize = 1_000;

/// Transforms of one reference, and expressions of one XPath filter.
pub const XML_TRANSFORMS_MAX: usize = 10;

/// Signers, time-stamp units, responders and issuers of CRLs for which evidence is collected at once.
pub const EVIDENCE_SUBJECTS_MAX: usize = 64;

/// Time stamps of one XML signature, and likewise its counter-signatures.
pub const XML_STAMPS_MAX: usize = 256;

/// Length of one evidence record, in bytes.
pub const EVIDENCE_RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Archive time stamps of one evidence record.
pub const EVIDENCE_RECORD_STAMPS_MAX: usize = 1_000;

/// Chains of one evidence record: each begins with a digest over all chains before it.
pub const EVIDENCE_RECORD_CHAINS_MAX: usize = 64;

/// Length of a document in XML that is canonicalised because an evidence record asks for it, in bytes; a larger one is
/// hashed as it is.
pub const EVIDENCE_RECORD_XML_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Leaves of one hash tree.
pub const HASH_TREE_LEAVES_MAX: usize = 1 << 20;

/// Entries of one container.
pub const ASIC_ENTRIES_MAX: usize = 2_000;

/// Length of the central directory of a container, in bytes.
pub const ASIC_DIRECTORY_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Length of all that is unpacked of one container, in bytes: compressed documents, and the signatures.
pub const ASIC_UNPACKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Signatures, time stamps, evidence records and manifests of one container that is judged.
pub const ASIC_META_FILES_MAX: usize = 256;

/// Length of one signature or manifest of a container that is judged, in bytes.
pub const ASIC_FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How deep a container may lie inside of other files for its own files to be looked into.
pub const ASIC_NESTING_MAX: usize = 3;

/// Signature values, certificates and the like that one time stamp of a container proves to have existed.
pub const ASIC_OBJECTS_MAX: usize = 65_536;

/// Length of a file in text form (PEM, base64) that is decoded to see what is in it, in bytes.
pub const ARMOUR_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// How deep files that are inspected may lie in one another: mails in mails, what was decrypted, members of containers.
pub const INSPECTION_NESTING_MAX: usize = 16;

/// Length of one piece of foreign text in a report, in characters.
pub const REPORT_TEXT_CHARS_MAX: usize = 2_000;

/// Signatures of one CMS message that is judged, counter-signatures counted in.
pub const CMS_SIGNATURES_MAX: usize = 256;

/// How deeply counter-signatures may be signed again.
pub const CMS_COUNTERSIGNATURE_DEPTH_MAX: usize = 8;

/// Time stamps in one CMS message that is judged.
pub const CMS_STAMPS_MAX: usize = 256;

/// Keys that are tried in one CMS message on signatures that do not tell whose they are.
pub const CMS_KEY_TRIES_MAX: usize = 256;

/// Length of a content that is signed as it is, without a digest in between (Ed25519 without signed attributes), in bytes.
pub const CMS_WHOLE_CONTENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Passes over a CMS message for archive time stamps of old and for evidence records, which are over all of it at once.
pub const CMS_CONTENT_PASSES_MAX: usize = 64;

/// Length of a time stamp in a file of its own, in bytes.
pub const STAMP_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Commitments and, likewise, roles of one signer.
pub const SIGNER_STATEMENTS_MAX: usize = 64;

/// Length of a text that a signer signed with the content, as people see it, in characters.
pub const ATTRIBUTE_TEXT_CHARACTERS_MAX: usize = 1_000;

/// Certificates, and likewise revocation lists and answers, that a signature refers to by their digests.
pub const CMS_REFERENCES_MAX: usize = 4_096;

/// Evidence records in the attributes of one signature.
pub const CMS_RECORDS_MAX: usize = 16;

/// Rows of one table of a report for people.
pub const REPORT_ROWS_MAX: usize = 1_000;

/// Pages of a document of text that is written.
pub const PDF_TEXT_PAGES_MAX: usize = 2_000;

/// Length of one mail, in bytes, and of all that is decoded of it.
pub const MAIL_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Parts of one mail, those of mails in it included.
pub const MAIL_PARTS_MAX: usize = 10_000;

/// Nesting of parts, signed, encrypted and attached mails in one mail.
pub const MAIL_NESTING_MAX: usize = 32;

/// Header fields of one mail or part of it.
pub const MAIL_FIELDS_MAX: usize = 2_000;

/// Length of the header of one mail or part of it, in bytes.
pub const MAIL_HEADER_BYTES_MAX: usize = 512 * 1024;

/// Senders of one mail.
pub const MAIL_ADDRESSES_MAX: usize = 64;

/// Signed or encrypted messages in one mail.
pub const MAIL_MESSAGES_MAX: usize = 64;

/// What is decrypted into memory in order to be inspected, in bytes.
pub const DECRYPTED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Keys that are tried on one encrypted message.
pub const ENVELOPE_ATTEMPTS_MAX: usize = 8;

/// Length of one trusted list, in bytes: the largest have 10 to 30 MB.
pub const TRUSTED_LIST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Other lists that one trusted list names.
pub const TRUSTED_LIST_POINTERS_MAX: usize = 256;

/// Services of one trusted list.
pub const TRUSTED_LIST_SERVICES_MAX: usize = 20_000;

/// Former states of one service of a trusted list.
pub const TRUSTED_LIST_HISTORY_MAX: usize = 256;

/// Certificates of one service of a trusted list, and of those who may sign one list.
pub const TRUSTED_LIST_CERTIFICATES_MAX: usize = 256;

/// Length of one text of a trusted list, in characters.
pub const TRUSTED_LIST_TEXT_CHARS_MAX: usize = 1_000;

/// Remarks on one trusted list.
pub const TRUSTED_LIST_NOTES_MAX: usize = 100;

/// Length of a certificate batch, in bytes.
pub const TRUST_BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Trust centres of a certificate batch, certificates of each, and addresses of each.
pub const TRUST_BATCH_ITEMS_MAX: usize = 4_096;

/// Length of the XML of one message of the interface without documents, in bytes.
pub const API_XML_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The same for messages that may list thousands of documents, for each document that they list.
pub const API_XML_BYTES_PER_DOCUMENT_MAX: usize = 2 * 1024;

/// Nesting of elements in one message of the interface.
pub const API_XML_DEPTH_MAX: usize = 64;

/// Attributes of one element in a message of the interface.
pub const API_XML_ATTRIBUTES_MAX: usize = 64;

/// Namespace declarations of one element in a message of the interface.
pub const API_XML_NAMESPACES_MAX: usize = 32;

/// Length of one name in a message of the interface, prefix included, in bytes.
pub const API_XML_NAME_BYTES_MAX: usize = 256;

/// Length of one tag in a message of the interface, attributes included, in bytes.
pub const API_XML_TAG_BYTES_MAX: usize = 64 * 1024;

/// Blocks of the header of one message of the interface.
pub const API_HEADERS_MAX: usize = 64;

/// Documents, signatures and other contents of one message of the interface.
pub const API_CONTENTS_MAX: usize = 30_000;

/// Length of one content that is kept in memory instead of a file, in bytes.
pub const API_CONTENT_MEMORY_BYTES_MAX: usize = 256 * 1024;

/// Length of all contents of one message that are kept in memory, in bytes.
pub const API_MESSAGE_MEMORY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Length of the header of one part of a message with attachments, in bytes.
pub const API_PART_HEADER_BYTES_MAX: usize = 8 * 1024;

/// Length of a content that stands for a digest, a certificate or another small thing, in bytes.
pub const API_SMALL_CONTENT_BYTES_MAX: usize = 64 * 1024;

/// Documents of one call that waits for all of its signatures.
pub const API_CALL_DOCUMENTS_MAX: u32 = 1_000;

/// Documents of one submitted batch.
pub const API_BATCH_DOCUMENTS_MAX: u32 = 10_000;

/// Results of one page of a batch, and likewise entries of other pages.
pub const API_BATCH_PAGE_MAX: i64 = 1_000;

/// Signers that one request may name.
pub const API_SIGNERS_MAX: u32 = 64;

/// Further choices of one request.
pub const API_SETTINGS_MAX: u32 = 64;

/// Recipients of one request to encrypt.
pub const API_RECIPIENTS_MAX: u32 = 1_000;

/// Verdicts of one answer.
pub const API_VERDICTS_MAX: u32 = 4_096;

/// Entries of one list of an answer that has no pages.
pub const API_LISTED_MAX: u32 = 10_000;

/// Length of a password, in bytes: argon2id reads all of it.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// Certificates of one user that are not revoked.
pub const ACCESS_CERTIFICATES_PER_USER_MAX: usize = 16;

/// Length of a user's certificate in Base64, in bytes.
pub const ACCESS_CERTIFICATE_BYTES_MAX: usize = 64 * 1024;

/// Changes of one tenant that wait for a second person.
pub const ACCESS_PENDING_MAX: usize = 1_000;

/// Log-in sessions of one tenant that are open.
pub const ACCESS_SESSIONS_MAX: usize = 10_000;
