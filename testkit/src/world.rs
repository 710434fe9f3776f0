//! A small real world: authorities, their certificates, an OCSP responder, revocation lists, a time-stamping authority,
//! good and bad, as functions and as an HTTP and HTTPS server on loopback.
//!
//! An implementation of its own: it shares nothing with the engine, so that what both agree on is the standard. It
//! judges nothing and logs nothing; keys and names are invented and gone with the process.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use testkit::pki::KeyKind;
//! use testkit::world::{Fault, Hash, World};
//! let world = World::start()?; // or World::offline(), for tests without a network
//! let signer = world.signer(KeyKind::P256)?;
//! let token = world.stamp(Hash::Sha256, &Hash::Sha256.of(b"document"))?;
//! world.revoke(&signer.certificate_der(), 1)?;
//! world.fault("/tsa", Fault::Http500, 3);
//! assert_eq!(world.count("/tsa"), 0);
//! # Ok(()) }
//! ```

mod authority;
mod crl;
mod der;
mod fault;
mod http;
mod names;
mod ocsp;
mod register;
mod tsa;

pub use authority::{Issuer, Order, Purpose, Validity};
pub use crl::{CrlPart, CrlSettings};
pub use fault::Fault;
pub use http::{PASSWORD, USER};
pub use names::Hash;
pub use ocsp::{OcspSettings, OcspSigner};
pub use register::State;
pub use tsa::StampSettings;

use crate::pki::{Identity, KeyKind, UnnamedFile};
use anyhow::{Context, Result};
use authority::{Authority, Setting};
use register::Register;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// The authorities, what they know, and, if started, their server. Ends with its value.
pub struct World {
    inner: Arc<Inner>,
    server: Option<http::Server>,
}

/// Certificates by issuer and serial number.
type Issued = HashMap<(Issuer, Vec<u8>), Vec<u8>>;

/// What certificates and answers are made from; the server's threads share it.
struct Inner {
    base_url: String,
    began: i64,
    /// Seconds that the world is ahead of the machine's clock.
    shift: AtomicI64,
    root: Authority,
    seals: Authority,
    stamps: Authority,
    stranger: OnceLock<Authority>,
    register: Mutex<Register>,
    certificates: Mutex<Issued>,
    signers: Mutex<HashMap<String, Arc<Identity>>>,
    responders: Mutex<HashMap<(Issuer, ResponderKind), Arc<ocsp::Responder>>>,
    units: Mutex<HashMap<(Unit, Hash), Arc<tsa::Unit>>>,
    lists: Mutex<HashMap<(Issuer, CrlPart), Arc<List>>>,
    settings: Mutex<Settings>,
    ca_pem: UnnamedFile,
    root_pem: UnnamedFile,
}

#[derive(Clone, Default)]
struct Settings {
    ocsp: OcspSettings,
    crl: CrlSettings,
    stamps: StampSettings,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ResponderKind {
    Authority,
    Delegate { nocheck: bool },
    WrongEku,
    Stranger,
}

/// A revocation list that was made, and for what.
struct List {
    version: u64,
    made: i64,
    fresh_until: i64,
    bytes: hyper::body::Bytes,
}

/// A time-stamp unit of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A P-256 key.
    Good,
    /// An RSA-3072 key.
    Rsa,
    /// Its certificate expired a day before the world began.
    Expired,
    /// Its certificate has been revoked (keyCompromise) an hour before the world began.
    Revoked,
    /// Its certificate is for e-mail.
    WrongEku,
    /// Issued by an authority that nobody knows.
    Stranger,
}

/// What proves a certificate's state later, each DER: for formats' tests without a network.
#[derive(Clone, Debug, Default)]
pub struct Proofs {
    /// The issuers up to the root, and the responder's certificate.
    pub certificates: Vec<Vec<u8>>,
    /// `OCSPResponse`s.
    pub ocsp_responses: Vec<Vec<u8>>,
    /// `CertificateList`s.
    pub crls: Vec<Vec<u8>>,
}

impl World {
    /// A world with its servers, on free ports of loopback.
    pub fn start() -> Result<Self> {
        Self::start_on(0)
    }

    /// As [`World::start`], with HTTP on this port.
    pub fn start_on(port: u16) -> Result<Self> {
        let sockets = http::Sockets::bind(port)?;
        let inner = Arc::new(Inner::new(sockets.base_url())?);
        let server = Some(http::Server::start(Arc::clone(&inner), sockets)?);
        Ok(Self { inner, server })
    }

    /// A world without servers: what its certificates point to is nowhere.
    pub fn offline() -> Result<Self> {
        Ok(Self { inner: Arc::new(Inner::new("http://127.0.0.1:9".to_owned())?), server: None })
    }

    /// One offline world for a whole test binary, for tests that change nothing in it.
    pub fn shared_offline() -> &'static World {
        static SHARED: OnceLock<World> = OnceLock::new();
        #[allow(clippy::expect_used)] // a test cannot go on without it
        SHARED.get_or_init(|| World::offline().expect("make the test world"))
    }

    // Time.

    /// Seconds since 1970, and milliseconds, in this world.
    pub fn now(&self) -> i64 {
        self.inner.now().0
    }

    /// Moves the world: positive into the future. Certificates stay as they are.
    pub fn shift(&self, seconds: i64) {
        self.inner.shift.store(seconds, Ordering::Relaxed);
    }

    // Trust.

    /// DER of the root.
    pub fn root_der(&self) -> Vec<u8> {
        self.inner.root.certificate.clone()
    }

    /// DER of an authority.
    pub fn authority_der(&self, issuer: Issuer) -> Vec<u8> {
        self.inner.authority(issuer).certificate.clone()
    }

    /// A PEM file with the root alone. Readable while this world lives.
    pub fn root_pem(&self) -> PathBuf {
        self.inner.root_pem.path()
    }

    /// A PEM file with all three authorities. Readable while this world lives.
    pub fn ca_pem(&self) -> PathBuf {
        self.inner.ca_pem.path()
    }

    // Certificates.

    /// The good signer of this kind, with all pointers; always the same one.
    pub fn signer(&self, kind: KeyKind) -> Result<Arc<Identity>> {
        self.known(&Order::signer(kind, &format!("Rechnungssiegel {}", kind.name())))
    }

    /// The recipient of encrypted documents of this kind; always the same one.
    pub fn recipient(&self, kind: KeyKind) -> Result<Arc<Identity>> {
        self.known(&Order::new(Purpose::Encryption, kind, &format!("Posteingang {}", kind.name())))
    }

    /// The identity of this order's common name, issued when first asked for.
    pub fn known(&self, order: &Order) -> Result<Arc<Identity>> {
        if let Some(known) = lock(&self.inner.signers).get(&order.common_name) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(self.issue(order)?);
        lock(&self.inner.signers).insert(order.common_name.clone(), Arc::clone(&made));
        Ok(made)
    }

    /// Issues a certificate with a fresh key.
    pub fn issue(&self, order: &Order) -> Result<Identity> {
        self.inner.issue(order)
    }

    /// The certificate and key of a time-stamp unit.
    pub fn unit(&self, unit: Unit) -> Result<Arc<Identity>> {
        Ok(Arc::clone(&self.inner.unit(unit, Hash::Sha256)?.identity))
    }

    /// Revokes a certificate now, with this `CRLReason`.
    pub fn revoke(&self, certificate: &[u8], reason: u8) -> Result<()> {
        self.set_state(certificate, State::Revoked { at: self.now(), reason })
    }

    /// Says what the authority knows of a certificate.
    pub fn set_state(&self, certificate: &[u8], state: State) -> Result<()> {
        let issuer = self.inner.issuer_of(certificate)?;
        lock(&self.inner.register).set(issuer, authority::serial_of(certificate)?, state);
        Ok(())
    }

    // How the authorities answer.

    /// Changes how OCSP is answered.
    pub fn set_ocsp(&self, change: impl FnOnce(&mut OcspSettings)) {
        change(&mut lock(&self.inner.settings).ocsp);
    }

    /// Changes how revocation lists are made.
    pub fn set_crl(&self, change: impl FnOnce(&mut CrlSettings)) {
        change(&mut lock(&self.inner.settings).crl);
        lock(&self.inner.lists).clear();
    }

    /// Changes how tokens are made.
    pub fn set_stamps(&self, change: impl FnOnce(&mut StampSettings)) {
        change(&mut lock(&self.inner.settings).stamps);
    }

    /// Keeps the whole lists as they are now, with changes in deltas; or ends that.
    pub fn freeze_crls(&self, freeze: bool) {
        lock(&self.inner.register).freeze(freeze);
    }

    // Answers without a network.

    /// A good token (the `ContentInfo`) on this hash value, now.
    pub fn stamp(&self, hash: Hash, imprint: &[u8]) -> Result<Vec<u8>> {
        self.stamp_by(Unit::Good, hash, imprint, self.inner.now(), None)
    }

    /// As [`World::stamp`], at another moment, seconds since 1970.
    pub fn stamp_at(&self, hash: Hash, imprint: &[u8], at: i64) -> Result<Vec<u8>> {
        self.stamp_by(Unit::Good, hash, imprint, (at, 0), None)
    }

    /// A token of this unit, at (seconds since 1970, milliseconds), with a fault or none.
    pub fn stamp_by(
        &self,
        unit: Unit,
        hash: Hash,
        imprint: &[u8],
        at: (i64, u16),
        fault: Option<Fault>,
    ) -> Result<Vec<u8>> {
        self.inner.stamp(unit, &tsa::Request::plain(hash, imprint), at, fault)
    }

    /// The `TimeStampResp` to a `TimeStampReq`, with a fault or none.
    pub fn answer_stamp_request(&self, request: &[u8], fault: Option<Fault>) -> Result<Vec<u8>> {
        self.inner.answer_stamp_request(Unit::Good, request, fault)
    }

    /// The `OCSPResponse` about a certificate of this world, without a nonce.
    pub fn ocsp_response(&self, certificate: &[u8]) -> Result<Vec<u8>> {
        self.ocsp_response_with(certificate, None)
    }

    /// As [`World::ocsp_response`], with a fault or none.
    pub fn ocsp_response_with(&self, certificate: &[u8], fault: Option<Fault>) -> Result<Vec<u8>> {
        let issuer = self.inner.issuer_of(certificate)?;
        let serial = authority::serial_of(certificate)?;
        let id = self.inner.authority(issuer).certificate_id(Hash::Sha1, &serial);
        self.inner.answer_ocsp(&[ocsp::read_id(&id)?], None, fault)
    }

    /// The `OCSPResponse` to an `OCSPRequest`, with a fault or none.
    pub fn answer_ocsp_request(&self, request: &[u8], fault: Option<Fault>) -> Result<Vec<u8>> {
        self.inner.answer_ocsp_request(request, fault)
    }

    /// The whole revocation list of an authority.
    pub fn crl(&self, issuer: Issuer) -> Result<Vec<u8>> {
        self.crl_part(issuer, CrlPart::Whole)
    }

    /// A part of the revocation list of an authority.
    pub fn crl_part(&self, issuer: Issuer, part: CrlPart) -> Result<Vec<u8>> {
        Ok(self.inner.list(issuer, part)?.bytes.to_vec())
    }

    /// What is needed to judge a certificate of this world later: an OCSP answer for it, the root's list for the
    /// authority above it, and all certificates of the path.
    pub fn proofs(&self, certificate: &[u8]) -> Result<Proofs> {
        let issuer = self.inner.issuer_of(certificate)?;
        let mut proofs = Proofs { ocsp_responses: vec![self.ocsp_response(certificate)?], ..Proofs::default() };
        if issuer != Issuer::Root {
            proofs.certificates.push(self.authority_der(issuer));
            proofs.crls.push(self.crl(Issuer::Root)?);
        }
        proofs.certificates.push(self.root_der());
        let responder = self.inner.responder(issuer, self.inner.responder_kind())?;
        if !responder.is_authority {
            proofs.certificates.push(responder.certificate.clone());
            if self.inner.responder_kind() == (ResponderKind::Delegate { nocheck: false }) {
                proofs.crls.push(self.crl(issuer)?);
            }
        }
        Ok(proofs)
    }
}

impl Inner {
    fn new(base_url: String) -> Result<Self> {
        let began = machine_clock().0;
        let setting = Setting { base_url: &base_url, began };
        let kind = KeyKind::P256;
        let root = Authority::new(None, "Muster Welt Root CA 1", kind, &setting)?;
        let below = Some((Issuer::Root, &root));
        let seals = Authority::new(below, "Muster Welt Siegel CA 3", kind, &setting)?;
        let stamps = Authority::new(below, "Muster Welt Zeitstempel CA 5", kind, &setting)?;
        let pem = |authority: &Authority| -> Result<Vec<u8>> {
            Ok(openssl::x509::X509::from_der(&authority.certificate)?.to_pem()?)
        };
        let ca_pem = UnnamedFile::new(&[pem(&seals)?, pem(&stamps)?, pem(&root)?].concat())?;
        let root_pem = UnnamedFile::new(&pem(&root)?)?;
        let mut register = Register::default();
        for authority in [&seals, &stamps] {
            register.issued(Issuer::Root, authority::serial_of(&authority.certificate)?, None);
        }
        Ok(Self {
            began,
            shift: AtomicI64::new(0),
            root,
            seals,
            stamps,
            stranger: OnceLock::new(),
            register: Mutex::new(register),
            certificates: Mutex::default(),
            signers: Mutex::default(),
            responders: Mutex::default(),
            units: Mutex::default(),
            lists: Mutex::default(),
            settings: Mutex::default(),
            ca_pem,
            root_pem,
            base_url,
        })
    }

    fn now(&self) -> (i64, u16) {
        let (seconds, millis) = machine_clock();
        (seconds + self.shift.load(Ordering::Relaxed), millis)
    }

    fn setting(&self) -> Setting<'_> {
        Setting { base_url: &self.base_url, began: self.began }
    }

    fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    fn authority(&self, issuer: Issuer) -> &Authority {
        match issuer {
            Issuer::Root => &self.root,
            Issuer::Seals => &self.seals,
            Issuer::Stamps => &self.stamps,
        }
    }

    /// An authority that nobody knows; it has the names of the good one.
    fn stranger(&self) -> Result<&Authority> {
        if let Some(made) = self.stranger.get() {
            return Ok(made);
        }
        let made = Authority::new(None, "Muster Welt Zeitstempel CA 5", KeyKind::P256, &self.setting())?;
        Ok(self.stranger.get_or_init(|| made))
    }

    fn issuer_of(&self, certificate: &[u8]) -> Result<Issuer> {
        let (issuer, _) = authority::names_of(certificate)?;
        let found = Issuer::ALL.into_iter().find(|known| self.authority(*known).name == issuer);
        found.context("the certificate is none of this world")
    }

    fn issue(&self, order: &Order) -> Result<Identity> {
        let identity = self.authority(order.issuer).issue(order, &self.setting())?;
        let certificate = identity.certificate_der();
        let serial = authority::serial_of(&certificate)?;
        lock(&self.register).issued(order.issuer, serial.clone(), order.partition);
        lock(&self.certificates).insert((order.issuer, serial), certificate);
        Ok(identity)
    }

    fn unit(&self, unit: Unit, hash: Hash) -> Result<Arc<tsa::Unit>> {
        let mut units = lock(&self.units);
        if let Some(known) = units.get(&(unit, hash)) {
            return Ok(Arc::clone(known));
        }
        let other = units.iter().find(|((of, _), _)| *of == unit).map(|(_, made)| Arc::clone(&made.identity));
        let identity = match other {
            Some(identity) => identity,
            None => Arc::new(self.new_unit(unit)?),
        };
        let made = Arc::new(tsa::Unit::new(identity, hash)?);
        units.insert((unit, hash), Arc::clone(&made));
        Ok(made)
    }

    fn new_unit(&self, unit: Unit) -> Result<Identity> {
        let order = |name: &str| Order::new(Purpose::TimeStamping, KeyKind::P256, name);
        match unit {
            Unit::Good => self.issue(&order("Zeitstempeldienst 11")),
            Unit::Rsa => self.issue(&Order { kind: KeyKind::Rsa3072, ..order("Zeitstempeldienst 12") }),
            Unit::Expired => self.issue(&order("Zeitstempeldienst 3").valid(Validity::Expired)),
            Unit::WrongEku => self.issue(&Order { purpose: Purpose::NotTimeStamping, ..order("Zeitstempeldienst 8") }),
            Unit::Stranger => self.stranger()?.issue(&order("Zeitstempeldienst 11"), &self.setting()),
            Unit::Revoked => {
                let identity = self.issue(&order("Zeitstempeldienst 7"))?;
                let serial = authority::serial_of(&identity.certificate_der())?;
                let state = State::Revoked { at: self.began - 3600, reason: 1 };
                lock(&self.register).set(Issuer::Stamps, serial, state);
                Ok(identity)
            }
        }
    }

    fn stamp(&self, unit: Unit, request: &tsa::Request, at: (i64, u16), fault: Option<Fault>) -> Result<Vec<u8>> {
        let settings = self.settings().stamps;
        let unit = match fault {
            Some(Fault::ExpiredCertificate) => Unit::Expired,
            Some(Fault::RevokedCertificate) => Unit::Revoked,
            Some(Fault::WrongEku) => Unit::WrongEku,
            Some(Fault::Stranger) => Unit::Stranger,
            _ => unit,
        };
        tsa::token(&*self.unit(unit, settings.hash)?, &settings, request, at, fault)
    }

    fn answer_stamp_request(&self, unit: Unit, request: &[u8], fault: Option<Fault>) -> Result<Vec<u8>> {
        match fault {
            Some(Fault::Rejection) => return Ok(tsa::refusal(2, tsa::Refusal::SystemFailure)),
            Some(Fault::Waiting) => return Ok(tsa::refusal(3, tsa::Refusal::SystemFailure)),
            _ => {}
        }
        match tsa::Request::read(request) {
            Ok(request) => Ok(tsa::granted(&self.stamp(unit, &request, self.now(), fault)?)),
            Err(refusal) => Ok(tsa::refusal(2, refusal)),
        }
    }

    fn answer_ocsp_request(&self, request: &[u8], fault: Option<Fault>) -> Result<Vec<u8>> {
        match ocsp::read(request) {
            Ok((questions, nonce)) => self.answer_ocsp(&questions, nonce, fault),
            Err(_) => Ok(ocsp::failure(1)),
        }
    }

    fn answer_ocsp(&self, questions: &[ocsp::Question], nonce: Option<&[u8]>, fault: Option<Fault>) -> Result<Vec<u8>> {
        if let Some(status) = fault.and_then(ocsp::failing) {
            return Ok(ocsp::failure(status));
        }
        let authorities = Issuer::ALL.map(|issuer| (issuer, self.authority(issuer)));
        let Some(first) = questions.first().and_then(|question| ocsp::issuer_of(question, &authorities)) else {
            return Ok(ocsp::failure(6)); // not one of ours
        };
        let kind = match fault {
            Some(Fault::WrongEku) => ResponderKind::WrongEku,
            Some(Fault::Stranger) => ResponderKind::Stranger,
            _ => self.responder_kind(),
        };
        let responder = self.responder(first, kind)?;
        let certificates: Vec<Option<Vec<u8>>> = questions
            .iter()
            .map(|question| lock(&self.certificates).get(&(first, question.serial.to_vec())).cloned())
            .collect();
        let register = lock(&self.register);
        let answers = questions.iter().zip(&certificates).map(|(question, certificate)| {
            let known = ocsp::issuer_of(question, &authorities) == Some(first);
            let state = if known { register.state(first, question.serial) } else { State::Unknown };
            ocsp::Answer { id: question.id, state, certificate: certificate.as_deref() }
        });
        let answers: Vec<_> = answers.collect();
        ocsp::response(&responder, &self.settings().ocsp, &answers, nonce, self.now().0, fault)
    }

    fn responder_kind(&self) -> ResponderKind {
        match lock(&self.settings).ocsp.signer {
            OcspSigner::Authority => ResponderKind::Authority,
            OcspSigner::Delegate => ResponderKind::Delegate { nocheck: true },
            OcspSigner::CheckedDelegate => ResponderKind::Delegate { nocheck: false },
        }
    }

    fn responder(&self, issuer: Issuer, kind: ResponderKind) -> Result<Arc<ocsp::Responder>> {
        if let Some(known) = lock(&self.responders).get(&(issuer, kind)) {
            return Ok(Arc::clone(known));
        }
        let authority = self.authority(issuer);
        let name = format!("OCSP {}", issuer.label());
        let order = |purpose| Order { issuer, ocsp: false, ..Order::new(purpose, KeyKind::P256, &name) };
        let delegate = |identity: Identity| -> Result<ocsp::Responder> {
            let certificate = identity.certificate_der();
            let key = names::SigningKey::new(identity.key().clone(), Hash::Sha256)?;
            let key_hash = authority::subject_key_identifier(&identity.public_key_der()?)?;
            Ok(ocsp::Responder { key, certificate, key_hash, is_authority: false })
        };
        let made = match kind {
            ResponderKind::Authority => ocsp::Responder {
                key: authority.key.clone(),
                certificate: authority.certificate.clone(),
                key_hash: Hash::Sha1.of(&authority.public_bits),
                is_authority: true,
            },
            ResponderKind::Delegate { nocheck } => delegate(self.issue(&order(Purpose::Responder { nocheck }))?)?,
            ResponderKind::WrongEku => delegate(self.issue(&order(Purpose::TlsServer))?)?,
            ResponderKind::Stranger => {
                let order = order(Purpose::Responder { nocheck: true });
                delegate(self.stranger()?.issue(&order, &self.setting())?)?
            }
        };
        let made = Arc::new(made);
        lock(&self.responders).insert((issuer, kind), Arc::clone(&made));
        Ok(made)
    }

    fn list(&self, issuer: Issuer, part: CrlPart) -> Result<Arc<List>> {
        let settings = self.settings().crl;
        let now = self.now().0;
        let register = lock(&self.register);
        let version = register.version();
        if let Some(known) = lock(&self.lists).get(&(issuer, part))
            && known.version == version
            && (known.made..known.fresh_until).contains(&now)
        {
            return Ok(Arc::clone(known));
        }
        let entries = match part {
            CrlPart::Whole => register.whole(issuer, None),
            CrlPart::Partition(number) => register.whole(issuer, Some(number)),
            CrlPart::Delta => register.delta(issuer),
        };
        let base = register.base_number();
        drop(register);
        let heading = crl::Heading { issuer, part, base_url: &self.base_url, now, number: version, base };
        let bytes = crl::list(self.authority(issuer), &settings, &heading, &entries)?.into();
        let made = Arc::new(List { version, made: now, fresh_until: now + settings.next_update, bytes });
        lock(&self.lists).insert((issuer, part), Arc::clone(&made));
        Ok(made)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds since 1970 and milliseconds.
#[allow(clippy::disallowed_methods)] // this world is the outside; nothing of ours reads its clock
fn machine_clock() -> (i64, u16) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs() as i64, since.subsec_millis() as u16)
}
