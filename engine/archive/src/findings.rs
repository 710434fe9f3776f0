//! What an evidence record of either form shows (RFC 4998 sections 4.3 and 5.3, RFC 6283 sections 3.3 and 4.3): for each
//! archive time stamp whether it is real and covers what it should. What is wrong with one hides none of the others.
//! Whether certificates and algorithms were suitable when the next time stamp came is for the caller to judge.

use crate::ArchiveError;
use crate::record::EvidenceRecord;
use crate::tree::ReducedTree;
use crate::xml::XmlRecord;
use formats::evidence::Evidence;
use formats::inspect::{Record, RecordObject};
use formats::signature::HashAlgorithm;
use formats::tsp::{Token, TspError};
use model::Time;
use std::collections::HashSet;

/// What was found out about a record.
#[derive(Clone, Debug)]
pub struct Findings {
    /// All its archive time stamps, oldest first. At least one.
    pub stamps: Vec<StampFinding>,
    /// For each data object, in the order they were given: whether the first time stamp is over it.
    pub objects: Vec<Result<(), ArchiveError>>,
    /// How many hashes stand beside those of the data objects, at most: of further members of their group, which nobody
    /// gave, or of neighbours in the tree.
    pub others: usize,
    /// The data objects existed at this time, if the time stamps are valid. An error: the gravest of those in `stamps`.
    pub since: Result<Time, ArchiveError>,
}

/// What was found out about one archive time stamp.
#[derive(Clone, Debug)]
pub struct StampFinding {
    /// Its number in the record, from 1.
    pub number: usize,
    /// The number of its chain, from 1. A new chain begins with each hash-tree renewal.
    pub chain: usize,
    /// The token. An error: it is none, or its signature is wrong.
    pub token: Result<Token, TspError>,
    /// The token as it is in the record.
    pub bytes: Vec<u8>,
    /// The algorithm of its hash tree. `None`: it is said nowhere that can be read.
    pub algorithm: Option<HashAlgorithm>,
    /// Whether it covers what it should: the data objects, the time stamp before it, all chains before its own. An error
    /// says the first thing that is wrong with it, its token included.
    pub covered: Result<(), ArchiveError>,
    /// Certificates and revocation material that the record holds for its verification, beside those in the token.
    pub evidence: Evidence,
}

/// Reads and checks a record that `formats` has found, over the data objects that it has found. An error: it cannot be
/// read.
pub fn check_inspected(record: &Record) -> Result<Findings, ArchiveError> {
    let digests = |algorithm: HashAlgorithm, canonicalization: Option<&str>| {
        let of_object = |object: &RecordObject| {
            // What is XML is canonicalised before (RFC 6283 section 3.2.1), but makers that take files for binary data
            // hash them as they are, which proves no less.
            let fitting = object.digests.iter().filter(|digest| {
                let method = digest.canonicalization.as_deref();
                digest.algorithm == algorithm && (method.is_none() || method == canonicalization)
            });
            fitting.map(|digest| digest.value.clone()).collect::<Vec<_>>()
        };
        record.objects.iter().map(of_object).collect()
    };
    if record.xml {
        Ok(findings(Form::Xml(&XmlRecord::read(&record.bytes)?), &digests))
    } else {
        Ok(findings(Form::Asn1(&EvidenceRecord::read(&record.bytes)?), &digests))
    }
}

/// Gives for each data object its digests by an algorithm, after a canonicalisation if it is XML. Several: any of them
/// will do. None: it is not there.
pub type Digests<'a> = dyn Fn(HashAlgorithm, Option<&str>) -> Hashes + 'a;

/// For each data object the hashes of which any will do.
pub type Hashes = Vec<Vec<Vec<u8>>>;

/// A record of either form.
#[derive(Clone, Copy)]
pub enum Form<'a> {
    /// RFC 4998.
    Asn1(&'a EvidenceRecord),
    /// RFC 6283.
    Xml(&'a XmlRecord),
}

/// One archive time stamp of either form.
struct Link<'a> {
    chain: usize,
    place: usize,
    algorithm: Option<HashAlgorithm>,
    tree: Option<&'a ReducedTree>,
    token: &'a [u8],
    evidence: Option<&'a Evidence>,
}

impl<'a> Form<'a> {
    fn links(self) -> Vec<Link<'a>> {
        let mut links = Vec::new();
        match self {
            Self::Asn1(record) => {
                for (chain, stamps) in record.chains().enumerate() {
                    links.extend(stamps.iter().enumerate().map(|(place, stamp)| Link {
                        chain,
                        place,
                        algorithm: stamp.algorithm,
                        tree: stamp.tree.as_ref(),
                        token: &stamp.token,
                        evidence: None,
                    }));
                }
            }
            Self::Xml(record) => {
                for (number, chain) in record.chains.iter().enumerate() {
                    links.extend(chain.stamps.iter().enumerate().map(|(place, stamp)| Link {
                        chain: number,
                        place,
                        algorithm: Some(chain.algorithm),
                        tree: stamp.tree.as_ref(),
                        token: &stamp.token,
                        evidence: Some(&stamp.evidence),
                    }));
                }
            }
        }
        links
    }

    fn canonicalization(self, chain: usize) -> Option<&'static str> {
        match self {
            Self::Asn1(_) => None,
            Self::Xml(record) => record.chains.get(chain).map(|chain| chain.canonicalization),
        }
    }

    /// The hash under which the next time stamp of its chain covers this one.
    fn hash_of(self, link: &Link<'_>, algorithm: HashAlgorithm) -> Result<Vec<u8>, ArchiveError> {
        match self {
            Self::Asn1(_) => Ok(algorithm.digest(link.token)?),
            Self::Xml(record) => {
                let stamp = record.chains.get(link.chain).and_then(|chain| chain.stamps.get(link.place));
                stamp.map(|stamp| stamp.digest.clone()).ok_or(ArchiveError::Rule("a time stamp is missing"))
            }
        }
    }

    /// What the first list of a chain has to hold: for each data object one of several hashes, and further ones.
    fn expected(
        self,
        chain: usize,
        algorithm: HashAlgorithm,
        objects: Hashes,
    ) -> Result<(Hashes, Option<Vec<u8>>), ArchiveError> {
        if chain == 0 {
            return Ok((objects, None));
        }
        match self {
            Self::Asn1(record) => {
                let chains = algorithm.digest(&record.sequence(chain))?;
                let renew = |hashes: Vec<Vec<u8>>| renewed(algorithm, &chains, &hashes);
                Ok((objects.into_iter().map(renew).collect::<Result<_, _>>()?, None))
            }
            Self::Xml(record) => Ok((objects, record.chains.get(chain).map(|chain| chain.earlier.clone()))),
        }
    }
}

/// The hashes of a data object after a hash-tree renewal. The text of RFC 4998 section 5.2 has the document's hash first;
/// its figure 4 has both sorted, and some read that.
fn renewed(algorithm: HashAlgorithm, chains: &[u8], hashes: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut all = Vec::new();
    for hash in hashes {
        all.push(algorithm.digest(&[hash, chains].concat())?);
        if hash.as_slice() > chains {
            all.push(algorithm.digest(&[chains, hash].concat())?);
        }
    }
    Ok(all)
}

/// Checks a record.
pub fn findings(record: Form<'_>, digests: &Digests<'_>) -> Findings {
    let links = record.links();
    let mut walk = Walk { record, digests, objects: Vec::new(), others: 0, chain_algorithm: None };
    let mut stamps: Vec<StampFinding> = Vec::new();
    for (at, link) in links.iter().enumerate() {
        let further = link.evidence.map(|evidence| evidence.certificates.as_slice()).unwrap_or_default();
        let token = Token::read_with(link.token, further);
        let before = at.checked_sub(1).and_then(|before| links.get(before)).filter(|before| before.chain == link.chain);
        let earlier = stamps.last().and_then(|stamp| stamp.token.as_ref().ok());
        stamps.push(StampFinding {
            number: at + 1,
            chain: link.chain + 1,
            algorithm: link.algorithm.or(token.as_ref().ok().map(|token| token.imprint().algorithm)),
            covered: walk.step(at + 1, link, &token, before, earlier),
            bytes: link.token.to_vec(),
            evidence: link.evidence.cloned().unwrap_or_default(),
            token,
        });
    }
    let wrong = || stamps.iter().filter_map(|stamp| stamp.covered.as_ref().err());
    let unknown = |error: &&ArchiveError| matches!(error, ArchiveError::NeedsDigest(_) | ArchiveError::NotListed(_));
    let gravest = wrong().find(|error| !unknown(error)).or_else(|| wrong().next()).cloned();
    let first = stamps.first().and_then(|stamp| stamp.token.as_ref().ok()).map(Token::time);
    let since = match gravest {
        Some(error) => Err(error),
        None => first.ok_or(ArchiveError::Rule("it has no time stamps")),
    };
    Findings { since, stamps, objects: walk.objects, others: walk.others }
}

struct Walk<'a> {
    record: Form<'a>,
    digests: &'a Digests<'a>,
    objects: Vec<Result<(), ArchiveError>>,
    others: usize,
    chain_algorithm: Option<(usize, HashAlgorithm)>,
}

impl Walk<'_> {
    /// Whether one time stamp covers what it should. `before`: the one before it in its chain. `earlier`: the token
    /// before it, of whichever chain.
    fn step(
        &mut self,
        number: usize,
        link: &Link<'_>,
        token: &Result<Token, TspError>,
        before: Option<&Link<'_>>,
        earlier: Option<&Token>,
    ) -> Result<(), ArchiveError> {
        // The objects are looked for even if the token is none, so that something can be said of them.
        let stated = link.algorithm.or(token.as_ref().ok().map(|token| token.imprint().algorithm));
        let listed = match (before, stated) {
            (_, None) => Ok(()),
            (Some(before), Some(algorithm)) => {
                let hash = self.record.hash_of(before, algorithm)?;
                if first_list(link, token).contains(&hash.as_slice()) {
                    Ok(())
                } else {
                    Err(ArchiveError::NotCovered(number))
                }
            }
            (None, Some(algorithm)) => self.objects_listed(number, link, token, algorithm),
        };
        let token = token.as_ref().map_err(|error| ArchiveError::Token(number, error.clone()))?;
        let algorithm = token.imprint().algorithm;
        if stated.is_some_and(|stated| stated != algorithm) {
            return Err(ArchiveError::Rule("a time stamp is over another digest than it says"));
        }
        match self.chain_algorithm {
            Some((chain, known)) if chain == link.chain && known != algorithm => {
                return Err(ArchiveError::Rule("one chain uses several digests"));
            }
            _ => self.chain_algorithm = Some((link.chain, algorithm)),
        }
        if earlier.is_some_and(|earlier| earlier.time() > token.time()) {
            return Err(ArchiveError::Rule("a time stamp is older than the one that it covers"));
        }
        if !leads(link.tree, algorithm, &token.imprint().value)? {
            return Err(ArchiveError::NotCovered(number));
        }
        listed
    }

    /// Whether the first time stamp of a chain is over all data objects, and over all chains before its own.
    fn objects_listed(
        &mut self,
        number: usize,
        link: &Link<'_>,
        token: &Result<Token, TspError>,
        algorithm: HashAlgorithm,
    ) -> Result<(), ArchiveError> {
        let given = (self.digests)(algorithm, self.record.canonicalization(link.chain));
        let count = given.len();
        let (objects, beside) = self.record.expected(link.chain, algorithm, given)?;
        let list = first_list(link, token);
        let whole: HashSet<&[u8]> = list.iter().copied().collect();
        let found: Vec<Option<&[u8]>> =
            objects.iter().map(|hashes| hashes.iter().map(Vec::as_slice).find(|hash| whole.contains(hash))).collect();
        let known: HashSet<&[u8]> = found.iter().flatten().copied().collect();
        // A single hash that is not the one of a single object: that object was changed. Else it may be another one.
        let differs = match (&list[..], count) {
            ([_], 1) => ArchiveError::NotCovered(number),
            _ => ArchiveError::NotListed(number),
        };
        let one = |(hashes, found): (&Vec<Vec<u8>>, &Option<&[u8]>)| match (hashes.is_empty(), found) {
            (true, _) => Err(ArchiveError::NeedsDigest(algorithm)),
            (false, Some(_)) => Ok(()),
            (false, None) => Err(differs.clone()),
        };
        let each: Vec<Result<(), ArchiveError>> = objects.iter().zip(&found).map(one).collect();
        let result =
            if count == 0 { Err(ArchiveError::NeedsDigest(algorithm)) } else { each.iter().cloned().collect() };
        let beside = beside.as_deref();
        let also = usize::from(beside.is_some_and(|chains| whole.contains(chains) && !known.contains(chains)));
        self.others = self.others.max(whole.len() - known.len() - also);
        if number == 1 {
            self.objects = each;
        }
        match beside {
            Some(chains) if !whole.contains(chains) => Err(ArchiveError::NotCovered(number)),
            _ => result,
        }
    }
}

/// The hashes in the first list, or what is stamped directly.
fn first_list<'a>(link: &Link<'a>, token: &'a Result<Token, TspError>) -> Vec<&'a [u8]> {
    match (link.tree.and_then(|lists| lists.first()), token) {
        (Some(list), _) => list.iter().map(Vec::as_slice).collect(),
        (None, Ok(token)) => vec![&token.imprint().value],
        (None, Err(_)) => Vec::new(),
    }
}

/// Whether the lists lead to what is stamped.
fn leads(tree: Option<&ReducedTree>, algorithm: HashAlgorithm, imprint: &[u8]) -> Result<bool, ArchiveError> {
    let Some([first, rest @ ..]) = tree.map(Vec::as_slice) else { return Ok(true) };
    // A first list of one is passed on by most makers and hashed once more by some; both occur in the test data of the
    // BSI and are called right there.
    let alone = match &first[..] {
        [only] => Some(only.clone()),
        _ => None,
    };
    for start in alone.into_iter().chain([combined(algorithm, first.iter())?]) {
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
