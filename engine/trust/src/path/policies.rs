//! The policies under which a path was issued: RFC 5280 section 6.1 with the graph of RFC 9618 in place of the tree,
//! which means the same and cannot grow exponentially.

use super::fault::Fault;
use formats::cms::certificate::policies::{ANY_POLICY, PolicyMapping};
use model::limits::POLICY_NODES_MAX;

/// A policy at one level of the graph: the certificate at this depth was issued under it.
#[derive(Debug)]
struct Node<'a> {
    valid: &'a [u8],
    /// What the certificate below may call it.
    expected: Vec<&'a [u8]>,
    /// Places in the level above.
    parents: Vec<usize>,
}

/// The graph, from the anchor down to the certificate that was taken in last. Its last level may be empty: then no policy
/// is valid for the whole path ("NULL" in the standard).
#[derive(Debug)]
pub(super) struct PolicyGraph<'a> {
    levels: Vec<Vec<Node<'a>>>,
}

impl<'a> PolicyGraph<'a> {
    /// anyPolicy at depth 0.
    pub(super) fn new() -> Self {
        Self { levels: vec![vec![Node { valid: ANY_POLICY, expected: vec![ANY_POLICY], parents: Vec::new() }]] }
    }

    /// Whether no policy is left.
    pub(super) fn is_null(&self) -> bool {
        self.last().is_empty()
    }

    fn last(&self) -> &[Node<'a>] {
        self.levels.last().map_or(&[], Vec::as_slice)
    }

    /// Takes in the policies of the next certificate (section 6.1.3 (d) and (e)). `any_allowed`: its anyPolicy counts.
    pub(super) fn descend(&mut self, policies: Option<&[&'a [u8]]>, any_allowed: bool) -> Result<(), Fault> {
        let above = self.last();
        let expecting = |policy: &[u8]| -> Vec<usize> {
            let places = above.iter().enumerate();
            places.filter(|(_, node)| node.expected.contains(&policy)).map(|(place, _)| place).collect()
        };
        let mut level: Vec<Node<'a>> = Vec::new();
        let add = |level: &mut Vec<Node<'a>>, valid: &'a [u8], parents: Vec<usize>| {
            if level.len() == POLICY_NODES_MAX {
                return Err(Fault::TooManyPolicies);
            }
            if !parents.is_empty() && level.iter().all(|node| node.valid != valid) {
                level.push(Node { valid, expected: vec![valid], parents });
            }
            Ok(())
        };
        let stated = policies.unwrap_or_default();
        for &policy in stated.iter().filter(|&&policy| policy != ANY_POLICY) {
            let mut parents = expecting(policy);
            if parents.is_empty() {
                parents = above.iter().position(|node| node.valid == ANY_POLICY).into_iter().collect();
            }
            add(&mut level, policy, parents)?;
        }
        if any_allowed && stated.contains(&ANY_POLICY) {
            for policy in above.iter().flat_map(|node| &node.expected) {
                add(&mut level, policy, expecting(policy))?;
            }
        }
        self.levels.push(level);
        Ok(())
    }

    /// Applies the mappings of the certificate that was taken in last (section 6.1.4 (b)).
    pub(super) fn map(&mut self, mappings: &[PolicyMapping<'a>], allowed: bool) -> Result<(), Fault> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        if !allowed {
            level.retain(|node| mappings.iter().all(|mapping| mapping.issuer != node.valid));
            return Ok(());
        }
        let any = level.iter().find(|node| node.valid == ANY_POLICY).map(|node| node.parents.clone());
        for (place, mapping) in mappings.iter().enumerate() {
            if mappings.iter().take(place).any(|earlier| earlier.issuer == mapping.issuer) {
                continue;
            }
            let subjects = mappings.iter().filter(|other| other.issuer == mapping.issuer).map(|other| other.subject);
            let expected = subjects.collect();
            if let Some(node) = level.iter_mut().find(|node| node.valid == mapping.issuer) {
                node.expected = expected;
            } else if let Some(parents) = &any {
                if level.len() == POLICY_NODES_MAX {
                    return Err(Fault::TooManyPolicies);
                }
                level.push(Node { valid: mapping.issuer, expected, parents: parents.clone() });
            }
        }
        Ok(())
    }

    /// The policies of the whole path in the words of the anchor's domain (section 6.1.5 (g)): those that hold down to
    /// the last level and that `wanted` contains; empty means any.
    pub(super) fn outcome(&self, wanted: &'a [Vec<u8>]) -> Outcome<'a> {
        let mut alive: Vec<bool> = vec![true; self.last().len()];
        let mut outcome = Outcome { policies: Vec::new(), any: false };
        for depth in (0..self.levels.len()).rev() {
            let (Some(level), above) =
                (self.levels.get(depth), depth.checked_sub(1).and_then(|up| self.levels.get(up)))
            else {
                break;
            };
            let mut alive_above = vec![false; above.map_or(0, Vec::len)];
            for (node, _) in level.iter().zip(&alive).filter(|(_, alive)| **alive) {
                let mut below_any = false;
                for &parent in &node.parents {
                    alive_above.get_mut(parent).into_iter().for_each(|alive| *alive = true);
                    below_any |= above.and_then(|above| above.get(parent)).is_some_and(|node| node.valid == ANY_POLICY);
                }
                if node.valid == ANY_POLICY {
                    outcome.any |= depth + 1 == self.levels.len();
                } else if below_any && !outcome.policies.contains(&node.valid) {
                    outcome.policies.push(node.valid);
                }
            }
            alive = alive_above;
        }
        if !wanted.is_empty() && wanted.iter().all(|policy| policy != ANY_POLICY) {
            match std::mem::take(&mut outcome.any) {
                // anyPolicy stands for each that is wanted.
                true => outcome.policies = wanted.iter().map(Vec::as_slice).collect(),
                false => outcome.policies.retain(|policy| wanted.iter().any(|wanted| wanted == policy)),
            }
        }
        outcome
    }
}

/// What holds for a whole path.
#[derive(Debug)]
pub(super) struct Outcome<'a> {
    /// Each once.
    pub(super) policies: Vec<&'a [u8]>,
    /// anyPolicy.
    pub(super) any: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const GOLD: &[u8] = b"\x2a\x01";
    const SILVER: &[u8] = b"\x2a\x02";
    const BRONZE: &[u8] = b"\x2a\x03";

    fn map(issuer: &'static [u8], subject: &'static [u8]) -> PolicyMapping<'static> {
        PolicyMapping { issuer, subject }
    }

    /// The graph after certificates with these policies and mappings.
    fn graph<'a>(certificates: &[(&[&'a [u8]], &[PolicyMapping<'a>])]) -> PolicyGraph<'a> {
        let mut graph = PolicyGraph::new();
        for (policies, mappings) in certificates {
            graph.descend(Some(policies), true).unwrap();
            graph.map(mappings, true).unwrap();
        }
        graph
    }

    #[test]
    fn what_every_certificate_states_holds_for_the_path() {
        let path = graph(&[(&[GOLD, SILVER], &[]), (&[SILVER, BRONZE], &[])]);
        assert_eq!(path.outcome(&[]).policies, [SILVER]);
        assert!(path.outcome(&[GOLD.to_vec()]).policies.is_empty());
        assert!(!path.is_null());
        assert!(graph(&[(&[GOLD], &[]), (&[SILVER], &[])]).is_null());
        let mut none = graph(&[(&[GOLD], &[])]);
        none.descend(None, true).unwrap();
        assert!(none.is_null(), "a certificate without policies ends them");
    }

    #[test]
    fn any_policy_stands_for_each() {
        let path = graph(&[(&[ANY_POLICY], &[]), (&[GOLD], &[])]);
        assert_eq!(path.outcome(&[]).policies, [GOLD]);
        let wanted = [GOLD.to_vec(), SILVER.to_vec()];
        assert_eq!(path.outcome(&wanted).policies, [GOLD]);
        let any = graph(&[(&[ANY_POLICY], &[]), (&[ANY_POLICY], &[])]);
        assert!(any.outcome(&[]).any);
        assert_eq!(any.outcome(&wanted).policies, [GOLD, SILVER]);
        assert!(any.outcome(&[ANY_POLICY.to_vec()]).any);
        let mut inhibited = graph(&[(&[GOLD], &[])]);
        inhibited.descend(Some(&[ANY_POLICY]), false).unwrap();
        assert!(inhibited.is_null());
    }

    #[test]
    fn mapped_policies_are_called_by_the_issuers_name() {
        let path = graph(&[(&[GOLD], &[map(GOLD, SILVER), map(GOLD, BRONZE)]), (&[BRONZE], &[])]);
        assert_eq!(path.outcome(&[]).policies, [GOLD]);
        assert!(graph(&[(&[GOLD], &[map(GOLD, SILVER)]), (&[GOLD], &[])]).is_null(), "its own name is gone");
        let through_any = graph(&[(&[ANY_POLICY], &[map(GOLD, SILVER)]), (&[SILVER], &[])]);
        assert_eq!(through_any.outcome(&[]).policies, [GOLD], "not by the way of anyPolicy as well");
        let mut forbidden = graph(&[(&[GOLD, SILVER], &[])]);
        forbidden.map(&[map(GOLD, BRONZE)], false).unwrap();
        assert_eq!(forbidden.outcome(&[]).policies, [SILVER]);
    }

    /// As a tree this would have 60 to the power of 16 nodes.
    #[test]
    fn the_graph_stays_small() {
        let policies: Vec<Vec<u8>> = (0..60).map(|number| vec![0x2a, number]).collect();
        let names: Vec<&[u8]> = policies.iter().map(Vec::as_slice).collect();
        let first = names[0];
        let mappings: Vec<PolicyMapping<'_>> =
            names.iter().map(|subject| PolicyMapping { issuer: first, subject }).collect();
        let path = graph(&vec![(names.as_slice(), mappings.as_slice()); 16]);
        assert!(path.levels.iter().all(|level| level.len() <= POLICY_NODES_MAX));
        assert!(path.outcome(&[]).policies.contains(&first));
        let many: Vec<Vec<u8>> = (0..300_u16).map(|number| number.to_be_bytes().to_vec()).collect();
        let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
        assert_eq!(PolicyGraph::new().descend(Some(&many), true), Err(Fault::TooManyPolicies));
    }
}
