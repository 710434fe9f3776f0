//! Foreign bytes as a CMS message: no panic, and what is read lies inside the message and is not longer than it.

use formats::cms::certificate::Certificate;
use formats::cms::reader::SignedData;
use formats::{cms, crypto};
use model::DigestAlgorithm;

pub(crate) fn run(message: &[u8]) {
    if let Ok(read) = SignedData::read(message) {
        if let Some(content) = read.content_bytes(message) {
            assert!(content.len() < message.len());
            let digest = crypto::digest(DigestAlgorithm::Sha256, &content);
            let _ = cms::verify_own(message, &digest);
        }
        for place in read.certificates.iter().chain(&read.revocations) {
            let _ = Certificate::parse(&message[place.clone()]);
        }
        for signer in &read.signers {
            assert!(signer.signed_bytes(message).is_none_or(|bytes| bytes.len() < message.len()));
        }
    }
    let _ = Certificate::parse(message);
}
