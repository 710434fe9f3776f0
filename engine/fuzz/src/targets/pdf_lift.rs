//! Foreign bytes as a PDF to be lifted: no panic; from memory and in pieces through a window as much is to be stamped
//! (not the same: what is added to an encrypted file begins at random); what evidence is added to can be read again and
//! holds it.

use formats::evidence::Evidence;
use formats::lift::{self, Kind};
use formats::{Part, Source, SourceError};
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
    for password in [None, Some("kunde")] {
        for find in [lift::signature_time_stamps, lift::archive_time_stamps] {
            let count = |source: &dyn Source| {
                find(Kind::Pdf, source, None, Sha256, password).map(|places| places.imprints().len()).ok()
            };
            assert_eq!(count(&bytes), count(&File(bytes)));
        }
        let Ok(place) = lift::evidence(Kind::Pdf, &bytes, None, password) else { continue };
        let some = Evidence {
            certificates: vec![b"\x30\x00"[..].into()],
            crls: vec![b"\x30\x01\x00"[..].into()],
            ocsp_responses: vec![b"\x30\x02\x05\x00"[..].into()],
        };
        if let Ok(parts) = place.fill(&some)
            && let [Part::Original, Part::Bytes(tail)] = &parts[..]
        {
            let longer = [bytes, tail].concat();
            let place = lift::evidence(Kind::Pdf, &longer, None, password).unwrap();
            assert!(matches!(place.fill(&some).unwrap()[..], [Part::Original]), "it is not found to be there");
        }
    }
}
