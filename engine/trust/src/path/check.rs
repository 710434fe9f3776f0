//! Checks one path by RFC 5280 section 6.1, all of it but revocation and the signatures, which were checked when the
//! path was found.

use super::Chain;
use super::constraints::Constraints;
use super::fault::{Fault, PathFault};
use super::policies::PolicyGraph;
use crate::anchor::Model;
use crate::certificate::Cert;
use formats::cms::certificate::Certificate;
use formats::cms::certificate::extensions::{KeyUsage, oid};
use formats::cms::certificate::policies::ANY_POLICY;
use formats::signature::dotted;
use model::Time;

/// Whose dates are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dates {
    /// Those of all certificates below the anchor, and of a signer that is itself the anchor.
    All,
    /// All but the signer's, which EN 319 102-1 clause 5.2.6 judges apart.
    AllButSigner,
    /// Nobody's.
    None,
}

/// What a path is checked by.
#[derive(Clone, Debug)]
pub struct PathInputs {
    /// Whose dates are checked.
    pub dates: Dates,
    /// How dates hang together.
    pub model: Model,
    /// Acceptable policies, contents of object identifiers (user-initial-policy-set). Empty: any.
    pub policies: Vec<Vec<u8>>,
    /// There has to be an acceptable policy (initial-explicit-policy).
    pub explicit_policy: bool,
    /// Mappings do not count (initial-policy-mapping-inhibit).
    pub mapping_inhibited: bool,
    /// anyPolicy does not count (initial-any-policy-inhibit).
    pub any_policy_inhibited: bool,
    /// What the anchor's certificate itself limits (path length, names) counts (RFC 5937 section 3).
    pub anchor_constraints: bool,
}

impl PathInputs {
    /// No demands on policies, limits of the anchor kept.
    pub fn new(model: Model, dates: Dates) -> Self {
        Self {
            dates,
            model,
            policies: Vec::new(),
            explicit_policy: false,
            mapping_inhibited: false,
            any_policy_inhibited: false,
            anchor_constraints: true,
        }
    }

    /// Whether nothing is demanded but what every path has to have.
    fn are_plain(&self) -> bool {
        self.policies.is_empty()
            && !self.explicit_policy
            && !self.mapping_inhibited
            && !self.any_policy_inhibited
            && self.anchor_constraints
    }
}

/// What came out of a good path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathResult {
    /// The policies under which the whole path was issued and that are acceptable, in dots.
    pub policies: Vec<String>,
    /// Any policy is.
    pub any_policy: bool,
}

/// Checks a path at a moment.
pub fn check(chain: &Chain, at: Time, inputs: &PathInputs) -> Result<PathResult, PathFault> {
    check_dates(chain, at, inputs)?;
    match inputs.are_plain() {
        true => chain.0.plain_outcome.get_or_init(|| check_timeless(chain, inputs)).clone(),
        false => check_timeless(chain, inputs),
    }
}

/// All of it that does not depend on the moment.
fn check_timeless(chain: &Chain, inputs: &PathInputs) -> Result<PathResult, PathFault> {
    let certificates = chain.certificates();
    let mut read: Vec<(&Cert, Certificate<'_>)> = Vec::with_capacity(certificates.len());
    for (place, certificate) in certificates.iter().enumerate() {
        let fields = certificate.fields().map_err(|error| PathFault::new(certificate, place, error.into()))?;
        read.push((certificate, fields));
    }
    let Some(((anchor, anchor_fields), below)) = read.split_last() else { return Ok(PathResult::default()) };
    let mut state = State::new(below.len(), inputs);
    if !below.is_empty() {
        state.start(anchor_fields, inputs).map_err(|fault| PathFault::new(anchor, below.len(), fault))?;
    }
    let mut issuer = *anchor;
    for (place, &(certificate, ref fields)) in below.iter().enumerate().rev() {
        let judged = if certificate.issuer_key() == issuer.subject_key() {
            state.step(certificate, fields, place == 0)
        } else {
            Err(Fault::NameChaining)
        };
        judged.map_err(|fault| PathFault::new(certificate, place, fault))?;
        issuer = certificate;
    }
    let Some(outcome) = state.finish(inputs) else {
        return Err(PathFault::new(issuer, 0, Fault::Policies));
    };
    Ok(outcome)
}

fn check_dates(chain: &Chain, at: Time, inputs: &PathInputs) -> Result<(), PathFault> {
    let certificates = chain.certificates();
    let signed_at = certificates.first().map_or(at, Cert::not_before);
    let mut issued_at = at;
    for (place, certificate) in certificates.iter().enumerate() {
        // The dates of an anchor are not looked at: it is trusted for as long as somebody says.
        let counts = match inputs.dates {
            Dates::All => place < chain.below_anchor() || place == 0,
            Dates::AllButSigner => place > 0 && place < chain.below_anchor(),
            Dates::None => false,
        };
        let at = match inputs.model {
            _ if place == 0 => at,
            Model::Shell => at,
            Model::Chain => issued_at,
            Model::Hybrid => signed_at,
        };
        issued_at = certificate.not_before();
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        if counts && at < not_before {
            return Err(PathFault::new(certificate, place, Fault::NotYetValid { not_before, at }));
        }
        if counts && at > not_after {
            return Err(PathFault::new(certificate, place, Fault::Expired { not_after, at }));
        }
    }
    Ok(())
}

/// The state variables of section 6.1.2.
struct State<'a> {
    names: Constraints<'a>,
    graph: PolicyGraph<'a>,
    explicit_policy: usize,
    mapping: usize,
    any_policy: usize,
    path_length: usize,
}

impl<'a> State<'a> {
    fn new(length: usize, inputs: &PathInputs) -> Self {
        let counter = |now: bool| if now { 0 } else { length + 1 };
        Self {
            names: Constraints::default(),
            graph: PolicyGraph::new(),
            explicit_policy: counter(inputs.explicit_policy),
            mapping: counter(inputs.mapping_inhibited),
            any_policy: counter(inputs.any_policy_inhibited),
            path_length: length,
        }
    }

    /// What the anchor's own certificate says. Roots of version 1 say nothing; whether one is trusted is the operator's
    /// word, but not that a signer's certificate should issue others.
    fn start(&mut self, anchor: &Certificate<'a>, inputs: &PathInputs) -> Result<(), Fault> {
        let constraints = anchor.basic_constraints()?;
        if constraints.is_some_and(|constraints| !constraints.ca) {
            return Err(Fault::NotAnAuthority);
        }
        check_key_usage(anchor)?;
        if inputs.anchor_constraints {
            if let Some(most) = constraints.and_then(|constraints| constraints.path_length) {
                self.path_length = self.path_length.min(usize::from(most));
            }
            self.names.add(anchor)?;
        }
        Ok(())
    }

    /// Sections 6.1.3, and 6.1.4 or 6.1.5 (a) and (b).
    fn step(&mut self, certificate: &Cert, fields: &Certificate<'a>, last: bool) -> Result<(), Fault> {
        let self_issued = certificate.is_self_issued();
        check_critical(fields)?;
        if last || !self_issued {
            self.names.check(fields)?;
        }
        let policies = fields.certificate_policies()?;
        self.graph.descend(policies.as_deref(), self.any_policy > 0 || (!last && self_issued))?;
        if self.explicit_policy == 0 && self.graph.is_null() {
            return Err(Fault::Policies);
        }
        if last {
            self.explicit_policy = self.explicit_policy.saturating_sub(1);
            if fields.policy_constraints()?.require_explicit == Some(0) {
                self.explicit_policy = 0;
            }
            return Ok(());
        }
        self.prepare_for_next(fields, self_issued)
    }

    /// Section 6.1.4.
    fn prepare_for_next(&mut self, fields: &Certificate<'a>, self_issued: bool) -> Result<(), Fault> {
        let mappings = fields.policy_mappings()?;
        if mappings.iter().any(|mapping| mapping.issuer == ANY_POLICY || mapping.subject == ANY_POLICY) {
            return Err(Fault::PolicyMapping);
        }
        self.graph.map(&mappings, self.mapping > 0)?;
        self.names.add(fields)?;
        if !self_issued {
            for counter in [&mut self.explicit_policy, &mut self.mapping, &mut self.any_policy] {
                *counter = counter.saturating_sub(1);
            }
        }
        let lower = |counter: &mut usize, to: Option<u32>| {
            if let Some(to) = to {
                *counter = (*counter).min(to as usize);
            }
        };
        let constraints = fields.policy_constraints()?;
        lower(&mut self.explicit_policy, constraints.require_explicit);
        lower(&mut self.mapping, constraints.inhibit_mapping);
        lower(&mut self.any_policy, fields.inhibit_any_policy()?);
        let Some(constraints) = fields.basic_constraints()?.filter(|constraints| constraints.ca) else {
            return Err(Fault::NotAnAuthority);
        };
        if !self_issued {
            self.path_length = self.path_length.checked_sub(1).ok_or(Fault::PathLength)?;
        }
        lower(&mut self.path_length, constraints.path_length.map(u32::from));
        check_key_usage(fields)
    }

    /// Section 6.1.5 (g). `None`: there has to be a policy, and there is none.
    fn finish(&self, inputs: &PathInputs) -> Option<PathResult> {
        let outcome = self.graph.outcome(&inputs.policies);
        if self.explicit_policy == 0 && outcome.policies.is_empty() && !outcome.any {
            return None;
        }
        Some(PathResult { policies: outcome.policies.iter().map(|oid| dotted(oid)).collect(), any_policy: outcome.any })
    }
}

fn check_key_usage(issuer: &Certificate<'_>) -> Result<(), Fault> {
    match issuer.key_usage()? {
        Some(usage) if !usage.allows(KeyUsage::CERTIFICATE_SIGN) => Err(Fault::KeyUsage),
        _ => Ok(()),
    }
}

/// Extensions that are processed here or by those who use the path, and those that only inform.
const KNOWN: &[&[u8]] = &[
    oid::SUBJECT_KEY_ID,
    oid::AUTHORITY_KEY_ID,
    oid::KEY_USAGE,
    oid::SUBJECT_ALTERNATIVE_NAME,
    oid::ISSUER_ALTERNATIVE_NAME,
    oid::BASIC_CONSTRAINTS,
    oid::NAME_CONSTRAINTS,
    oid::CRL_DISTRIBUTION_POINTS,
    oid::FRESHEST_CRL,
    oid::CERTIFICATE_POLICIES,
    oid::POLICY_MAPPINGS,
    oid::POLICY_CONSTRAINTS,
    oid::INHIBIT_ANY_POLICY,
    oid::EXTENDED_KEY_USAGE,
    oid::NO_REVOCATION_AVAILABLE,
    oid::AUTHORITY_INFORMATION,
    oid::QUALIFIED_STATEMENTS,
    oid::OCSP_NO_CHECK,
    oid::VALIDITY_ASSURED_SHORT_TERM,
];

fn check_critical(fields: &Certificate<'_>) -> Result<(), Fault> {
    let mut seen: Vec<&[u8]> = Vec::new();
    for extension in fields.extensions() {
        let extension = extension?;
        if extension.critical && !KNOWN.contains(&extension.oid) {
            return Err(Fault::UnknownCriticalExtension(dotted(extension.oid)));
        }
        // RFC 5280 section 4.2: at most one of a kind, otherwise readers would not agree on which one counts.
        if seen.contains(&extension.oid) {
            return Err(Fault::Unreadable(formats::der::DerError::Malformed));
        }
        seen.push(extension.oid);
    }
    Ok(())
}
