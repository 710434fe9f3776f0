//! The certificate of a signer or a time-stamp unit: its path to an anchor and what is known about revocation, judged at
//! given times (EN 319 102-1 clause 5.2.6).

use super::case::Case;
use super::ledger::{Failed, Ledger};
use crate::algorithm::method_name;
use crate::anchor::Uses;
use crate::catalogue::Suitable;
use crate::certificate::Cert;
use crate::path::{self, Chain, Dates, PathInputs, Prospects};
use crate::policy::Rule;
use crate::report::{AlgorithmUse, RevocationStatus, RevocationUse, SubIndication};
use crate::revocation::{self, Finding, Findings, Speaker, Status};
use crate::usage::{self, DocumentSigning};
use crate::verifier::Verifier;
use formats::signature::Method;
use model::{Reason, Time};
use std::sync::Arc;
use std::time::Duration;

/// Revocation information that does not say until when it counts is believed for so long.
const AGE_WITHOUT_END: Duration = Duration::from_secs(86_400);

/// certificateHold (RFC 5280 section 5.3.1).
const HOLD: u8 = 6;

/// For which moments a certificate is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    /// The path above the signer, and the algorithms in certificates and revocation information.
    pub(super) path: Time,
    /// The signer's own dates and revocation: when the signature provably existed.
    pub(super) signer: Time,
}

impl Moments {
    /// One for all.
    pub(super) fn at(time: Time) -> Self {
        Self { path: time, signer: time }
    }
}

/// What is known about a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) certificate: Cert,
    /// The path that was judged.
    pub(crate) chain: Option<Chain>,
    /// How far the path is known if it leads to no anchor.
    pub(crate) partial: Vec<Cert>,
    /// For each certificate of the path but the anchor, signer first: what is known about its revocation.
    pub(crate) links: Vec<Link>,
    /// Why it is not accepted.
    pub(crate) failed: Option<Failed>,
    /// When the signer's certificate, or the issuer's that decided, was revoked.
    pub(crate) revoked_at: Option<Time>,
}

/// One certificate of a path and what is known about its revocation.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(super) certificate: Cert,
    pub(super) issuer: Cert,
    pub(super) needed: bool,
    /// Everything that can be used.
    pub(super) findings: Arc<Findings>,
    /// What counts.
    pub(super) chosen: Option<Finding>,
}

impl Standing {
    /// Those who vouch for revocation and are not in the path themselves.
    pub(crate) fn responders(&self) -> impl Iterator<Item = &Cert> {
        self.links.iter().filter_map(|link| link.chosen.as_ref()?.speaker.certificate())
    }

    /// For the report.
    pub(crate) fn revocations(&self) -> Vec<RevocationUse> {
        let one = |link: &Link| {
            let status = match link.chosen.as_ref().map(|finding| &finding.status) {
                _ if !link.needed => RevocationStatus::NotNeeded,
                Some(Status::Good) => RevocationStatus::Good,
                Some(Status::Revoked { at, reason }) => RevocationStatus::Revoked(*at, *reason),
                Some(Status::OnHold { since }) => RevocationStatus::Revoked(*since, Some(HOLD)),
                Some(Status::Unknown) | None => RevocationStatus::Unknown,
            };
            RevocationUse {
                certificate: link.certificate.id(),
                source: link.chosen.as_ref().map(|finding| finding.source),
                status,
                this_update: link.chosen.as_ref().map(|finding| finding.this_update),
                next_update: link.chosen.as_ref().and_then(|finding| finding.next_update),
            }
        };
        self.links.iter().map(one).collect()
    }
}

impl Case<'_> {
    /// Judges a certificate for a use. Each path is tried; the first that holds counts, else the one that came furthest.
    pub(super) fn certificate(
        &mut self,
        certificate: &Cert,
        uses: Uses,
        moments: Moments,
        ledger: &mut Ledger<'_>,
    ) -> Standing {
        let found = self.prospects(certificate, uses);
        let mut best: Option<(Standing, Ledger<'_>)> = None;
        for chain in &found.chains {
            let mut attempt = Ledger::new(self.policy());
            let standing = self.chain(certificate, chain.clone(), uses, moments, &mut attempt);
            let accepted = standing.failed.is_none();
            if best.as_ref().is_none_or(|(known, _)| rank(&standing) > rank(known)) {
                best = Some((standing, attempt));
            }
            if accepted {
                break;
            }
        }
        if let Some((standing, attempt)) = best {
            ledger.absorb(attempt);
            return standing;
        }
        let (partial, why) = match &found.dead_end {
            Some(end) => (end.certificates.clone(), end.obstacle.to_string()),
            None => (vec![certificate.clone()], "the certificate of an issuer is not known".to_owned()),
        };
        self.missing.issuer(certificate, found.addresses.clone());
        let sentence = format!("no path from {} to a trusted certificate is known: {why}", name(certificate));
        let failed = ledger.find(Rule::PathAnchor, Reason::new("path-anchor", sentence)).err();
        Standing { certificate: certificate.clone(), chain: None, partial, links: Vec::new(), failed, revoked_at: None }
    }

    fn chain(
        &mut self,
        certificate: &Cert,
        chain: Chain,
        uses: Uses,
        moments: Moments,
        ledger: &mut Ledger<'_>,
    ) -> Standing {
        let links = self.links(&chain);
        let mut standing = Standing {
            certificate: certificate.clone(),
            chain: Some(chain.clone()),
            partial: Vec::new(),
            links,
            failed: None,
            revoked_at: None,
        };
        standing.failed = self.judge(&chain, &mut standing.revoked_at, &standing.links, uses, moments, ledger).err();
        standing
    }

    /// What is known about the revocation of each certificate of a path.
    pub(super) fn links(&mut self, chain: &Chain) -> Vec<Link> {
        let mut links = Vec::new();
        for (place, pair) in chain.certificates().windows(2).enumerate() {
            let [certificate, issuer] = pair else { continue };
            let needed = certificate.needs_revocation();
            let findings = if needed { self.findings(chain, place) } else { Arc::default() };
            let chosen = choose(&findings.usable, certificate).cloned();
            links.push(Link { certificate: certificate.clone(), issuer: issuer.clone(), needed, findings, chosen });
        }
        links
    }

    fn findings(&mut self, chain: &Chain, place: usize) -> Arc<Findings> {
        let Some([certificate, issuer]) = chain.certificates().get(place..place + 2) else { return Arc::default() };
        let key = (certificate.id(), issuer.id());
        if let Some(known) = self.known_findings.get(&key) {
            return known.clone();
        }
        let surroundings = self.surroundings();
        let Verifier { anchors, memory, .. } = *self.verifier;
        let context =
            revocation::Context { pool: &self.pool, anchors, material: &self.material, cache: memory.edges() };
        let found = memory.findings(chain, place, &context, surroundings);
        self.unusable.extend(found.unusable.iter().map(|unusable| (unusable.source, unusable.why.clone())));
        self.known_findings.insert(key, found.clone());
        found
    }

    fn prospects(&mut self, certificate: &Cert, uses: Uses) -> Arc<Prospects> {
        let surroundings = self.surroundings();
        let Verifier { anchors, memory, .. } = *self.verifier;
        memory.prospects(certificate, (&self.pool, anchors, surroundings), uses)
    }

    fn judge(
        &mut self,
        chain: &Chain,
        revoked_at: &mut Option<Time>,
        links: &[Link],
        uses: Uses,
        moments: Moments,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        if let Some(end) = chain.anchor().sunset(moments.path) {
            let sentence = format!("{} is not trusted any more since {}", chain.anchor().origin, end.in_words());
            let reason = Reason::new("anchor-sunset", sentence);
            ledger.find_as(Rule::PathAnchor, SubIndication::NoCertificateChainFoundNoPoe, reason)?;
        }
        ledger.pass(Rule::PathAnchor);
        self.check_path(chain, moments.path, ledger)?;
        self.check_revocation(chain, links, revoked_at, moments, ledger)?;
        check_usage(chain, uses, ledger)?;
        for link in links {
            self.check_algorithms(link, moments.path, ledger)?;
        }
        Ok(())
    }

    /// RFC 5280 without the signer's own dates.
    pub(super) fn check_path(&self, chain: &Chain, at: Time, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
        self.check_path_dates(chain, at, Dates::AllButSigner, ledger)
    }

    pub(super) fn check_path_dates(
        &self,
        chain: &Chain,
        at: Time,
        dates: Dates,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let mut inputs = PathInputs::new(chain.anchor().model, dates);
        inputs.policies.clone_from(&self.policy().certificate_policies);
        inputs.explicit_policy = !inputs.policies.is_empty();
        let Err(fault) = path::check(chain, at, &inputs) else {
            ledger.pass(Rule::Path);
            ledger.pass(Rule::PathConstraints);
            return Ok(());
        };
        let reason = Reason::new("path", fault.to_string());
        match fault.sub_indication() {
            SubIndication::ChainConstraintsFailure => ledger.find(Rule::PathConstraints, reason),
            sub => ledger.find_as(Rule::Path, sub, reason),
        }
    }

    fn check_revocation(
        &mut self,
        chain: &Chain,
        links: &[Link],
        revoked_at: &mut Option<Time>,
        moments: Moments,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let at_place = |place: usize| if place == 0 { moments.signer } else { moments.path };
        // From the anchor down: a revoked CA says nothing trustworthy about those below it.
        for (place, link) in links.iter().enumerate().rev().filter(|(_, link)| link.needed) {
            if let Some(Status::Revoked { at: when, reason }) = link.chosen.as_ref().map(|finding| finding.status)
                && when <= at_place(place)
            {
                *revoked_at = Some(when);
                self.revoked(link, when, reason, place == 0, ledger)?;
            }
        }
        // What is wrong with its dates says more than that nobody answers for an expired certificate.
        match (links.first(), chain.certificates().first()) {
            (Some(signer), _) => self.check_dates(signer, moments.signer, ledger)?,
            // The anchor itself signed.
            (None, Some(certificate)) => {
                let (certificate, issuer) = (certificate.clone(), certificate.clone());
                let link = Link { certificate, issuer, needed: false, findings: Arc::default(), chosen: None };
                self.check_dates(&link, moments.signer, ledger)?;
            }
            (None, None) => {}
        }
        for (place, link) in links.iter().enumerate().rev().filter(|(_, link)| link.needed) {
            self.check_known(place, link, chain, at_place(place), moments.path, ledger)?;
        }
        Ok(())
    }

    /// Whether enough is known about the revocation of a certificate that is not revoked.
    fn check_known(
        &mut self,
        place: usize,
        link: &Link,
        chain: &Chain,
        at: Time,
        path_at: Time,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let who = name(&link.certificate);
        let finding = link.chosen.as_ref();
        let unknown = match finding.map(|finding| finding.status) {
            None => Some(Reason::new("revocation-missing", format!("nothing tells whether {who} is revoked"))),
            Some(Status::Unknown) => {
                Some(Reason::new("revocation-unknown", format!("the responder does not know {who}")))
            }
            Some(Status::OnHold { since }) if since <= at => {
                Some(Reason::new("certificate-suspended", format!("{who} is suspended since {}", since.in_words())))
            }
            _ => None,
        };
        if let Some(reason) = unknown {
            self.missing.revocation(&link.certificate, chain);
            return ledger.find(Rule::RevocationKnown, reason);
        }
        let Some(finding) = finding else { return Ok(()) };
        ledger.pass(Rule::RevocationKnown);
        ledger.pass(if place == 0 { Rule::NotRevoked } else { Rule::IssuersNotRevoked });
        self.check_data_issuer(link, finding, chain, path_at, ledger)?;
        self.check_freshness(link, finding, chain, at, ledger)
    }

    fn revoked(
        &self,
        link: &Link,
        when: Time,
        reason: Option<u8>,
        is_signer: bool,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let who = name(&link.certificate);
        let sentence = format!("{who} is revoked since {}{}", when.in_words(), why(reason));
        let rule = if is_signer { Rule::NotRevoked } else { Rule::IssuersNotRevoked };
        ledger.find(rule, Reason::new("certificate-revoked", sentence))
    }

    /// The signer's own dates, and whether it was revoked as far as that is known.
    fn check_dates(&self, link: &Link, at: Time, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
        let certificate = &link.certificate;
        if certificate.not_before() <= at && at <= certificate.not_after() {
            ledger.pass(Rule::ValidityDates);
            return Ok(());
        }
        let known_good = !link.needed || link.chosen.as_ref().is_some_and(|finding| finding.status == Status::Good);
        let sub = match known_good {
            true => SubIndication::OutOfBoundsNotRevoked,
            false => SubIndication::OutOfBoundsNoPoe,
        };
        let sentence = format!(
            "{} is valid from {} to {} only, and that the signature existed then is not proven",
            name(certificate),
            certificate.not_before().in_words(),
            certificate.not_after().in_words()
        );
        ledger.find_as(Rule::ValidityDates, sub, Reason::new("certificate-dates", sentence))
    }

    /// Who signed the revocation information must be valid, too.
    fn check_data_issuer(
        &mut self,
        link: &Link,
        finding: &Finding,
        chain: &Chain,
        at: Time,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let (Speaker::Delegate(responder) | Speaker::CrlSigner(responder)) = &finding.speaker else { return Ok(()) };
        if chain.certificates().contains(responder) {
            return Ok(());
        }
        if at < responder.not_before() || responder.not_after() < at {
            let sentence = format!(
                "what is known about the revocation of {} was signed with the certificate {}, which is not valid at this time",
                name(&link.certificate),
                name(responder)
            );
            let sub = SubIndication::RevocationOutOfBoundsNoPoe;
            return ledger.find_as(Rule::RevocationKnown, sub, Reason::new("responder-dates", sentence));
        }
        let found = self.prospects(responder, Uses::NONE);
        let same = |other: &&Chain| other.anchor().certificate == chain.anchor().certificate;
        let Some(own) = found.chains.iter().find(same) else {
            let sentence = format!("the path of {}, which vouches for revocation, leads elsewhere", name(responder));
            return ledger.find(Rule::RevocationKnown, Reason::new("responder-path", sentence));
        };
        let inputs = PathInputs::new(own.anchor().model, Dates::All);
        if let Err(fault) = path::check(own, at, &inputs) {
            let sentence = format!("{}, which vouches for revocation: {fault}", name(responder));
            return ledger.find_as(
                Rule::RevocationKnown,
                fault.sub_indication(),
                Reason::new("responder-path", sentence),
            );
        }
        if !responder.needs_revocation() {
            return Ok(());
        }
        // One step only: a responder is not asked about itself.
        let about = self.findings(own, 0);
        match choose(&about.usable, responder).map(|finding| &finding.status) {
            Some(Status::Revoked { at: when, reason }) if *when <= at => {
                let sentence = format!(
                    "{}, which vouches for revocation, is revoked since {}{}",
                    name(responder),
                    when.in_words(),
                    why(*reason)
                );
                ledger.find(Rule::RevocationKnown, Reason::new("responder-revoked", sentence))
            }
            _ => Ok(()),
        }
    }

    /// EN 319 102-1 clause 5.2.5.
    fn check_freshness(
        &mut self,
        link: &Link,
        finding: &Finding,
        chain: &Chain,
        at: Time,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        // An expired certificate gets no new information; what was said while it was valid is all that there will be.
        if link.certificate.not_after() < at || finding.this_update.plus(self.age_max(finding)) > at {
            ledger.pass(Rule::RevocationFresh);
            return Ok(());
        }
        self.missing.revocation(&link.certificate, chain);
        let sentence = format!(
            "what is known about the revocation of {} is of {} and too old",
            name(&link.certificate),
            finding.this_update.in_words()
        );
        ledger.find(Rule::RevocationFresh, Reason::new("revocation-old", sentence))
    }

    pub(super) fn age_max(&self, finding: &Finding) -> Duration {
        let period = finding.next_update.map_or(AGE_WITHOUT_END, |next| next.since(finding.this_update));
        self.policy().revocation_age_max.unwrap_or(period).saturating_add(self.policy().skew)
    }

    /// The algorithms of a certificate's signature and of its revocation information, at a time.
    fn check_algorithms(&self, link: &Link, at: Time, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
        let (method, bits) = (link.certificate.method(), link.issuer.key_bits());
        let place = format!("certificate {}", name(&link.certificate));
        self.check_method(Rule::CertificateAlgorithms, &place, method, bits, at, ledger)?;
        if let Some(finding) = &link.chosen {
            let signer = finding.speaker.certificate().unwrap_or(&link.issuer);
            let place = format!("revocation information about {}", name(&link.certificate));
            self.check_method(Rule::RevocationAlgorithms, &place, finding.method, signer.key_bits(), at, ledger)?;
        }
        Ok(())
    }

    /// Until when a certificate's signature and its revocation information are suitable.
    pub(super) fn suitable(&self, link: &Link, finding: Option<&Finding>) -> Suitable {
        let catalogue = &self.policy().catalogue;
        let one = |method: Option<Method>, signer: &Cert| {
            method.map_or(Suitable::Never, |method| catalogue.signature(&method, signer.key_bits()))
        };
        let mut all = one(link.certificate.method(), &link.issuer);
        if let Some(finding) = finding {
            all = all.and(one(finding.method, finding.speaker.certificate().unwrap_or(&link.issuer)));
        }
        all
    }

    /// Writes the use of an algorithm down and checks it.
    pub(super) fn check_method(
        &self,
        rule: Rule,
        place: &str,
        method: Option<Method>,
        bits: Option<u32>,
        at: Time,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let suitable = method.map_or(Suitable::Never, |method| self.policy().catalogue.signature(&method, bits));
        let named = method.map_or_else(|| "an unknown algorithm".to_owned(), |method| method_name(&method));
        self.check_suitable(rule, place, named, bits, suitable, at, ledger)
    }

    #[allow(clippy::too_many_arguments)] // One row of the report's table of algorithms.
    pub(super) fn check_suitable(
        &self,
        rule: Rule,
        place: &str,
        named: String,
        bits: Option<u32>,
        suitable: Suitable,
        at: Time,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), Failed> {
        let is_suitable = suitable.at(at);
        let used =
            |name| AlgorithmUse { place: place.to_owned(), name, bits, until: suitable.end(), suitable: is_suitable };
        if is_suitable {
            ledger.uses(used(named));
            ledger.pass(rule);
            return Ok(());
        }
        let length = bits.map(|bits| format!(" ({bits} bits)")).unwrap_or_default();
        let sentence = match suitable.end() {
            Some(end) if end > Time::from_seconds(0) => {
                format!("{named}{length}, {place}, is not suitable since {}", end.in_words())
            }
            _ => format!("{named}{length}, {place}, is not suitable"),
        };
        ledger.uses(used(named));
        ledger.find(rule, Reason::new("algorithm-unsuitable", sentence))
    }
}

/// What counts of several findings: a revocation that stands, else the newest. "Good" about a certificate that had
/// expired by then counts only if expired ones are still answered for.
pub(super) fn choose<'f>(findings: &'f [Finding], certificate: &Cert) -> Option<&'f Finding> {
    let revoked = findings.iter().filter(|finding| matches!(finding.status, Status::Revoked { .. }));
    let first = revoked.min_by_key(|finding| match finding.status {
        Status::Revoked { at, .. } => at,
        _ => finding.this_update,
    });
    if first.is_some() {
        return first;
    }
    let counts = |finding: &&Finding| match finding.status {
        Status::Good => {
            let expired = finding.this_update > certificate.not_after();
            !expired || finding.expired_since.is_some_and(|since| since <= certificate.not_after())
        }
        _ => true,
    };
    // "Unknown" only if there is nothing better.
    findings.iter().filter(counts).max_by_key(|finding| (finding.status != Status::Unknown, finding.this_update))
}

/// For what the signer's certificate is by its own words.
fn check_usage(chain: &Chain, uses: Uses, ledger: &mut Ledger<'_>) -> Result<(), Failed> {
    let Some(signer) = chain.certificates().first() else { return Ok(()) };
    let who = name(signer);
    let wrong = |what: &str| Reason::new("key-usage", format!("{who} {what}"));
    let signing = usage::document_signing(signer).unwrap_or(DocumentSigning::No);
    if signing == DocumentSigning::No {
        ledger.find(Rule::KeyUsage, wrong("is not meant for signatures"))?;
    }
    if uses.has(Uses::STAMP) && !usage::time_stamping(signer).is_ok_and(|purpose| purpose.listed) {
        ledger.find(Rule::KeyUsage, wrong("is not meant for time stamps"))?;
    }
    if uses.has(Uses::MAIL) && !usage::mail(signer).is_ok_and(|purpose| purpose.listed || purpose.any) {
        ledger.find(Rule::KeyUsage, wrong("is not meant for mail"))?;
    }
    ledger.pass(Rule::KeyUsage);
    if !uses.has(Uses::SIGN) {
        return Ok(());
    }
    match signing {
        DocumentSigning::Commitment | DocumentSigning::Unstated => ledger.pass(Rule::KeyUsageCommitment),
        _ => {
            let sentence = format!("{who} is not meant for commitments (nonRepudiation)");
            ledger.find(Rule::KeyUsageCommitment, Reason::new("key-usage-commitment", sentence))?;
        }
    }
    if is_qualified(chain) {
        ledger.pass(Rule::Qualified);
        return Ok(());
    }
    let sentence = format!("{who} is not a qualified certificate of a qualified service");
    ledger.find(Rule::Qualified, Reason::new("not-qualified", sentence))
}

/// Whether the certificate says so, and the service that issued it is listed as one that may.
pub(crate) fn is_qualified(chain: &Chain) -> bool {
    let says_so = |signer| matches!(usage::qualified(signer), Ok(Some(statements)) if statements.compliance);
    chain.anchor().qualified && chain.certificates().first().is_some_and(says_so)
}

/// How far a path came, for choosing the one to report.
fn rank(standing: &Standing) -> u8 {
    match standing.failed.as_ref().map(|failed| failed.sub) {
        None => 9,
        Some(SubIndication::TryLater) => 7,
        Some(
            SubIndication::RevokedNoPoe
            | SubIndication::RevokedCaNoPoe
            | SubIndication::OutOfBoundsNotRevoked
            | SubIndication::OutOfBoundsNoPoe
            | SubIndication::RevocationOutOfBoundsNoPoe
            | SubIndication::CryptoConstraintsFailureNoPoe,
        ) => 6,
        Some(SubIndication::NoCertificateChainFoundNoPoe) => 4,
        Some(SubIndication::ChainConstraintsFailure) => 3,
        Some(_) => 2,
    }
}

/// A certificate, for people.
pub(super) fn name(certificate: &Cert) -> String {
    format!("\u{201c}{}\u{201d}", certificate.name())
}

fn why(reason: Option<u8>) -> &'static str {
    match reason {
        Some(1) => " (its key was compromised)",
        Some(2) => " (the CA was compromised)",
        Some(3) => " (the affiliation changed)",
        Some(4) => " (it was superseded)",
        Some(5) => " (it is no longer used)",
        Some(9) => " (the privilege was withdrawn)",
        Some(10) => " (the attribute authority was compromised)",
        _ => "",
    }
}
