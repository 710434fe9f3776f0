//! The certification authorities of the world and the certificates they issue (RFC 5280), with pointers to where their
//! revocation state and their issuers' certificates can be asked for.
//!
//! Only makes certificates; what became of them afterwards is in the register.

use super::der;
use super::names::{self, Hash, SigningKey};
use crate::pki::{Identity, KeyKind};
use anyhow::Result;
use openssl::pkey::{PKey, Private};

/// What a certificate is for; decides its key usage and extended key usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signatures and seals: digitalSignature and nonRepudiation.
    Signer,
    /// A signer's certificate that does not allow signatures: keyEncipherment (RSA) or keyAgreement alone.
    WrongUsage,
    /// A recipient of encrypted documents: keyEncipherment (RSA) or keyAgreement.
    Encryption,
    /// A time-stamp unit: the critical, sole extended key usage of RFC 3161 section 2.3.
    TimeStamping,
    /// A time-stamp unit whose extended key usage is e-mail protection.
    NotTimeStamping,
    /// An OCSP responder (RFC 6960 section 4.2.2.2); with id-pkix-ocsp-nocheck or without.
    Responder {
        /// Whether nobody needs to ask for its own state.
        nocheck: bool,
    },
    /// A server on 127.0.0.1 and localhost.
    TlsServer,
    /// A client that shows a certificate.
    TlsClient,
}

/// Which authority issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Issuer {
    /// The root itself.
    Root,
    /// The sub authority for seals and for encryption.
    Seals,
    /// The sub authority for time-stamp units.
    Stamps,
}

impl Issuer {
    /// All of them, the root first.
    pub const ALL: [Issuer; 3] = [Issuer::Root, Issuer::Seals, Issuer::Stamps];

    /// Its part of paths: `/crl/seals.crl`, `/ca/seals.cer`.
    pub fn label(self) -> &'static str {
        match self {
            Issuer::Root => "root",
            Issuer::Seals => "seals",
            Issuer::Stamps => "stamps",
        }
    }
}

/// When a certificate is valid, seen from the world's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// From ten years before to ten years after, so that a world may be shifted far.
    Good,
    /// Ended a day before.
    Expired,
    /// Begins a year after.
    NotYet,
    /// Exactly these seconds since 1970.
    Between(i64, i64),
}

/// A certificate that is wanted.
#[derive(Clone, Debug)]
pub struct Order {
    /// The subject's common name.
    pub common_name: String,
    /// The kind of key that is made.
    pub kind: KeyKind,
    /// What it is for.
    pub purpose: Purpose,
    /// Who issues it.
    pub issuer: Issuer,
    /// When it is valid.
    pub validity: Validity,
    /// Whether it names its OCSP responder (AIA).
    pub ocsp: bool,
    /// Whether it names its CRL (CRLDistributionPoints).
    pub crl: bool,
    /// Whether it names its issuer's certificate (AIA caIssuers).
    pub ca_issuers: bool,
    /// The number of the partition of the CRL that it belongs to; the whole one if absent.
    pub partition: Option<usize>,
}

impl Order {
    /// A good certificate with all pointers, issued by the authority that fits its purpose.
    pub fn new(purpose: Purpose, kind: KeyKind, common_name: &str) -> Self {
        let issuer = match purpose {
            Purpose::TimeStamping | Purpose::NotTimeStamping => Issuer::Stamps,
            Purpose::TlsServer | Purpose::TlsClient => Issuer::Root,
            _ => Issuer::Seals,
        };
        let (common_name, validity) = (common_name.to_owned(), Validity::Good);
        Self { common_name, kind, purpose, issuer, validity, ocsp: true, crl: true, ca_issuers: true, partition: None }
    }

    /// A good signer.
    pub fn signer(kind: KeyKind, common_name: &str) -> Self {
        Self::new(Purpose::Signer, kind, common_name)
    }

    /// The same, valid at another time.
    pub fn valid(self, validity: Validity) -> Self {
        Self { validity, ..self }
    }
}

/// One authority: its certificate and its key.
pub(super) struct Authority {
    pub(super) certificate: Vec<u8>,
    pub(super) name: Vec<u8>,
    /// The bits of the public key, for key identifiers.
    pub(super) public_bits: Vec<u8>,
    pub(super) key: SigningKey,
    path: Vec<Vec<u8>>,
}

/// Where the world's server is, and when the world began.
pub(super) struct Setting<'a> {
    pub(super) base_url: &'a str,
    pub(super) began: i64,
}

impl Authority {
    /// The root, which signs itself, or an authority below `above`.
    pub(super) fn new(
        above: Option<(Issuer, &Authority)>,
        common_name: &str,
        kind: KeyKind,
        setting: &Setting,
    ) -> Result<Self> {
        let parts = [(names::COUNTRY, "DE"), (names::ORGANIZATION, ORGANIZATION), (names::COMMON_NAME, common_name)];
        let name = names::distinguished(&parts);
        let private = kind.generate()?;
        let key = SigningKey::new(private.clone(), Hash::Sha256)?;
        let spki = private.public_key_to_der()?;
        let public_bits = public_bits(&spki)?;
        let path_length = if above.is_some() { der::number(0) } else { Vec::new() };
        let mut extensions = vec![
            extension("2.5.29.19", true, &der::seq(&[&der::truth(), &path_length])),
            extension("2.5.29.15", true, &der::named_bits(&[5, 6])),
            extension("2.5.29.14", false, &der::tlv(der::OCTET_STRING, &[&Hash::Sha1.of(&public_bits)])),
        ];
        // Sub authorities are looked up in a CRL only: both ways to ask occur on every path.
        if let Some((issuer, authority)) = above {
            extensions.push(authority.key_identifier());
            extensions.extend(pointers(setting, issuer, false, true, true, None));
        }
        let (signer, issuer_name) = above.map_or((&key, &name), |(_, authority)| (&authority.key, &authority.name));
        let validity = (setting.began - 12 * YEAR, setting.began + 28 * YEAR);
        let certificate = certificate(signer, issuer_name, &name, &spki, validity, &extensions)?;
        let path = above.map(|(_, a)| std::iter::once(&a.certificate).chain(&a.path).cloned().collect());
        Ok(Self { certificate, name, public_bits, key, path: path.unwrap_or_default() })
    }

    /// Issues what is ordered, with a fresh key.
    pub(super) fn issue(&self, order: &Order, setting: &Setting) -> Result<Identity> {
        let key = order.kind.generate()?;
        let certificate = self.certify(order, &key, setting)?;
        let issuers = std::iter::once(&self.certificate).chain(&self.path).map(Vec::as_slice);
        Identity::assemble(order.kind, key, &certificate, &issuers.collect::<Vec<_>>())
    }

    /// `CertID` of one of its certificates (RFC 6960 section 4.1.1); `serial` is the content of the INTEGER.
    pub(super) fn certificate_id(&self, hash: Hash, serial: &[u8]) -> Vec<u8> {
        let part = |bytes: &[u8]| der::tlv(der::OCTET_STRING, &[&hash.of(bytes)]);
        let identifier = der::seq(&[&hash.identifier()[2..], der::NULL]);
        der::seq(&[&identifier, &part(&self.name), &part(&self.public_bits), &der::tlv(der::INTEGER, &[serial])])
    }

    /// The extension that names its key in what it issues.
    pub(super) fn key_identifier(&self) -> Vec<u8> {
        let identifier = der::tlv(0x80, &[&Hash::Sha1.of(&self.public_bits)]);
        extension("2.5.29.35", false, &der::seq(&[&identifier]))
    }

    fn certify(&self, order: &Order, key: &PKey<Private>, setting: &Setting) -> Result<Vec<u8>> {
        let organization =
            if order.issuer == Issuer::Stamps { ORGANIZATION } else { "Köhler & Söhne Großhandel GmbH" };
        let parts =
            [(names::COUNTRY, "DE"), (names::ORGANIZATION, organization), (names::COMMON_NAME, &order.common_name)];
        let spki = key.public_key_to_der()?;
        let agreement: &[usize] = if names::agrees(order.kind) { &[4] } else { &[2] };
        let (usage, extended): (&[usize], &[(&str, bool)]) = match order.purpose {
            Purpose::Signer => (&[0, 1], &[]),
            Purpose::WrongUsage | Purpose::Encryption => (agreement, &[]),
            Purpose::TimeStamping => (&[0, 1], &[("1.3.6.1.5.5.7.3.8", true)]),
            Purpose::NotTimeStamping => (&[0, 1], &[("1.3.6.1.5.5.7.3.4", false)]),
            Purpose::Responder { .. } => (&[0], &[("1.3.6.1.5.5.7.3.9", false)]),
            Purpose::TlsServer => (&[0], &[("1.3.6.1.5.5.7.3.1", false)]),
            Purpose::TlsClient => (&[0], &[("1.3.6.1.5.5.7.3.2", false)]),
        };
        let subject_key = subject_key_identifier(&spki)?;
        let mut extensions = vec![
            extension("2.5.29.19", true, &der::seq(&[])),
            extension("2.5.29.15", true, &der::named_bits(usage)),
            extension("2.5.29.14", false, &der::tlv(der::OCTET_STRING, &[&subject_key])),
            self.key_identifier(),
        ];
        for (purpose, critical) in extended {
            extensions.push(extension("2.5.29.37", *critical, &der::seq(&[&der::oid(purpose)])));
        }
        let nocheck = matches!(order.purpose, Purpose::Responder { nocheck: true });
        if nocheck {
            extensions.push(extension("1.3.6.1.5.5.7.48.1.5", false, der::NULL));
        }
        if order.purpose == Purpose::TlsServer {
            let address = der::tlv(0x87, &[&[127, 0, 0, 1]]);
            let names = der::seq(&[&address, &der::tlv(0x82, &[b"localhost"])]);
            extensions.push(extension("2.5.29.17", false, &names));
        }
        let (ocsp, crl) = (order.ocsp && !nocheck, order.crl && !nocheck);
        extensions.extend(pointers(setting, order.issuer, ocsp, crl, order.ca_issuers, order.partition));
        let validity = match order.validity {
            Validity::Good => (setting.began - 10 * YEAR, setting.began + 10 * YEAR),
            Validity::Expired => (setting.began - 10 * YEAR, setting.began - DAY),
            Validity::NotYet => (setting.began + YEAR, setting.began + 3 * YEAR),
            Validity::Between(from, to) => (from, to),
        };
        certificate(&self.key, &self.name, &names::distinguished(&parts), &spki, validity, &extensions)
    }
}

/// One `Extension`.
pub(super) fn extension(dotted: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::truth() } else { Vec::new() };
    der::seq(&[&der::oid(dotted), &critical, &der::tlv(der::OCTET_STRING, &[value])])
}

/// `DistributionPointName`s with this URL, as in a certificate and, by itself, in a CRL.
pub(super) fn distribution_point_name(url: &str) -> Vec<u8> {
    der::tlv(0xa0, &[&der::tlv(0xa0, &[&der::tlv(0x86, &[url.as_bytes()])])])
}

/// The path of a whole CRL or of one partition of it.
pub(super) fn crl_path(issuer: Issuer, partition: Option<usize>) -> String {
    let partition = partition.map(|number| format!("-{number}")).unwrap_or_default();
    format!("/crl/{}{partition}.crl", issuer.label())
}

/// The serial number of a certificate: the content of the INTEGER.
pub(super) fn serial_of(certificate: &[u8]) -> Result<Vec<u8>> {
    Ok(body(certificate)?.expect(der::INTEGER)?.content.to_vec())
}

/// The issuer and the subject of a certificate, each a `Name`.
pub(super) fn names_of(certificate: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut body = body(certificate)?;
    body.expect(der::INTEGER)?;
    body.expect(der::SEQUENCE)?;
    let issuer = body.expect(der::SEQUENCE)?.whole.to_vec();
    body.expect(der::SEQUENCE)?;
    Ok((issuer, body.expect(der::SEQUENCE)?.whole.to_vec()))
}

/// Into the `TBSCertificate`, after its version.
fn body(certificate: &[u8]) -> Result<der::Reader<'_>> {
    let mut body = der::Reader(certificate).enter(der::SEQUENCE)?.enter(der::SEQUENCE)?;
    body.optional(0xa0)?;
    Ok(body)
}

fn pointers(
    setting: &Setting,
    issuer: Issuer,
    ocsp: bool,
    crl: bool,
    ca_issuers: bool,
    partition: Option<usize>,
) -> Vec<Vec<u8>> {
    let base = setting.base_url;
    let access = |method: &str, path: String| {
        der::seq(&[&der::oid(method), &der::tlv(0x86, &[base.as_bytes(), path.as_bytes()])])
    };
    let mut methods = Vec::new();
    if ocsp {
        methods.extend(access("1.3.6.1.5.5.7.48.1", "/ocsp".to_owned()));
    }
    if ca_issuers {
        methods.extend(access("1.3.6.1.5.5.7.48.2", format!("/ca/{}.cer", issuer.label())));
    }
    let mut extensions = Vec::new();
    if !methods.is_empty() {
        extensions.push(extension("1.3.6.1.5.5.7.1.1", false, &der::seq(&[&methods])));
    }
    if crl {
        let point = der::seq(&[&distribution_point_name(&format!("{base}{}", crl_path(issuer, partition)))]);
        extensions.push(extension("2.5.29.31", false, &der::seq(&[&point])));
    }
    extensions
}

fn certificate(
    signer: &SigningKey,
    issuer: &[u8],
    subject: &[u8],
    spki: &[u8],
    (from, to): (i64, i64),
    extensions: &[Vec<u8>],
) -> Result<Vec<u8>> {
    let mut serial = [0; 16];
    openssl::rand::rand_bytes(&mut serial)?;
    serial[0] = serial[0] & 0x3f | 0x40; // positive and of full length
    signer.sealed(&der::seq(&[
        &der::tlv(0xa0, &[&der::number(2)]),
        &der::integer(&serial),
        &signer.identifier,
        issuer,
        &der::seq(&[&der::time(from), &der::time(to)]),
        subject,
        spki,
        &der::tlv(0xa3, &[&der::seq(&[&extensions.concat()])]),
    ]))
}

/// SHA-1 of the bits of a public key (RFC 5280 section 4.2.1.2, RFC 6960 `KeyHash`).
pub(super) fn subject_key_identifier(spki: &[u8]) -> Result<Vec<u8>> {
    Ok(Hash::Sha1.of(&public_bits(spki)?))
}

/// The bits of the key in a `SubjectPublicKeyInfo`, without the count of unused bits.
fn public_bits(spki: &[u8]) -> Result<Vec<u8>> {
    let mut inside = der::Reader(spki).enter(der::SEQUENCE)?;
    inside.expect(der::SEQUENCE)?;
    Ok(inside.expect(der::BIT_STRING)?.content.iter().skip(1).copied().collect())
}

const ORGANIZATION: &str = "Muster Vertrauensdienste AG";
pub(super) const DAY: i64 = 86_400;
const YEAR: i64 = 365 * DAY;
