//! Foreign bytes as one extension of a certificate: names, name constraints, policies, statements about being qualified.
//! The first byte says which.

use formats::cms::certificate::Certificate;
use formats::cms::certificate::extensions::oid;
use formats::der::{TAG_OCTET_STRING, TAG_OID, TAG_SEQUENCE, tlv};
use formats::path;

const PUBLIC_KEY: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00\
    \x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\
    \x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11";
const VALIDITY: &[u8] = b"\x30\x1e\x17\x0d000101000000Z\x17\x0d491231235959Z";
const SERIAL: &[u8] = b"\x02\x01\x01";
const KINDS: [&[u8]; 8] = [
    oid::SUBJECT_ALTERNATIVE_NAME,
    oid::NAME_CONSTRAINTS,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
    oid::QUALIFIED_STATEMENTS,
    oid::EXTENDED_KEY_USAGE,
];

pub(crate) fn run(bytes: &[u8]) {
    let Some((&kind, content)) = bytes.split_first() else { return };
    // Above the kinds of extensions: the bytes are the subject.
    let kind = KINDS.get(usize::from(kind));
    let name = tlv(TAG_SEQUENCE, &[if kind.is_none() { content } else { b"" }]);
    let extensions = kind.map(|oid| {
        let extension = tlv(TAG_SEQUENCE, &[&tlv(TAG_OID, &[oid]), &tlv(TAG_OCTET_STRING, &[content])]);
        tlv(0xa3, &[&tlv(TAG_SEQUENCE, &[&extension])])
    });
    let empty = tlv(TAG_SEQUENCE, &[]);
    let fields = [SERIAL, &empty, &name, VALIDITY, &name, PUBLIC_KEY, extensions.as_deref().unwrap_or_default()];
    let der = tlv(TAG_SEQUENCE, &[&tlv(TAG_SEQUENCE, &fields), &empty, b"\x03\x01\x00"]);
    let certificate = Certificate::parse(&der).expect("it is whole around the extension");
    let _ = (certificate.alternative_names(), certificate.mail_addresses(), certificate.subject_mail_addresses());
    let _ = (certificate.certificate_policies(), certificate.policy_mappings(), certificate.policy_constraints());
    let _ = (certificate.inhibit_any_policy(), certificate.qualified_statements(), certificate.purposes());
    if let Ok(Some(constraints)) = certificate.name_constraints() {
        assert!(constraints.permitted.len() + constraints.excluded.len() <= bytes.len());
    }
    assert_eq!(path::name_key(&name), path::name_key(&name.clone()));
    if let Ok(within) = path::name_within(&name, &name) {
        assert!(within, "a name lies below itself");
        assert_eq!(path::name_within(&name, &empty), Ok(true));
    }
}
