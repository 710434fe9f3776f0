//! Whom a tenant trusts, for what, and when: where certification paths end.

use crate::certificate::Cert;
use model::Time;
use std::sync::Arc;

/// A trusted certificate.
#[derive(Clone, Debug)]
pub struct Anchor {
    /// The certificate: of a CA, or of a responder or time-stamp unit that is trusted by itself.
    pub certificate: Cert,
    /// For what it is trusted.
    pub uses: Uses,
    /// When it was trusted: from (inclusive) to (exclusive); `None` is open. Empty: always. A trusted list gives one for
    /// each time that the status of a service was "granted"; the end of the last one is the sunset date of EN 319 102-1.
    pub intervals: Vec<(Option<Time>, Option<Time>)>,
    /// How the validity of the certificates of a path hangs together.
    pub model: Model,
    /// "Good" by OCSP counts only with the hash of the certificate (Common PKI).
    pub certificate_hash_required: bool,
    /// Who says that it is trusted: a file, a trust centre of a batch, a service of a trusted list. For people.
    pub origin: Arc<str>,
    /// It issues qualified certificates, says the trusted list.
    pub qualified: bool,
}

impl Anchor {
    /// A certificate that an operator trusts for everything and always.
    pub fn plain(certificate: Cert, origin: &str) -> Self {
        Self {
            certificate,
            uses: Uses::ALL,
            intervals: Vec::new(),
            model: Model::Shell,
            certificate_hash_required: false,
            origin: origin.into(),
            qualified: false,
        }
    }

    /// Whether it was trusted at this moment.
    pub fn trusted_at(&self, at: Time) -> bool {
        let within = |(from, to): &(Option<Time>, Option<Time>)| {
            from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to)
        };
        self.intervals.is_empty() || self.intervals.iter().any(within)
    }

    /// The end of trust, if it has come by `now`: the latest end of an interval that is over.
    pub fn sunset(&self, now: Time) -> Option<Time> {
        if self.trusted_at(now) {
            return None;
        }
        self.intervals.iter().filter_map(|(_, to)| *to).filter(|to| *to <= now).max()
    }
}

/// For what an anchor is trusted, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Uses(u8);

impl Uses {
    /// Nothing in particular.
    pub const NONE: Uses = Uses(0);
    /// Signatures and seals on documents.
    pub const SIGN: Uses = Uses(1);
    /// Time stamps.
    pub const STAMP: Uses = Uses(2);
    /// OCSP answers and CRLs.
    pub const REVOCATION: Uses = Uses(4);
    /// Mail.
    pub const MAIL: Uses = Uses(8);
    /// TLS servers and clients.
    pub const TLS: Uses = Uses(16);
    /// Everything.
    pub const ALL: Uses = Uses(31);

    /// Whether all of these are among them.
    pub fn has(self, uses: Uses) -> bool {
        self.0 & uses.0 == uses.0
    }

    /// These and those.
    #[must_use]
    pub fn and(self, uses: Uses) -> Uses {
        Uses(self.0 | uses.0)
    }
}

/// How the validity of the certificates of a path hangs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// All are valid at the time in question (RFC 5280).
    Shell,
    /// Each was valid when it signed the one below it (German signature law until 2017).
    Chain,
    /// The CAs were valid when they signed the signer's certificate (both mixed).
    Hybrid,
}
