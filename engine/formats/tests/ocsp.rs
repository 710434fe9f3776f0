//! OCSP: requests that openssl understands, answers of openssl and of the test kit's world, and the answers that openssl
//! tests itself with.
#![allow(clippy::unwrap_used)]

use formats::cms::certificate::Certificate;
use formats::der::{Reader, TAG_CONTEXT_0, TAG_OCTET_STRING, TAG_SEQUENCE, tlv};
use formats::ocsp::{Answer, Question, Request, Rules, Status, Unusable, judge};
use model::Time;
use std::path::Path;
use std::time::Duration;
use testkit::corpora::{corpora, files_below};
use testkit::pki::KeyKind;
use testkit::tools::run_ok;
use testkit::world::{Fault, Issuer, OcspSigner, Order, State, World};

fn ask(world: &World, certificate: &[u8], response: &[u8], rules: &Rules) -> Result<Answer, Unusable> {
    let issuer = world.authority_der(Issuer::Seals);
    let now = Time::from_seconds(world.now());
    judge(response, &Question { certificate, issuer: &issuer, nonce: None, now }, rules)
}

fn signer(world: &World) -> Vec<u8> {
    world.issue(&Order::signer(KeyKind::P256, "Siegel")).unwrap().certificate_der()
}

#[test]
fn good_revoked_and_unknown_are_told_apart() {
    let world = World::offline().unwrap();
    let certificate = signer(&world);
    let status = || ask(&world, &certificate, &world.ocsp_response(&certificate).unwrap(), &Rules::default());
    let good = status().unwrap();
    assert_eq!(good.status, Status::Good);
    assert!(good.next_update.is_some() && good.responder.is_some() && !good.certificate_hash);
    world.set_state(&certificate, State::Unknown).unwrap();
    assert_eq!(status().unwrap().status, Status::Unknown);
    let at = world.now() - 1_000;
    world.set_state(&certificate, State::Revoked { at, reason: 4 }).unwrap();
    let Status::Revoked(revoked) = status().unwrap().status else { panic!("not revoked") };
    assert_eq!((revoked.at, revoked.reason), (Time::from_seconds(at), Some(4)));
}

#[test]
fn every_kind_of_responder_is_recognised() {
    let world = World::offline().unwrap();
    let certificate = signer(&world);
    for who in [OcspSigner::Authority, OcspSigner::Delegate, OcspSigner::CheckedDelegate] {
        for by_key in [false, true] {
            world.set_ocsp(|ocsp| (ocsp.signer, ocsp.by_key) = (who, by_key));
            let answer = ask(&world, &certificate, &world.ocsp_response(&certificate).unwrap(), &Rules::default());
            assert_eq!(answer.unwrap().responder.is_some(), who != OcspSigner::Authority, "{who:?}");
        }
    }
    // A delegate whose certificate does not come along is known only if an operator names it.
    world.set_ocsp(|ocsp| (ocsp.signer, ocsp.certificates) = (OcspSigner::Delegate, true));
    let known = ask(&world, &certificate, &world.ocsp_response(&certificate).unwrap(), &Rules::default()).unwrap();
    world.set_ocsp(|ocsp| ocsp.certificates = false);
    let bare = world.ocsp_response(&certificate).unwrap();
    assert!(matches!(ask(&world, &certificate, &bare, &Rules::default()), Err(Unusable::Responder(_))));
    let rules = Rules { responders: vec![known.responder.unwrap().into()], ..Rules::default() };
    ask(&world, &certificate, &bare, &rules).unwrap();
}

#[test]
fn faults_of_responders_are_found() {
    let world = World::offline().unwrap();
    let certificate = signer(&world);
    let refused = |fault| {
        let response = world.ocsp_response_with(&certificate, Some(fault)).unwrap();
        ask(&world, &certificate, &response, &Rules::default()).expect_err("a fault went unnoticed")
    };
    assert!(matches!(refused(Fault::BadSignature), Unusable::Signature(_)));
    assert!(matches!(refused(Fault::OldTime), Unusable::Time(_)));
    assert!(matches!(refused(Fault::FutureTime), Unusable::Time(_)));
    assert!(matches!(refused(Fault::WrongEku), Unusable::Responder(_)));
    assert!(matches!(refused(Fault::Stranger), Unusable::Responder(_)));
    assert_eq!(refused(Fault::WrongImprint), Unusable::NotAboutThis);
    assert_eq!(refused(Fault::Rejection), Unusable::Error(3));
    assert_eq!(refused(Fault::Waiting), Unusable::Error(2));
    assert_eq!(refused(Fault::Unauthorized), Unusable::Error(6));
}

#[test]
fn nonces_hashes_and_ages() {
    let world = World::offline().unwrap();
    let certificate = signer(&world);
    let issuer = world.authority_der(Issuer::Seals);
    let (parsed, authority) = (Certificate::parse(&certificate).unwrap(), Certificate::parse(&issuer).unwrap());
    let nonce = [7; 32];
    let now = Time::from_seconds(world.now());
    let judged = |fault, rules: &Rules, nonce: &[u8; 32]| {
        let request = Request::new(&parsed, &authority, false, Some(nonce)).unwrap();
        let response = world.answer_ocsp_request(request.der(), fault).unwrap();
        judge(&response, &Question { certificate: &certificate, issuer: &issuer, nonce: Some(nonce), now }, rules)
    };
    let strict = Rules { nonce_required: true, ..Rules::default() };
    judged(None, &strict, &nonce).unwrap();
    assert_eq!(judged(Some(Fault::WrongNonce), &Rules::default(), &nonce), Err(Unusable::Nonce));
    assert_eq!(judged(Some(Fault::NoNonce), &strict, &nonce), Err(Unusable::Nonce));
    judged(Some(Fault::NoNonce), &Rules::default(), &nonce).unwrap();

    let hash = Rules { certificate_hash_required: true, ..Rules::default() };
    let plain = world.ocsp_response(&certificate).unwrap();
    assert_eq!(ask(&world, &certificate, &plain, &hash), Err(Unusable::CertificateHash));
    world.set_ocsp(|ocsp| ocsp.certificate_hash = true);
    let positive = world.ocsp_response(&certificate).unwrap();
    assert!(ask(&world, &certificate, &positive, &hash).unwrap().certificate_hash);

    world.set_ocsp(|ocsp| (ocsp.next_update, ocsp.certificate_hash) = (None, false));
    let endless = world.ocsp_response(&certificate).unwrap();
    let later = |seconds| {
        let now = Time::from_seconds(world.now() + seconds);
        judge(&endless, &Question { certificate: &certificate, issuer: &issuer, nonce: None, now }, &Rules::default())
    };
    assert!(later(86_000).is_ok());
    assert!(matches!(later(86_500), Err(Unusable::Time(_))));
}

/// A certificate about which nothing is true but its serial number and its issuer's name.
fn made_up(serial: &[u8], issuer: &[u8]) -> Vec<u8> {
    let issuer = Certificate::parse(issuer).unwrap();
    let validity = tlv(TAG_SEQUENCE, &[b"\x17\x0d000101000000Z\x17\x0d491231235959Z"]);
    let body = [serial, &tlv(TAG_SEQUENCE, &[]), issuer.subject, &validity, issuer.subject, issuer.public_key.raw];
    tlv(TAG_SEQUENCE, &[&tlv(TAG_SEQUENCE, &body), &tlv(TAG_SEQUENCE, &[]), b"\x03\x01\x00"])
}

/// The serial number in the first CertID.
fn serial_of(response: &[u8]) -> Vec<u8> {
    let mut fields = Reader::new(response).enter(TAG_SEQUENCE).unwrap();
    fields.read().unwrap();
    let mut bytes = fields.enter(TAG_CONTEXT_0).unwrap().enter(TAG_SEQUENCE).unwrap();
    bytes.read().unwrap();
    let basic = bytes.expect(TAG_OCTET_STRING).unwrap().value;
    let mut body = Reader::new(basic).enter(TAG_SEQUENCE).unwrap().enter(TAG_SEQUENCE).unwrap();
    body.read().unwrap();
    body.read().unwrap();
    let mut id = body.enter(TAG_SEQUENCE).unwrap().enter(TAG_SEQUENCE).unwrap().enter(TAG_SEQUENCE).unwrap();
    for _ in 0..3 {
        id.read().unwrap();
    }
    id.read().unwrap().raw.to_vec()
}

/// Bare base64, or the first block of PEM.
fn base64(text: &str) -> Vec<u8> {
    let text = text.split("-----END").next().unwrap();
    let joined: String = text.lines().filter(|line| !line.starts_with("---")).collect();
    base64_simd::STANDARD.decode_to_vec(joined.trim()).unwrap()
}

#[test]
fn openssl_tests_itself_with_the_same_answers() {
    let Some(folder) = corpora("openssl-x509-ocsp") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let read = |name: &str| base64(&std::fs::read_to_string(folder.join(name)).unwrap());
    let (mut tests, mut wrong) = (0, Vec::new());
    for row in table.lines() {
        let columns: Vec<&str> = row.split('\t').collect();
        if columns[2] != "ocsp" {
            continue;
        }
        let issuer = if columns[5].is_empty() { columns[4] } else { columns[5] };
        let (response, issuer) = (read(columns[0]), read(issuer));
        let certificate = made_up(&serial_of(&response), &issuer);
        let now = Time::from_seconds(1_355_875_200);
        let question = Question { certificate: &certificate, issuer: &issuer, nonce: None, now };
        // The answers are of different days; openssl's test does not look at that.
        let rules = Rules { skew: Duration::from_secs(86_400 * 365), ..Rules::default() };
        let verdict = judge(&response, &question, &rules);
        tests += 1;
        if verdict.is_ok() != (columns[1] == "valid") {
            wrong.push(format!("{}: {} {verdict:?}", columns[7], columns[1]));
        }
    }
    assert!(wrong.is_empty(), "{} of {tests}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tests > 40, "{tests}");
}

/// A CA of openssl's own with one good and one revoked certificate, and its responder, all offline.
struct OpensslCa {
    folder: tempfile::TempDir,
}

impl OpensslCa {
    fn new() -> Self {
        let ca = Self { folder: tempfile::tempdir().unwrap() };
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let make = |name: &str, subject: &str, more: &[&str]| {
            let (key_file, file) = (ca.path(&format!("{name}.key")), ca.path(&format!("{name}.pem")));
            let mut arguments = vec!["req", "-x509", "-days", "30", "-subj", subject, "-keyout", &key_file];
            arguments.extend(["-out", &file]);
            arguments.extend(key);
            arguments.extend(more);
            run_ok("openssl", arguments).unwrap();
        };
        make("ca", "/CN=Pr\u{fc}f CA", &["-utf8"]);
        let (ca_pem, ca_key) = (ca.path("ca.pem"), ca.path("ca.key"));
        let issued = ["-CA", &ca_pem, "-CAkey", &ca_key];
        for (name, serial) in [("good", "0x1001"), ("revoked", "0x1002"), ("unlisted", "0x1003")] {
            make(name, &format!("/CN={name}"), &[&issued[..], &["-set_serial", serial]].concat());
        }
        let purpose = ["-addext", "extendedKeyUsage=OCSPSigning", "-set_serial", "0x2000"];
        make("responder", "/CN=responder", &[&issued[..], &purpose].concat());
        let index = "V\t491231235959Z\t\t1001\tunknown\t/CN=good\n\
                     R\t491231235959Z\t251101120000Z,keyCompromise\t1002\tunknown\t/CN=revoked\n";
        std::fs::write(ca.path("index.txt"), index).unwrap();
        ca
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn der(&self, name: &str) -> Vec<u8> {
        base64(&std::fs::read_to_string(self.path(&format!("{name}.pem"))).unwrap())
    }

    /// openssl's answer to our request.
    fn answer(&self, request: &Request, signer: &str, more: &[&str]) -> Vec<u8> {
        std::fs::write(self.path("request"), request.der()).unwrap();
        let paths = ["index.txt", "ca.pem", &format!("{signer}.pem"), &format!("{signer}.key"), "request", "response"]
            .map(|name| self.path(name));
        let mut arguments = vec!["ocsp", "-index", &paths[0], "-CA", &paths[1], "-rsigner", &paths[2], "-rkey"];
        arguments.extend([&*paths[3], "-reqin", &*paths[4], "-respout", &*paths[5]]);
        arguments.extend(more);
        run_ok("openssl", arguments).unwrap();
        std::fs::read(Path::new(&paths[5])).unwrap()
    }
}

#[test]
fn openssl_understands_our_requests_and_we_its_answers() {
    let ca = OpensslCa::new();
    let issuer = ca.der("ca");
    let authority = Certificate::parse(&issuer).unwrap();
    let now = Time::from_seconds(run_ok("date", ["+%s"]).unwrap().trim().parse().unwrap());
    let nonce = [0x5a; 32];
    for (name, revoked, unknown) in [("good", false, false), ("revoked", true, false), ("unlisted", false, true)] {
        let certificate = ca.der(name);
        let parsed = Certificate::parse(&certificate).unwrap();
        for (sha256, nonce) in [(false, None), (true, Some(&nonce)), (false, Some(&nonce))] {
            let request = Request::new(&parsed, &authority, sha256, nonce).unwrap();
            for (signer, more) in [
                ("ca", vec!["-nmin", "60"]),
                ("responder", vec!["-ndays", "1", "-resp_key_id"]),
                ("responder", vec!["-nmin", "5", "-rmd", "sha384"]),
            ] {
                let response = ca.answer(&request, signer, &more);
                let question = Question { certificate: &certificate, issuer: &issuer, nonce, now };
                let strict = Rules { nonce_required: nonce.is_some(), ..Rules::default() };
                let answer = judge(&response, &question, &strict).unwrap();
                match answer.status {
                    Status::Good => assert!(!revoked && !unknown),
                    Status::Unknown => assert!(unknown),
                    Status::Revoked(by) => {
                        assert!(revoked && by.at == Time::from_civil(2025, 11, 1, 12, 0, 0).unwrap());
                        assert_eq!(by.reason, Some(1));
                    }
                }
                assert_eq!(answer.responder.is_some(), signer == "responder");
                let late = Question { now: now.plus(Duration::from_secs(2 * 86_400)), ..question };
                assert!(matches!(judge(&response, &late, &strict), Err(Unusable::Time(_))));
                let other = [1; 32];
                let other = Question { nonce: Some(&other), ..question };
                assert_eq!(judge(&response, &other, &Rules::default()).is_err(), nonce.is_some());
            }
        }
    }
    let request = Request::new(&authority, &authority, false, None).unwrap();
    assert!(
        Request::new(&authority, &authority, true, Some(&nonce)).unwrap().get_address("http://o.example").is_none()
    );
    let address = request.get_address("http://o.example/x").unwrap();
    let encoded = address.strip_prefix("http://o.example/x/").unwrap();
    assert!(!encoded.contains(['+', '/', '=']) && encoded.len() < 255, "{encoded}");
}

#[test]
fn spoiled_answers_never_panic_and_never_become_good() {
    let world = World::offline().unwrap();
    let certificate = signer(&world);
    world.set_state(&certificate, State::Revoked { at: world.now() - 5, reason: 1 }).unwrap();
    let mut samples = vec![world.ocsp_response(&certificate).unwrap()];
    world.set_ocsp(|ocsp| (ocsp.signer, ocsp.by_key, ocsp.certificate_hash) = (OcspSigner::Authority, true, true));
    samples.push(world.ocsp_response(&certificate).unwrap());
    if let Some(folder) = corpora("openssl-x509-ocsp") {
        let files = files_below(&folder.join("ocsp"), "ors");
        samples.extend(files.iter().map(|file| base64(&std::fs::read_to_string(file).unwrap())));
    }
    for changed in testkit::mutate::mutations(&samples, 11).take(20_000) {
        if let Ok(answer) = ask(&world, &certificate, &changed, &Rules::default()) {
            assert_ne!(answer.status, Status::Good, "a revoked certificate became good");
        }
    }
    for changed in testkit::mutate::mutations(&[certificate], 12).take(5_000) {
        let Ok(parsed) = Certificate::parse(&changed) else { continue };
        let _ = (parsed.validity(), parsed.access(), parsed.crl_distribution_points(), parsed.freshest_crl());
        let _ = (parsed.key_usage(), parsed.basic_constraints(), parsed.subject_key_id(), parsed.authority_key_id());
        let _ = (parsed.has_purpose(&[1]), parsed.needs_no_revocation(), parsed.extensions().count());
    }
}
