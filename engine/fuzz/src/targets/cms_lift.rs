//! Foreign bytes as a CMS message to be lifted: no panic; what is written without additions reads as the same message;
//! reading in pieces through a window and from memory agree.

use formats::cms::message::Message;
use formats::evidence::Evidence;
use formats::lift::{self, Kind};
use formats::{Source, SourceError};
use model::DigestAlgorithm::Sha256;

/// A document that is not in memory as a whole.
struct File<'a>(&'a [u8]);

impl Source for File<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.0.read_exact_at(offset, buffer)
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let read = Message::read(&bytes);
    assert_eq!(read.is_ok(), Message::read(&File(bytes)).is_ok());
    if let Ok(message) = read {
        let _ = message.subjects();
        let _ = message.time_stamps();
        let _ = message.check_over(&bytes, None);
        let written = message.bytes(&bytes).unwrap();
        let again = Message::read(&written).unwrap();
        assert_eq!(again.certificates(), message.certificates());
        assert_eq!(again.revocations(), message.revocations());
        let fields = |message: &Message| message.signers().iter().map(|one| one.fields().to_vec()).collect::<Vec<_>>();
        assert_eq!(fields(&again), fields(&message));
    }
    let _ = lift::signature_time_stamps(Kind::Cms, &bytes, None, Sha256, None);
    let _ = lift::archive_time_stamps(Kind::Cms, &File(bytes), None, Sha256, None);
    if let Ok(place) = lift::evidence(Kind::Cms, &bytes, None, None) {
        let some = Evidence {
            certificates: vec![b"\x30\x00"[..].into()],
            crls: vec![b"\x30\x01\x00"[..].into()],
            ocsp_responses: vec![bytes.into()],
        };
        let _ = place.fill(&some);
    }
}
