//! The path rows of openssl's own tests. Rows that are about what we do not judge here are counted and named; where we
//! differ on purpose stands in a table.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use model::Time;
use std::collections::BTreeMap;
use std::path::Path;
use testkit::corpora::{corpora, unarmoured};
use trust::path::{Anchors, Chain, Dates, EdgeCache, PathInputs, Pool, check, prospective};
use trust::{Anchor, Cert, Model, Uses};

/// 2023-06-01
const TIME: i64 = 1_685_577_600;

/// Rows where we differ on purpose: title, trusted, and why.
const DIFFERENT: &[(&str, &str, &str)] = &[
    ("fail non-CA trust-store intermediate", "root-cert;ca-nonbc", NO_WORD),
    ("reject expired trusted partial chain", "ca-expired", ANCHOR_DATES),
    ("reject expired trusted root", "root-expired", ANCHOR_DATES),
    (
        "fail last-resort direct leaf non-match",
        "ee-client",
        "another certificate of the anchor's name and key is it too",
    ),
    ("accept md5 intermediate at auth level 0", "root-cert", MD5),
    ("accept md5 leaf at auth level 0", "root-cert", MD5),
    ("reject explicit curve leaf with named curve intermediate", "root-cert", CURVE),
    ("reject explicit curve leaf with named curve intermediate w/fips", "root-cert", CURVE),
    ("Name Constraints CNs not permitted", "root-cert", COMMON_NAME),
    ("Name Constraints CN hostname not permitted", "root-cert", COMMON_NAME),
    ("Name Constraints CN BMPSTRING hostname not permitted", "root-cert", COMMON_NAME),
    (
        "Name constraints bad othername name constraint",
        "bad-othername-namec-inter",
        "a mailbox that cannot be read is refused where an authority limits mail addresses",
    ),
    ("Too many names and constraints to check (1)", "many-constraints", BOUND),
    ("Too many names and constraints to check (3)", "many-constraints", BOUND),
    ("fail trusted Ed25519-signed self-issued X25519 cert", "ee-ed25519", "any certificate may be an anchor"),
    ("Bad certificate policy", "root-cert", "the same policy twice means the same as once"),
];
const BOUND: &str = "our bound counts comparisons of names with limits of their own kind";
const NO_WORD: &str = "an anchor that does not say whether it is an authority is taken at the operator's word";
const ANCHOR_DATES: &str = "the dates of an anchor are not looked at (RFC 5280 section 6.1)";
const MD5: &str = "signatures with MD5 are not checked at all";
const CURVE: &str = "the signer's own key is judged by the algorithm catalogue";
const COMMON_NAME: &str = "a common name is no host name for signatures on documents (RFC 5280 section 4.2.1.10)";

fn read(folder: &Path, name: &str) -> Cert {
    Cert::read(&unarmoured(&std::fs::read_to_string(folder.join(name)).unwrap()).into()).unwrap()
}

/// Why a row is not judged. `None`: it is.
fn skipped(columns: &[&str]) -> Option<&'static str> {
    let (expected, trusted, untrusted, opts, title) = (columns[1], columns[4], columns[5], columns[6], columns[7]);
    let settings = |names: &str| {
        let ends = ["serverAuth", "clientAuth", "anyEKU", "cert-md5-any"];
        names.split(';').any(|name| ends.iter().any(|end| name.ends_with(end)))
    };
    match () {
        () if settings(trusted) || settings(untrusted) => Some("trust settings of openssl's own file format"),
        () if opts.contains("-allow_proxy_certs") => Some("proxy certificates (RFC 3820)"),
        () if opts.contains("-x509_strict") => Some("strict mode of openssl"),
        () if opts.contains("-verify_depth 0") && expected == "invalid" => Some("length of paths, by option"),
        () if expected == "invalid"
            && (title.contains("auth level") || title.contains("Reject PSS signature using SHA1")) =>
        {
            Some("strength of algorithms, which the catalogue judges")
        }
        () => None,
    }
}

fn names(list: &str) -> Vec<String> {
    list.split(';').filter(|name| !name.is_empty()).map(|name| format!("certs/{name}.pem")).collect()
}

/// Our verdict on a row.
fn judge(folder: &Path, columns: &[&str]) -> Result<(), String> {
    let (subject, purpose, trusted, untrusted, opts) = (columns[0], columns[3], columns[4], columns[5], columns[6]);
    let anchors = names(trusted).iter().map(|name| Anchor::plain(read(folder, name), name)).collect();
    let mut pool = Pool::new();
    assert!(names(untrusted).iter().all(|name| pool.add(&read(folder, name))));
    let mut inputs = PathInputs::new(Model::Shell, Dates::All);
    if let Some((_, policy)) = opts.split_once("-policy ") {
        inputs.policies.push(oid(policy.split(' ').next().unwrap()));
    }
    inputs.explicit_policy = opts.contains("-explicit_policy");
    let at = opts.split_once("-attime ").map_or(TIME, |(_, at)| at.parse().unwrap());
    let subject = read(folder, subject);
    let found = prospective(&subject, &pool, &Anchors::new(anchors), Uses::ALL, &EdgeCache::new());
    let mut why = found.dead_end.map_or_else(String::new, |end| end.obstacle.to_string());
    for chain in &found.chains {
        match check(chain, Time::from_seconds(at), &inputs) {
            Ok(_) if !allows(chain, purpose) => why = "not for this purpose".into(),
            Ok(_) => return Ok(()),
            Err(fault) => why = fault.to_string(),
        }
    }
    Err(why)
}

/// Purposes of TLS, as far as extendedKeyUsage goes: each certificate of a path lists the purpose or has no list.
fn allows(chain: &Chain, purpose: &str) -> bool {
    let wanted: &[u8] = match purpose {
        "sslserver" => b"\x2b\x06\x01\x05\x05\x07\x03\x01",
        "sslclient" => b"\x2b\x06\x01\x05\x05\x07\x03\x02",
        other => return other.is_empty(),
    };
    let listed =
        |certificate: &Cert| certificate.fields().unwrap().purposes().unwrap().is_none_or(|all| all.contains(&wanted));
    chain.certificates().iter().all(listed)
}

fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u32> = dotted.split('.').map(|arc| arc.parse().unwrap()).collect();
    let mut octets = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for arc in &arcs[2..] {
        let groups = (1..5).take_while(|group| arc >> (7 * group) > 0).count();
        octets.extend((0..=groups).rev().map(|group| (arc >> (7 * group) & 0x7f) as u8 | u8::from(group > 0) << 7));
    }
    octets
}

#[test]
fn openssl_agrees_about_paths() {
    let Some(folder) = corpora("openssl-x509-ocsp") else { return };
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut judged, mut wrong, mut different) = (0, Vec::new(), 0);
    let mut not_judged: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for columns in table.lines().map(|row| row.split('\t').collect::<Vec<_>>()) {
        if columns[2] != "path" {
            continue;
        }
        let title = columns[7];
        if let Some(reason) = skipped(&columns) {
            not_judged.entry(reason).or_default().push(title.to_owned());
            continue;
        }
        judged += 1;
        let verdict = judge(&folder, &columns);
        let known = DIFFERENT.iter().find(|(known, trusted, _)| (*known, *trusted) == (title, columns[4]));
        if let Some((_, _, why)) = known {
            println!("DIFFERENT, expected {}: {title}: {why}", columns[1]);
            different += 1;
        }
        if (verdict.is_ok() != (columns[1] == "valid")) != known.is_some() {
            wrong.push(format!("{title} [{}]: {} {verdict:?}", columns[0], columns[1]));
        }
    }
    for (reason, titles) in &not_judged {
        println!("NOT JUDGED, {reason}: {} rows: {}", titles.len(), titles.join("; "));
    }
    assert!(wrong.is_empty(), "{} of {judged}:\n{}", wrong.len(), wrong.join("\n"));
    let skipped: usize = not_judged.values().map(Vec::len).sum();
    println!("{judged} judged, of which {different} differ on purpose; {skipped} not judged");
    assert_eq!((judged, different, skipped), (89, DIFFERENT.len(), 72));
}
