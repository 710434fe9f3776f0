//! A trust centre of a batch and its certificates, and what they may be trusted for.

use crate::anchor::{Anchor, Model, Uses};
use crate::certificate::Cert;
use crate::json::Json;
use crate::report::word;
use model::Time;
use std::sync::Arc;

/// A trust centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its identifier, which never changes.
    pub id: String,
    /// Its name in German and in English.
    pub name: (String, String),
    /// Its country, two letters.
    pub country: String,
    /// By which law it works: `eidas`, `sigg`, …
    pub legal_basis: String,
    /// How the validity of its certificates hangs together.
    pub model: Model,
    /// "Good" counts only with the hash of the certificate.
    pub certificate_hash_required: bool,
    /// Its certificates.
    pub certificates: Vec<BatchCertificate>,
    /// Where its CRLs are.
    pub crl_urls: Vec<String>,
    /// Where its OCSP responders are.
    pub ocsp_urls: Vec<String>,
    /// Where its directories are.
    pub ldap_urls: Vec<String>,
    /// These addresses count instead of those in certificates.
    pub aia_override: bool,
    /// Trust centres that it stands for from now on.
    pub supersedes: Vec<String>,
}

/// A certificate of a trust centre.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchCertificate {
    /// The certificate.
    pub certificate: Cert,
    /// What it is.
    pub role: Role,
    /// Words of what it is used for: `qes`, `seal`, `adv`, `mail`, `tls`, `tsa`. Sorted.
    pub use_for: Vec<String>,
    /// Trusted from then on.
    pub valid_from: Option<Time>,
    /// Trusted until then, exclusive.
    pub valid_to: Option<Time>,
    /// How it stands now.
    pub status: Status,
}

/// What a certificate of a trust centre is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Of the topmost authority.
    Root,
    /// Of an authority.
    Ca,
    /// Of an OCSP responder.
    Ocsp,
    /// Of a time-stamp unit.
    Tsa,
    /// Of an issuer of CRLs.
    Crl,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 5] = [Role::Root, Role::Ca, Role::Ocsp, Role::Tsa, Role::Crl];

    /// Its word in a batch.
    pub fn word(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Ca => "ca",
            Self::Ocsp => "ocsp",
            Self::Tsa => "tsa",
            Self::Crl => "crl",
        }
    }
}

/// How a certificate stands now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Trusted.
    Granted,
    /// Not trusted any more: signatures from before `validTo` stay what they are. Without a `validTo`: never trusted.
    Withdrawn,
}

impl Status {
    /// Its word in a batch.
    pub fn word(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Withdrawn => "withdrawn",
        }
    }
}

pub(super) fn model_word(model: Model) -> &'static str {
    match model {
        Model::Shell => "shell",
        Model::Chain => "chain",
        Model::Hybrid => "hybrid",
    }
}

/// What one word of `useFor` permits.
pub(super) fn uses_of(word: &str) -> Option<Uses> {
    Some(match word {
        "qes" | "seal" | "adv" => Uses::SIGN,
        "mail" => Uses::MAIL,
        "tls" => Uses::TLS,
        "tsa" => Uses::STAMP,
        _ => return None,
    })
}

impl Entry {
    /// Members sorted by name.
    pub(super) fn json(&self) -> Json {
        let texts = |texts: &[String]| Json::list(texts.iter().map(String::as_str));
        Json::map([
            ("aiaOverride", self.aia_override.into()),
            ("certs", Json::List(self.certificates.iter().map(BatchCertificate::json).collect())),
            ("country", self.country.as_str().into()),
            ("crlUrls", texts(&self.crl_urls)),
            ("ldapUrls", texts(&self.ldap_urls)),
            ("legalBasis", self.legal_basis.as_str().into()),
            ("model", model_word(self.model).into()),
            ("name", Json::map([("de", self.name.0.as_str().into()), ("en", self.name.1.as_str().into())])),
            ("ocspUrls", texts(&self.ocsp_urls)),
            ("requireCertHash", self.certificate_hash_required.into()),
            ("supersedes", texts(&self.supersedes)),
            ("trustCentreId", self.id.as_str().into()),
        ])
    }

    /// What its certificates may be trusted for.
    pub fn anchors(&self) -> Vec<Anchor> {
        let origin: Arc<str> = format!("certificate batch: {}", self.name.1).into();
        let anchor = |held: &BatchCertificate| {
            let (from, to) = (held.valid_from, held.valid_to);
            Some(Anchor {
                certificate: held.certificate.clone(),
                uses: held.uses()?,
                intervals: if from.is_none() && to.is_none() { Vec::new() } else { vec![(from, to)] },
                model: self.model,
                certificate_hash_required: self.certificate_hash_required,
                origin: origin.clone(),
                qualified: held.use_for.iter().any(|word| word == "qes"),
            })
        };
        self.certificates.iter().filter_map(anchor).collect()
    }
}

impl BatchCertificate {
    fn json(&self) -> Json {
        Json::map([
            ("der", word::base64(self.certificate.der()).into()),
            ("role", self.role.word().into()),
            ("sha256", word::base64(&self.certificate.id().0).into()),
            ("status", self.status.word().into()),
            ("useFor", Json::list(self.use_for.iter().map(String::as_str))),
            ("validFrom", self.valid_from.map(word::time).into()),
            ("validTo", self.valid_to.map(word::time).into()),
        ])
    }

    /// `None`: it is not trusted for anything.
    fn uses(&self) -> Option<Uses> {
        if self.status == Status::Withdrawn && self.valid_to.is_none() {
            return None;
        }
        let issues = self.use_for.iter().filter_map(|word| uses_of(word)).reduce(Uses::and);
        match self.role {
            // An authority also says which of its certificates are revoked.
            Role::Root | Role::Ca => issues.map(|uses| uses.and(Uses::REVOCATION)),
            Role::Ocsp | Role::Crl => Some(Uses::REVOCATION),
            Role::Tsa => Some(Uses::STAMP),
        }
    }
}
