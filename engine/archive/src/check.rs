//! What an evidence record proves (RFC 4998 sections 4.3 and 5.3): that the time stamps are real, that the first one
//! covers the documents and nothing but the documents, and that each later one covers the one before it. For records of
//! our own making; what others made is looked at with [`crate::findings`].

use crate::ArchiveError;
use crate::findings::{Form, findings};
use crate::record::EvidenceRecord;
use formats::signature::HashAlgorithm;
use formats::tsp::Token;
use model::Time;

/// A record that holds together.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The documents existed at this time.
    pub since: Time,
    /// All its time stamps, oldest first, with the number of their chain.
    pub stamps: Vec<(usize, Token)>,
}

/// Checks a record. `documents` gives the digests of the members of the group by an algorithm, in any order; it is
/// asked once for each chain.
pub fn check(
    record: &EvidenceRecord,
    documents: &dyn Fn(HashAlgorithm) -> Option<Vec<Vec<u8>>>,
) -> Result<Proof, ArchiveError> {
    let digests = |algorithm: HashAlgorithm, _: Option<&str>| {
        let documents = documents(algorithm).unwrap_or_default();
        documents.into_iter().map(|digest| vec![digest]).collect()
    };
    let found = findings(Form::Asn1(record), &digests);
    let since = found.since?;
    // A group is protected as a group: its first list has its members and nothing else. For a single document makers
    // differ in whether its siblings are in the same list.
    if found.objects.len() > 1 && found.others > 0 {
        return Err(ArchiveError::NotCovered(1));
    }
    let stamps = found.stamps.into_iter();
    let stamps = stamps.map(|stamp| match stamp.token {
        Ok(token) => Ok((stamp.chain - 1, token)),
        Err(error) => Err(ArchiveError::Token(stamp.number, error)),
    });
    Ok(Proof { since, stamps: stamps.collect::<Result<_, _>>()? })
}
