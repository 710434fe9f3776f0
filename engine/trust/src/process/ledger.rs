//! The checks of one signature, time stamp or record as they are made: each is written down with its finding, and the
//! first that fails decides.

use crate::policy::{Gravity, Policy, Rule};
use crate::report::{AlgorithmUse, Check, CheckStatus, Conclusion, SubIndication};
use model::Reason;

/// What was checked so far.
pub(crate) struct Ledger<'a> {
    policy: &'a Policy,
    pub(crate) checks: Vec<Check>,
    pub(crate) algorithms: Vec<AlgorithmUse>,
}

/// A check that failed: what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) sub: SubIndication,
    pub(crate) reason: Reason,
}

impl Failed {
    pub(crate) fn new(sub: SubIndication, reason: Reason) -> Self {
        Self { sub, reason }
    }

    pub(crate) fn conclusion(self) -> Conclusion {
        Conclusion::of(self.sub, self.reason)
    }
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(policy: &'a Policy) -> Self {
        Self { policy, checks: Vec::new(), algorithms: Vec::new() }
    }

    /// Whether a check is to be made at all.
    pub(crate) fn wants(&self, rule: Rule) -> bool {
        self.policy.gravity(rule) != Gravity::Ignore
    }

    /// Writes a check down that was passed.
    pub(crate) fn pass(&mut self, rule: Rule) {
        if self.wants(rule) && !self.checks.iter().any(|check| check.name == rule.name()) {
            self.checks.push(Check { name: rule.name(), status: CheckStatus::Passed, finding: None });
        }
    }

    /// Writes a finding down; an error if the policy has it decide.
    pub(crate) fn find(&mut self, rule: Rule, reason: Reason) -> Result<(), Failed> {
        self.find_as(rule, rule.sub_indication(), reason)
    }

    /// As [`Ledger::find`], with another sub-indication than that of the check.
    pub(crate) fn find_as(&mut self, rule: Rule, sub: SubIndication, reason: Reason) -> Result<(), Failed> {
        let status = match self.policy.gravity(rule) {
            Gravity::Ignore => return Ok(()),
            Gravity::Inform => CheckStatus::Informed,
            Gravity::Warn => CheckStatus::Warned,
            Gravity::Fail => CheckStatus::Failed,
        };
        // A finding replaces an earlier pass of the same check on another object.
        self.checks.retain(|check| check.name != rule.name() || check.status != CheckStatus::Passed);
        let finding = Some(reason.sentence.clone());
        let check = Check { name: rule.name(), status, finding };
        if !self.checks.contains(&check) {
            self.checks.push(check);
        }
        if status == CheckStatus::Failed { Err(Failed::new(sub, reason)) } else { Ok(()) }
    }

    /// Writes an algorithm down, each once.
    pub(crate) fn uses(&mut self, used: AlgorithmUse) {
        if !self.algorithms.contains(&used) {
            self.algorithms.push(used);
        }
    }

    /// Takes over what another ledger found.
    pub(crate) fn absorb(&mut self, other: Ledger<'_>) {
        for check in other.checks {
            self.checks.retain(|known| known.name != check.name);
            self.checks.push(check);
        }
        other.algorithms.into_iter().for_each(|used| self.uses(used));
    }
}
