//! Foreign bytes as a certificate: every field that is read by itself, its signature by itself, and a path from it.

use formats::cms::certificate::Certificate;
use formats::{path, signature};
use model::Time;
use std::sync::Arc;

pub(crate) fn run(der: &[u8]) {
    let Ok(certificate) = Certificate::parse(der) else { return };
    let _ = (certificate.validity(), certificate.access(), certificate.crl_distribution_points());
    let _ = (certificate.freshest_crl(), certificate.key_usage(), certificate.basic_constraints());
    let _ = (certificate.subject_key_id(), certificate.authority_key_id(), certificate.needs_no_revocation());
    let _ = (certificate.has_purpose(&[0x55]), certificate.extensions().count());
    assert!(path::same_name(certificate.subject, certificate.subject));
    let _ = path::common_name(certificate.subject);
    let _ = signature::certificate_signed_by(der, der);
    let subject: Arc<[u8]> = der.into();
    let _ = path::find(&subject, &[subject.clone()], &[], Time::from_seconds(1_800_000_000));
}
