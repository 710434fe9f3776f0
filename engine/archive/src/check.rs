//! What an evidence record proves (RFC 4998 sections 4.3 and 5.3): that the time stamps are real, that the first one
//! covers the documents, and that each later one covers the one before it. Whether certificates and algorithms were
//! suitable when the next time stamp came is for the caller to judge, from the tokens that are handed out.

use crate::ArchiveError;
use crate::record::{ArchiveTimeStamp, EvidenceRecord};
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
    let mut stamps: Vec<(usize, Token)> = Vec::new();
    for (chain, members) in record.chains.iter().enumerate() {
        let mut chain_algorithm = None;
        let mut before: Option<&ArchiveTimeStamp> = None;
        for stamp in members {
            let number = stamps.len() + 1;
            let token = Token::read(&stamp.token).map_err(|error| ArchiveError::Token(number, error))?;
            let imprint = token.imprint();
            let algorithm = imprint.algorithm;
            if stamp.algorithm.is_some_and(|stated| stated != algorithm) {
                return Err(ArchiveError::Rule("a time stamp is over another digest than it says"));
            }
            if *chain_algorithm.get_or_insert(algorithm) != algorithm {
                return Err(ArchiveError::Rule("one chain uses several digests"));
            }
            if stamps.last().is_some_and(|(_, earlier)| earlier.time() >= token.time()) {
                return Err(ArchiveError::Rule("a time stamp is older than the one that it covers"));
            }
            let covered = match before {
                Some(before) => covers(stamp, algorithm, &[algorithm.digest(&before.token)?], &imprint.value)?,
                None => {
                    let documents = documents(algorithm).ok_or(ArchiveError::NeedsDigest(algorithm))?;
                    covers_documents(record, chain, stamp, algorithm, &documents, &imprint.value)?
                }
            };
            if !covered {
                return Err(ArchiveError::NotCovered(number));
            }
            stamps.push((chain, token));
            before = Some(stamp);
        }
    }
    let since = stamps.first().map(|(_, token)| token.time()).ok_or(ArchiveError::Rule("it has no time stamps"))?;
    Ok(Proof { since, stamps })
}

/// The first time stamp of a chain: over the documents, and over all chains before it.
fn covers_documents(
    record: &EvidenceRecord,
    chain: usize,
    stamp: &ArchiveTimeStamp,
    algorithm: HashAlgorithm,
    documents: &[Vec<u8>],
    imprint: &[u8],
) -> Result<bool, ArchiveError> {
    if chain == 0 {
        return Ok(of_exactly(stamp, documents) && covers(stamp, algorithm, documents, imprint)?);
    }
    let chains = algorithm.digest(&record.sequence(chain))?;
    // The text of RFC 4998 section 5.2 has the document's hash first; its figure 4 has both sorted, and some read that.
    for sorted in [false, true] {
        let leaf = |document: &Vec<u8>| {
            let mut pair = [document, &chains];
            if sorted {
                pair.sort_unstable();
            }
            algorithm.digest(&[&pair[0][..], &pair[1][..]].concat())
        };
        let leaves = documents.iter().map(leaf).collect::<Result<Vec<_>, _>>()?;
        if of_exactly(stamp, &leaves) && covers(stamp, algorithm, &leaves, imprint)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A group is protected as a group: its first list has its members and nothing else. For a single document makers
/// differ in whether its siblings are in the same list.
fn of_exactly(stamp: &ArchiveTimeStamp, expected: &[Vec<u8>]) -> bool {
    let first = stamp.tree.as_ref().and_then(|lists| lists.first());
    expected.len() < 2 || first.is_some_and(|list| list.iter().all(|hash| expected.contains(hash)))
}

/// Whether the expected hashes are in the first list and the lists lead to the imprint.
fn covers(
    stamp: &ArchiveTimeStamp,
    algorithm: HashAlgorithm,
    expected: &[Vec<u8>],
    imprint: &[u8],
) -> Result<bool, ArchiveError> {
    let Some([first, rest @ ..]) = stamp.tree.as_deref() else {
        return Ok(matches!(expected, [only] if only == imprint));
    };
    if expected.is_empty() || !expected.iter().all(|hash| first.contains(hash)) {
        return Ok(false);
    }
    // A first list of one is passed on by most makers and hashed once more by some; both occur in the test data of the
    // BSI and are called right there.
    let alone = match &first[..] {
        [only] => Some(only.clone()),
        _ => None,
    };
    let starts = alone.into_iter().chain([combined(algorithm, first.iter())?]);
    for start in starts {
        let mut current = start;
        for list in rest {
            current = combined(algorithm, list.iter().chain([&current]))?;
        }
        if current == imprint {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sorted, concatenated, hashed (RFC 4998 section 4.3, step 3).
fn combined<'a>(algorithm: HashAlgorithm, hashes: impl Iterator<Item = &'a Vec<u8>>) -> Result<Vec<u8>, ArchiveError> {
    let mut hashes: Vec<&Vec<u8>> = hashes.collect();
    hashes.sort_unstable();
    let mut running = algorithm.start()?;
    for hash in hashes {
        running.update(hash)?;
    }
    Ok(running.finish()?)
}
