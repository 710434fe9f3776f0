//! Hash trees (RFC 4998 section 4.2): many digests become one, and for each document a reduced tree leads there.

use crate::ArchiveError;
use formats::crypto::Hasher;
use model::limits::HASH_TREE_LEAVES_MAX;
use model::{Digest, DigestAlgorithm};
use std::collections::HashMap;

/// `reducedHashtree`: lists of hashes, from the document upwards.
pub type ReducedTree = Vec<Vec<Vec<u8>>>;

/// A binary hash tree over data object groups.
#[derive(Clone, Debug)]
pub struct HashTree {
    algorithm: DigestAlgorithm,
    /// The digests of the members of each group.
    groups: Vec<Vec<Digest>>,
    /// The leaf of each group; equal groups share one.
    leaves: Vec<usize>,
    /// From the leaves to the root. A last node without a partner goes up unchanged.
    levels: Vec<Vec<Digest>>,
}

impl HashTree {
    /// A tree over groups of documents, each given by the digests of its members: a document with what belongs to it,
    /// or a document alone. All by the same algorithm.
    pub fn new(groups: Vec<Vec<Digest>>) -> Result<Self, ArchiveError> {
        let first = groups.first().and_then(|group| group.first()).ok_or(ArchiveError::Tree("there is nothing"))?;
        let algorithm = first.algorithm();
        if groups.iter().flatten().any(|digest| digest.algorithm() != algorithm) {
            return Err(ArchiveError::Tree("the digests are of different algorithms"));
        }
        if groups.iter().map(Vec::len).sum::<usize>() > HASH_TREE_LEAVES_MAX {
            return Err(ArchiveError::Tree("there is too much"));
        }
        let mut known = HashMap::with_capacity(groups.len());
        let (mut leaves, mut level) = (Vec::with_capacity(groups.len()), Vec::with_capacity(groups.len()));
        for group in &groups {
            let hash = group_hash(algorithm, group).ok_or(ArchiveError::Tree("a group is empty"))?;
            let leaf = *known.entry(hash).or_insert_with(|| {
                level.push(hash);
                level.len() - 1
            });
            leaves.push(leaf);
        }
        let mut levels = Vec::new();
        while level.len() > 1 {
            let above = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => node(algorithm, &mut [*left, *right]),
                    alone => alone[0],
                })
                .collect();
            levels.push(std::mem::replace(&mut level, above));
        }
        levels.push(level);
        Ok(Self { algorithm, groups, leaves, levels })
    }

    /// The algorithm of all its hashes.
    pub fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// What is stamped.
    pub fn root(&self) -> Digest {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_else(|| unreachable!("a tree has a root"))
    }

    /// What leads from a group to the root: first exactly the members of the group, then at each level the partner.
    /// `None`: there is nothing but one document, and it is itself the root. Panics if there is no such group.
    pub fn reduced(&self, group: usize) -> Option<ReducedTree> {
        let members = &self.groups[group];
        if members.len() == 1 && self.levels.len() == 1 {
            return None;
        }
        let mut lists = vec![members.iter().map(|digest| digest.as_bytes().to_vec()).collect::<Vec<_>>()];
        let mut at = self.leaves[group];
        for level in &self.levels {
            if let Some(partner) = level.get(at ^ 1) {
                lists.push(vec![partner.as_bytes().to_vec()]);
            }
            at /= 2;
        }
        Some(lists)
    }
}

/// The hash of a group: of its members' hashes in binary order, or the only one.
fn group_hash(algorithm: DigestAlgorithm, members: &[Digest]) -> Option<Digest> {
    match members {
        [] => None,
        [alone] => Some(*alone),
        several => Some(node(algorithm, &mut several.to_vec())),
    }
}

/// Sorted, concatenated, hashed (RFC 4998 section 4.2, steps 2 and 3).
fn node(algorithm: DigestAlgorithm, hashes: &mut [Digest]) -> Digest {
    hashes.sort_unstable_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    let mut hasher = Hasher::new(algorithm);
    hashes.iter().for_each(|hash| hasher.update(hash.as_bytes()));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use formats::crypto::digest;
    use model::DigestAlgorithm::{Sha256, Sha384};

    fn hash(text: &str) -> Digest {
        digest(Sha256, text.as_bytes())
    }

    fn hex(digest: Digest) -> String {
        digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_known_tree_has_the_known_hashes() {
        let group = vec![hash("a1"), hash("a2"), hash("a3")];
        let tree = HashTree::new(vec![group.clone(), vec![hash("b")], vec![hash("c")]]).unwrap();
        assert_eq!(hex(tree.root()), "dc82590682680edb40af143ccf66b04f684d7afc38d91aeb0c9e7875ed311d14");
        let lists = tree.reduced(0).unwrap();
        assert_eq!(lists[0], group.iter().map(|hash| hash.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(lists[1..], [vec![hash("b").as_bytes().to_vec()], vec![hash("c").as_bytes().to_vec()]]);
        assert_eq!(tree.reduced(2).unwrap().len(), 2, "the odd one went up unchanged");
    }

    #[test]
    fn one_document_needs_no_tree_and_equal_ones_share_a_leaf() {
        let alone = HashTree::new(vec![vec![hash("a")]]).unwrap();
        assert_eq!((alone.root(), alone.reduced(0)), (hash("a"), None));
        let twice = HashTree::new(vec![vec![hash("a")], vec![hash("b")], vec![hash("a")]]).unwrap();
        assert_eq!(twice.reduced(0), twice.reduced(2));
        assert_eq!(twice.root(), HashTree::new(vec![vec![hash("b")], vec![hash("a")]]).unwrap().root());
    }

    #[test]
    fn what_makes_no_tree_is_refused() {
        for groups in [vec![], vec![vec![]], vec![vec![hash("a")], vec![]], vec![vec![hash("a"), digest(Sha384, b"b")]]]
        {
            assert!(HashTree::new(groups).is_err());
        }
    }
}
