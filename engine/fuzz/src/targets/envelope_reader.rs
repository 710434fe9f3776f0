//! Foreign bytes as an encrypted message: no panic, and a content that is opened with some key is not longer than the
//! message.

use formats::Source;
use formats::envelope::{Envelope, looks_encrypted};
use model::{Secret, WrappedKey};

pub(crate) fn run(message: &[u8]) {
    let source: &dyn Source = &message;
    let encrypted = looks_encrypted(source).unwrap_or(false);
    let Ok(envelope) = Envelope::read(source) else { return };
    assert!(encrypted);
    for arrival in envelope.arrivals().iter().take(4) {
        let _ = arrival.id().to_string();
        let Ok(wrapped) = arrival.wrapped() else { continue };
        let length = match wrapped {
            WrappedKey::RsaPkcs1 { length, .. } => *length,
            WrappedKey::RsaOaep { .. } | WrappedKey::Ecdh { .. } => 32,
        };
        let Ok(mut opening) = envelope.open(source, arrival, &Secret::new(vec![7; length])) else { continue };
        let mut opened = 0;
        while let Ok(Some(piece)) = opening.piece() {
            opened += piece.len();
        }
        assert!(opened <= message.len());
        let _ = opening.finish();
    }
}
