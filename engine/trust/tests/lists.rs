//! Trusted lists as they are published: made here, signed by our own XAdES signer, judged by xmlsec1, and refused for
//! every way of tampering.
#![allow(clippy::unwrap_used)]

mod signing_support;

use model::Time;
use model::profile::{Format, XmlShape};
use signing_support::{cert, now, signed, somebody};
use std::sync::LazyLock;
use testkit::judge_xml;
use testkit::pki::{Identity, Pki};
use trust::list::{ListKind, Refused, Seen, TrustedList};
use trust::{Cert, Uses};

static LOTL: LazyLock<Identity> = LazyLock::new(|| somebody("List of lists"));
static NEXT: LazyLock<Identity> = LazyLock::new(|| somebody("List of lists, next"));
static GERMANY: LazyLock<Identity> = LazyLock::new(|| somebody("Bundesnetzagentur"));
static AUSTRIA: LazyLock<Identity> = LazyLock::new(|| somebody("RTR"));

const JOURNAL: &str = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=uriserv:OJ.C_.2019.276.01.0001.01.ENG";

fn base64(der: &[u8]) -> String {
    trust::report::word::base64(der)
}

fn identities(signers: &[&Identity]) -> String {
    let one = |signer: &&Identity| {
        format!(
            "<ServiceDigitalIdentity><DigitalId><X509Certificate>{}</X509Certificate></DigitalId><DigitalId><X509SubjectName>CN={}</X509SubjectName></DigitalId></ServiceDigitalIdentity>",
            base64(&signer.certificate_der()),
            signer.common_name()
        )
    };
    signers.iter().map(one).collect()
}

fn pointer(location: &str, territory: &str, kind: &str, signers: &[&Identity]) -> String {
    format!(
        "<OtherTSLPointer><ServiceDigitalIdentities>{}</ServiceDigitalIdentities><TSLLocation>{location}</TSLLocation><AdditionalInformation><OtherInformation><TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/{kind}</TSLType></OtherInformation><OtherInformation><SchemeTerritory>{territory}</SchemeTerritory></OtherInformation><OtherInformation><a:MimeType xmlns:a=\"http://uri.etsi.org/02231/v2/additionaltypes#\">application/vnd.etsi.tsl+xml</a:MimeType></OtherInformation></AdditionalInformation></OtherTSLPointer>",
        identities(signers)
    )
}

/// A list without its signature.
struct Draft {
    version: u8,
    sequence: u64,
    issued: &'static str,
    next: &'static str,
    territory: &'static str,
    kind: &'static str,
    information: Vec<String>,
    pointers: String,
    providers: String,
}

impl Draft {
    fn of_lists(sequence: u64, signers: &[&Identity]) -> Self {
        let pointers = [
            pointer("https://lists.example/eu-lotl.xml", "EU", "EUlistofthelists", signers),
            pointer("https://lists.example/de.xml", "DE", "EUgeneric", &[&GERMANY]),
            pointer("https://lists.example/at.xml", "AT", "EUgeneric", &[&AUSTRIA]),
        ];
        let pivot = |number: u32| format!("https://lists.example/eu-lotl-pivot-{number}.xml");
        Self {
            version: 5,
            sequence,
            issued: "2026-01-10T10:00:00Z",
            next: "2026-07-10T10:00:00Z",
            territory: "EU",
            kind: "EUlistofthelists",
            information: vec![pivot(341), pivot(300), JOURNAL.into()],
            pointers: pointers.concat(),
            providers: String::new(),
        }
    }

    fn national(version: u8, territory: &'static str, providers: String) -> Self {
        Self {
            version,
            sequence: 77,
            issued: "2026-02-01T12:00:00+01:00",
            next: "2026-08-01T00:00:00Z",
            territory,
            kind: "EUgeneric",
            information: vec!["https://example.net/".into()],
            pointers: pointer("https://lists.example/eu-lotl.xml", "EU", "EUlistofthelists", &[&LOTL]),
            providers,
        }
    }

    fn xml(&self) -> String {
        let information: String =
            self.information.iter().map(|uri| format!("<URI xml:lang=\"en\">{uri}</URI>")).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<TrustServiceStatusList xmlns=\"http://uri.etsi.org/02231/v2#\" TSLTag=\"http://uri.etsi.org/19612/TSLTag\"><SchemeInformation><TSLVersionIdentifier>{}</TSLVersionIdentifier><TSLSequenceNumber>{}</TSLSequenceNumber><TSLType>http://uri.etsi.org/TrstSvc/TrustedList/TSLType/{}</TSLType><SchemeOperatorName><Name xml:lang=\"de\">Aufsicht</Name><Name xml:lang=\"en\">Supervision {}</Name></SchemeOperatorName><SchemeInformationURI>{information}</SchemeInformationURI><SchemeTerritory>{}</SchemeTerritory><PointersToOtherTSL>{}</PointersToOtherTSL><ListIssueDateTime>{}</ListIssueDateTime><NextUpdate>{}</NextUpdate></SchemeInformation>{}</TrustServiceStatusList>\n",
            self.version,
            self.sequence,
            self.kind,
            self.territory,
            self.territory,
            self.pointers,
            self.issued,
            if self.next.is_empty() { String::new() } else { format!("<dateTime>{}</dateTime>", self.next) },
            if self.providers.is_empty() {
                String::new()
            } else {
                format!("<TrustServiceProviderList>{}</TrustServiceProviderList>", self.providers)
            },
        )
    }

    fn signed(&self, by: &Identity) -> Vec<u8> {
        signed(by, Format::Xades(XmlShape::Enveloped), self.xml().as_bytes())
    }
}

fn status(kind: &str, status: &str, from: &str, identity: &str, extensions: &str) -> String {
    format!(
        "<ServiceTypeIdentifier>http://uri.etsi.org/TrstSvc/Svctype/{kind}</ServiceTypeIdentifier><ServiceName><Name xml:lang=\"en\">Service {kind}</Name></ServiceName>{identity}<ServiceStatus>http://uri.etsi.org/TrstSvc/TrustedList/Svcstatus/{status}</ServiceStatus><StatusStartingTime>{from}</StatusStartingTime>{extensions}"
    )
}

fn service(now: &str, history: &[String]) -> String {
    let older: String =
        history.iter().map(|state| format!("<ServiceHistoryInstance>{state}</ServiceHistoryInstance>")).collect();
    format!(
        "<TSPService><ServiceInformation>{now}</ServiceInformation><ServiceHistory>{older}</ServiceHistory></TSPService>"
    )
}

fn provider(services: &[String]) -> String {
    format!(
        "<TrustServiceProvider><TSPInformation><TSPName><Name xml:lang=\"en\">Muster Trust</Name></TSPName></TSPInformation><TSPServices>{}</TSPServices></TrustServiceProvider>",
        services.concat()
    )
}

/// A CA with a past, a time-stamp unit, a responder, and a CA for web sites.
fn german() -> Draft {
    let identity = identities(&[&LOTL]);
    let authority = service(
        &status("CA/QC", "withdrawn", "2020-01-01T00:00:00Z", &identity, ""),
        &[
            status("CA/QC", "granted", "2016-07-01T00:00:00Z", "", ""),
            status("CA/QC", "undersupervision", "2010-01-01T00:00:00Z", "", ""),
            status("CA/QC", "supervisionceased", "2008-01-01T00:00:00Z", "", ""),
            status("CA/QC", "accredited", "2005-01-01T00:00:00Z", "", ""),
        ],
    );
    let unit = service(&status("TSA/QTST", "granted", "2018-01-01T00:00:00Z", &identities(&[&NEXT]), ""), &[]);
    let responder =
        service(&status("Certstatus/OCSP/QC", "granted", "2018-01-01T00:00:00Z", &identities(&[&AUSTRIA]), ""), &[]);
    let sites = "<ServiceInformationExtensions><Extension Critical=\"true\"><AdditionalServiceInformation><URI xml:lang=\"en\">http://uri.etsi.org/TrstSvc/TrustedList/SvcInfoExt/ForWebSiteAuthentication</URI></AdditionalServiceInformation></Extension></ServiceInformationExtensions>";
    let sites = service(&status("CA/QC", "granted", "2018-01-01T00:00:00Z", &identities(&[&GERMANY]), sites), &[]);
    let other = service(&status("EDS/Q", "granted", "2018-01-01T00:00:00Z", &identities(&[&GERMANY]), ""), &[]);
    Draft::national(5, "DE", provider(&[authority, unit, responder, sites, other]))
}

fn day(year: i32, month: u8, day: u8) -> Time {
    Time::from_civil(year, month, day, 0, 0, 0).unwrap()
}

fn code(result: Result<TrustedList, Refused>) -> &'static str {
    result.err().map_or("taken", |refused| refused.0.code)
}

#[test]
fn the_list_of_lists_leads_to_national_lists_and_these_to_anchors() {
    let folder = tempfile::tempdir().unwrap();
    let lotl = Draft::of_lists(300, &[&LOTL]).signed(&LOTL);
    let lotl_read = TrustedList::read(&lotl, &[cert(&LOTL)], None).unwrap();
    assert_eq!((lotl_read.kind, lotl_read.version, lotl_read.sequence), (ListKind::ListOfLists, 5, 300));
    assert_eq!(lotl_read.operator, "Supervision EU");
    assert!(lotl_read.names_journal(JOURNAL) && !lotl_read.names_journal("https://elsewhere.example/"));
    assert_eq!(lotl_read.pivots().count(), 2);
    assert!(lotl_read.is_stale(day(2027, 1, 1)) && !lotl_read.is_stale(day(2026, 2, 1)));
    let german = german().signed(&GERMANY);
    let austrian = Draft::national(6, "AT", String::new()).signed(&AUSTRIA);
    for (territory, bytes, version) in [("DE", &german, 5), ("AT", &austrian, 6)] {
        let pointer = lotl_read.pointers.iter().find(|pointer| pointer.territory == territory).unwrap();
        assert!(pointer.xml && !pointer.of_lists && pointer.location.starts_with("https://"));
        let list = TrustedList::read(bytes, &pointer.signers, None).unwrap();
        assert_eq!((list.kind, list.version, list.territory.as_str()), (ListKind::Services, version, territory));
        assert_eq!(list.issued, Time::from_civil(2026, 2, 1, 11, 0, 0).unwrap());
        assert!(list.notes.is_empty(), "{:?}", list.notes);
        assert_eq!(trust::list::check_form(bytes), Ok((list.services.len(), 1)));
    }
    for (name, bytes) in [("lotl.xml", &lotl), ("de.xml", &german), ("at.xml", &austrian)] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let ids = ["http://uri.etsi.org/01903/v1.3.2#:SignedProperties"];
        assert_eq!(judge_xml::xmlsec1(&file, &Pki::shared().root_pem(), &ids).unwrap(), Ok(()), "{name}");
        std::fs::write(&file, String::from_utf8_lossy(bytes).replace("example", "exempel")).unwrap();
        assert!(judge_xml::xmlsec1(&file, &Pki::shared().root_pem(), &ids).unwrap().is_err(), "{name}");
    }

    let anchors = TrustedList::read(&german, &[cert(&GERMANY)], None).unwrap().anchors();
    let of = |identity: &Identity, uses: Uses| {
        let fits = |anchor: &&trust::Anchor| anchor.certificate == cert(identity) && anchor.uses.has(uses);
        anchors.iter().find(fits)
    };
    assert_eq!(anchors.len(), 4);
    let authority = of(&LOTL, Uses::SIGN).unwrap();
    assert!(authority.qualified && authority.uses.has(Uses::REVOCATION) && !authority.uses.has(Uses::STAMP));
    let (granted, accredited) =
        ((Some(day(2010, 1, 1)), Some(day(2020, 1, 1))), (Some(day(2005, 1, 1)), Some(day(2008, 1, 1))));
    assert_eq!(authority.intervals, [accredited, granted]);
    assert!(authority.trusted_at(day(2015, 5, 5)) && !authority.trusted_at(day(2009, 1, 1)));
    assert_eq!(authority.sunset(day(2026, 1, 1)), Some(day(2020, 1, 1)));
    assert_eq!(&*authority.origin, "trusted list DE: Muster Trust, Service CA/QC");
    assert!(of(&NEXT, Uses::STAMP).is_some_and(|unit| !unit.uses.has(Uses::SIGN) && !unit.qualified));
    assert!(of(&AUSTRIA, Uses::REVOCATION).is_some_and(|responder| responder.uses == Uses::REVOCATION));
    assert!(of(&GERMANY, Uses::TLS).is_some_and(|sites| !sites.uses.has(Uses::SIGN)));
}

#[test]
fn pivots_hand_trust_on_from_signer_to_signer() {
    // 299 is signed by the old signer and names the new one as well; from then on the new one signs.
    let pivot = Draft::of_lists(299, &[&LOTL, &NEXT]).signed(&LOTL);
    let newer = Draft::of_lists(300, &[&NEXT]).signed(&NEXT);
    let lotl = Draft::of_lists(301, &[&NEXT]).signed(&NEXT);
    let initial = [cert(&LOTL)];
    let read = |pivots: &[&[u8]], lotl: &[u8]| TrustedList::read_through_pivots(lotl, pivots, &initial, None);
    assert_eq!(read(&[&pivot, &newer], &lotl).unwrap().sequence, 301);
    assert_eq!(code(read(&[], &lotl)), "list-signer");
    assert_eq!(code(read(&[&newer], &lotl)), "list-signer");
    assert_eq!(code(read(&[&newer, &pivot], &lotl)), "list-signer");
    // The old signer is over once a pivot leaves it out.
    let old = Draft::of_lists(302, &[&LOTL]).signed(&LOTL);
    assert_eq!(code(read(&[&pivot, &newer], &old)), "list-signer");
    let early = Draft::of_lists(298, &[&NEXT]).signed(&NEXT);
    assert_eq!(code(read(&[&pivot, &newer], &early)), "list-rollback");
    let nobody = Draft { pointers: String::new(), ..Draft::of_lists(300, &[]) }.signed(&LOTL);
    assert_eq!(code(read(&[&nobody], &lotl)), "list-pivot");
}

#[test]
fn old_lists_are_refused() {
    let list = Draft::of_lists(300, &[&LOTL]).signed(&LOTL);
    let issued = Time::from_civil(2026, 1, 10, 10, 0, 0).unwrap();
    let read = |sequence, issued| TrustedList::read(&list, &[cert(&LOTL)], Some(&Seen { sequence, issued }));
    assert_eq!(read(300, issued).unwrap().seen(), Seen { sequence: 300, issued });
    assert_eq!(code(read(299, issued)), "taken");
    assert_eq!(code(read(301, issued)), "list-rollback");
    assert_eq!(code(read(300, now().max(day(2026, 1, 11)))), "list-rollback");
}

#[test]
fn every_tampering_is_refused() {
    let good = String::from_utf8(german().signed(&GERMANY)).unwrap();
    let check = |what: &str, text: String, expected: &str| {
        assert_ne!(text, good, "{what}");
        assert_eq!(code(TrustedList::read(text.as_bytes(), &[cert(&GERMANY)], None)), expected, "{what}");
    };
    assert_eq!(code(TrustedList::read(good.as_bytes(), &[cert(&GERMANY)], None)), "taken");
    assert_eq!(code(TrustedList::read(good.as_bytes(), &[cert(&AUSTRIA)], None)), "list-signer");
    assert_eq!(code(TrustedList::read(good.as_bytes(), &[], None)), "list-signer");
    check("a status", good.replace("withdrawn", "granted"), "list-signature");
    check("a number", good.replace("<TSLSequenceNumber>77", "<TSLSequenceNumber>78"), "list-signature");
    check("a name", good.replace("Muster Trust", "Muster Trusts"), "list-signature");
    let from = good.find("<ds:Signature").unwrap();
    let to = good.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let signature = good[from..to].to_owned();
    check("no signature", good.replace(&signature, ""), "list-signature");
    check("two signatures", good.replace(&signature, &signature.repeat(2)), "list-signature");
    // Wrapping: the signed list inside of another one.
    let body = good.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap().trim();
    let outer = body.replace(&signature, "").replace("withdrawn", "granted");
    let wrapped = outer.replace("</TrustServiceStatusList>", &format!("{body}</TrustServiceStatusList>"));
    check("wrapped", wrapped, "list-signature");
    let (place, rest) = ("<SchemeInformation>", good.replace(&signature, ""));
    check("moved", rest.replacen(place, &format!("{place}{signature}"), 1), "list-signature");
    check("another root", good.replace("TrustServiceStatusList", "TrustServiceStatusLists"), "list-unreadable");
    check("another namespace", good.replace("02231/v2#", "02231/v3#"), "list-unreadable");
    check("cut", good[..good.len() / 2].to_owned(), "list-unreadable");
    check("a document type", good.replacen("?>\n", "?>\n<!DOCTYPE x [<!ENTITY a \"b\">]>\n", 1), "list-unreadable");
    let plain = String::from_utf8(signed(&GERMANY, Format::Xmldsig(XmlShape::Enveloped), german().xml().as_bytes()));
    check("no XAdES", plain.unwrap(), "list-signature");
}

#[test]
fn a_list_that_is_signed_may_still_be_no_good() {
    let check = |draft: &Draft, expected: &str| {
        let bytes = draft.signed(&GERMANY);
        assert_eq!(code(TrustedList::read(&bytes, &[cert(&GERMANY)], None)), expected);
    };
    check(&Draft { version: 4, ..german() }, "list-version");
    check(&Draft { issued: "yesterday", ..german() }, "list-unreadable");
    check(&Draft { next: "soon", ..german() }, "list-unreadable");
    let closed = Draft { next: "", ..german() }.signed(&GERMANY);
    let closed = TrustedList::read(&closed, &[cert(&GERMANY)], None).unwrap();
    assert!(closed.next_update.is_none() && !closed.is_stale(day(2100, 1, 1)));
    // A certificate that cannot be read is left out and named; the others stay.
    let damaged = german().providers.replacen("<X509Certificate>MII", "<X509Certificate>AAII", 1);
    let list = Draft { providers: damaged, ..german() }.signed(&GERMANY);
    let list = TrustedList::read(&list, &[cert(&GERMANY)], None).unwrap();
    assert_eq!(list.notes.iter().map(|note| note.code).collect::<Vec<_>>(), ["list-certificate"]);
    assert_eq!(list.anchors().len(), 3);
}

#[test]
fn spoiled_lists_end_in_a_reason() {
    let samples = [german().signed(&GERMANY), Draft::of_lists(300, &[&LOTL]).signed(&LOTL)];
    let signers: Vec<Cert> = vec![cert(&GERMANY), cert(&LOTL)];
    let mut taken = 0;
    for input in testkit::mutate::mutations(&samples, 612).take(300) {
        match TrustedList::read(&input, &signers, None) {
            // White space around the root or inside of tags is not signed.
            Ok(list) => taken += usize::from(list.sequence == 77 || list.sequence == 300),
            Err(refused) => assert!(!refused.0.sentence.is_empty() && refused.0.code.starts_with("list-")),
        }
    }
    assert!(taken < 30, "{taken}");
    // Behind the signature, too.
    for input in testkit::mutate::mutations(&samples, 613).take(2_000) {
        match trust::list::check_form(&input) {
            Ok((services, pointers)) => assert!(services + pointers <= input.len()),
            Err(refused) => assert!(refused.0.code.starts_with("list-")),
        }
    }
}
