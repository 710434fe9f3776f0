//! A service of a trusted list through time, and what it may be trusted for.

use crate::anchor::{Anchor, Model, Uses};
use crate::certificate::Cert;
use model::Time;

/// As [`Anchor::intervals`].
type Intervals = Vec<(Option<Time>, Option<Time>)>;

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Whose it is.
    pub provider: String,
    /// Its name.
    pub name: String,
    /// Its certificates, now and before.
    pub certificates: Vec<Cert>,
    /// What it was, oldest first, without gaps.
    pub states: Vec<State>,
    /// Where it is reached.
    pub supply_points: Vec<String>,
}

/// What a service was for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// From then on.
    pub from: Time,
    /// Until then, exclusive. `None`: still.
    pub to: Option<Time>,
    /// The last part of its type: `CA/QC`.
    pub kind: String,
    /// The last part of its status: `granted`.
    pub status: String,
    /// What it is for, by its extensions: `ForeSignatures`.
    pub purposes: Vec<String>,
}

impl State {
    /// Whether the service was in good standing (TS 119 612 clause 5.5.4, and the words of before July 2016).
    pub fn is_good(&self) -> bool {
        matches!(
            self.status.as_str(),
            "granted"
                | "undersupervision"
                | "accredited"
                | "supervisionincessation"
                | "setbynationallaw"
                | "recognisedatnationallevel"
        )
    }

    /// What a certificate of the service is trusted for. An authority also says which of its certificates are revoked.
    fn uses(&self) -> Option<Uses> {
        let issues = match self.kind.as_str() {
            "CA/QC" | "CA/PKC" | "NationalRootCA-QC" => {
                let sites = self.purposes.iter().any(|purpose| purpose == "ForWebSiteAuthentication");
                let people = self.purposes.iter().any(|purpose| purpose == "ForeSignatures" || purpose == "ForeSeals");
                match (sites, people) {
                    (true, false) => Uses::TLS,
                    (true, true) => Uses::SIGN.and(Uses::MAIL).and(Uses::TLS),
                    (false, _) => Uses::SIGN.and(Uses::MAIL),
                }
            }
            "TSA" | "TSA/QTST" | "TSA/TSS-QC" | "TSA/TSS-AdESQCandQES" => Uses::STAMP,
            other => return other.starts_with("Certstatus/").then_some(Uses::REVOCATION),
        };
        Some(issues.and(Uses::REVOCATION))
    }

    fn is_qualified(&self) -> bool {
        self.kind == "CA/QC"
    }
}

impl Service {
    /// One anchor for each certificate and each set of uses, with the times at which the service was in good standing.
    pub fn anchors(&self, territory: &str) -> Vec<Anchor> {
        let mut groups: Vec<(Uses, bool, Intervals)> = Vec::new();
        for state in self.states.iter().filter(|state| state.is_good() && state.to != Some(state.from)) {
            let Some(uses) = state.uses() else { continue };
            let qualified = state.is_qualified();
            match groups.iter_mut().find(|group| (group.0, group.1) == (uses, qualified)) {
                Some((_, _, intervals)) => match intervals.last_mut() {
                    // One status after another is one time.
                    Some((_, to)) if *to == Some(state.from) => *to = state.to,
                    _ => intervals.push((Some(state.from), state.to)),
                },
                None => groups.push((uses, qualified, vec![(Some(state.from), state.to)])),
            }
        }
        let origin: std::sync::Arc<str> = format!("trusted list {territory}: {}, {}", self.provider, self.name).into();
        let anchor = |certificate: &Cert, group: &(Uses, bool, Intervals)| Anchor {
            certificate: certificate.clone(),
            uses: group.0,
            intervals: group.2.clone(),
            model: Model::Shell,
            certificate_hash_required: false,
            origin: origin.clone(),
            qualified: group.1,
        };
        self.certificates
            .iter()
            .flat_map(|certificate| groups.iter().map(move |group| anchor(certificate, group)))
            .collect()
    }
}
