//! `sealmill verify` and directories that judge, in the real program: what sealmill signs passes, what was changed fails,
//! the exit codes say so, reports are what they should be, and what a file lacks is fetched.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod support;

use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Home, SEALMILL, names, pause};
use testkit::pdf::{Shape, invoice};
use testkit::pki::KeyKind;
use testkit::tools::{self, Said};
use testkit::world::{Order, World};

struct Desk {
    world: World,
    home: Home,
}

impl Desk {
    fn new() -> Self {
        let world = World::start().unwrap();
        let mut home = Home::new();
        home.world(&world).sealer("seal", &world.signer(KeyKind::P256).unwrap()).authority(&world, "good", "/tsa", "");
        home.config();
        Self { world, home }
    }

    fn sealmill(&self, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
        self.home.run(arguments.iter().map(|argument| argument.as_ref().to_owned()).collect::<Vec<OsString>>())
    }

    /// Signs a document with the home's key; gives the one result.
    fn signed(&self, document: &Path, format: &str, level: &str, folder: &str) -> PathBuf {
        let output = self.home.path().join(folder);
        let config = self.home.path().join("sealmill.toml");
        let said = self.sealmill(&[
            &"sign",
            &"--config",
            &config,
            &"--format",
            &format,
            &"--level",
            &level,
            &document,
            &"-o",
            &output,
        ]);
        assert_eq!(said.code, 0, "{said:?}");
        let [name] = &names(&output)[..] else { panic!("{:?}", names(&output)) };
        output.join(name)
    }

    /// Verifies with the world's root and whatever it answers on loopback; exit code and one report for each file.
    fn verified(&self, arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> (i32, Vec<Value>) {
        let root = self.world.root_pem();
        let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> =
            vec![&"--json", &"verify", &"--trust", &root, &"--reach", &"127.0.0.1"];
        all.extend(arguments);
        let said = self.sealmill(&all);
        let lines = said.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said:?}")));
        (said.code, lines.collect())
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.home.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

fn pdf() -> Vec<u8> {
    invoice(9, &Shape::default())
}

/// What verifying one file may take at most, in bytes.
const PEAK_BYTES_MAX: u64 = 200 << 20;

const XML: &[u8] = b"<rechnung><betrag>17</betrag></rechnung>";

#[test]
fn what_is_signed_passes_and_what_was_changed_fails_with_the_promised_fields_and_exit_codes() {
    let desk = Desk::new();
    let documents = [("rechnung.pdf", pdf()), ("rechnung.xml", XML.to_vec()), ("beleg.bin", b"Beleg 17".to_vec())];
    for (name, content) in &documents {
        desk.file(name, content);
    }
    let cases = [
        ("rechnung.pdf", "pades", "pades"),
        ("rechnung.xml", "xades", "xades"),
        ("beleg.bin", "cades", "cades"),
        ("beleg.bin", "asic-e", "cades"),
    ];
    for (document, format, expected) in cases {
        for level in ["B-B", "B-LTA"] {
            let signed = desk.signed(&desk.home.path().join(document), format, level, &format!("{format}-{level}"));
            let (code, reports) = desk.verified(&[&signed]);
            let signature = &reports[0]["signatures"][0];
            assert_eq!(code, 0, "{format} {level}: {:#}", reports[0]);
            let expect = [
                ("format", Value::from(expected)),
                ("level", level.into()),
                ("intact", true.into()),
                ("valid", true.into()),
                ("indication", "TOTAL-PASSED".into()),
                ("sub_indication", Value::Null),
            ];
            for (field, value) in expect {
                assert_eq!(signature[field], value, "{format} {level}: {field}");
            }
            for field in ["coverage", "later_changes", "best_signature_time", "signer"] {
                assert!(signature.get(field).is_some(), "{format} {level}: no {field}");
            }
            assert_eq!(signature["signer"]["name"], desk.world.signer(KeyKind::P256).unwrap().common_name());

            let mut changed = std::fs::read(&signed).unwrap();
            let content: &[u8] = if document.ends_with(".pdf") { b"/Type /Page" } else { b"17" };
            let at = changed.windows(content.len()).position(|window| window == content).unwrap();
            changed[at + 1] ^= 1;
            let changed = desk.file("changed", &changed);
            let (code, _) = desk.verified(&[&changed]);
            assert_ne!(code, 0, "{format} {level} with a bit flipped in its content");
        }
    }
    let plain = desk.home.path().join("beleg.bin");
    assert_eq!(desk.verified(&[&plain]).0, 3, "no signature");
    assert_eq!(desk.verified(&[&desk.home.path().join("missing")]).0, 4, "unreadable");
    let (code, reports) = desk.verified(&[&plain, &desk.home.path().join("pades-B-B/rechnung-signed.pdf")]);
    assert_eq!((code, reports.len()), (3, 2), "the reports come in the order of the files");
}

#[test]
fn detached_signatures_take_a_document_or_its_hash() {
    let desk = Desk::new();
    let document = desk.file("beleg.bin", b"Beleg 17");
    let output = desk.home.path().join("out");
    let config = desk.home.path().join("sealmill.toml");
    let said = desk.sealmill(&[
        &"sign",
        &"--config",
        &config,
        &"--format",
        &"cades",
        &"--detached",
        &document,
        &"-o",
        &output,
    ]);
    assert_eq!(said.code, 0, "{said:?}");
    let signature = output.join(&names(&output)[0]);
    let digest = tools::ok("sha256sum", Command::new("sha256sum").arg(&document)).unwrap();
    let digest = digest.split_whitespace().next().unwrap();
    assert_eq!(desk.verified(&[&"--detached", &document, &signature]).0, 0);
    assert_eq!(desk.verified(&[&"--hash", &digest, &signature]).0, 0);
    let (code, reports) = desk.verified(&[&signature]);
    assert_eq!((code, &reports[0]["signatures"][0]["sub_indication"]), (2, &"SIGNED_DATA_NOT_FOUND".into()));
    let other = desk.file("other.bin", b"Beleg 18");
    let (code, reports) = desk.verified(&[&"--detached", &other, &signature]);
    assert_eq!((code, &reports[0]["signatures"][0]["sub_indication"]), (1, &"HASH_FAILURE".into()));
    assert_eq!(desk.verified(&[&"--hash", &"zz", &signature]).0, 4, "not hexadecimal");
}

#[test]
fn missing_evidence_is_fetched_unless_offline_and_a_revocation_is_found() {
    let desk = Desk::new();
    let signed = desk.signed(&desk.file("beleg.bin", b"Beleg 17"), "cades", "B-B", "out");
    let (code, reports) = desk.verified(&[&"--offline", &signed]);
    assert_eq!((code, &reports[0]["signatures"][0]["sub_indication"]), (2, &"TRY_LATER".into()));
    assert_eq!(desk.verified(&[&signed]).0, 0);
    let later = "2036-01-01T00:00:00Z";
    assert_ne!(desk.verified(&[&"--at", &later, &"--offline", &signed]).0, 0);
    desk.world.revoke(&desk.world.signer(KeyKind::P256).unwrap().certificate_der(), 1).unwrap();
    let (code, reports) = desk.verified(&[&signed]);
    assert_eq!((code, &reports[0]["signatures"][0]["sub_indication"]), (2, &"REVOKED_NO_POE".into()));
    // Nobody is trusted, so nobody is asked; the cryptography is judged all the same.
    let said = desk.sealmill(&[&"--json", &"verify", &signed]);
    let report: Value = serde_json::from_str(said.out.trim()).unwrap();
    let signature = &report["signatures"][0];
    assert_eq!((said.code, &signature["valid"], &signature["intact"]), (2, &true.into(), &true.into()));
    assert_eq!(signature["sub_indication"], "NO_CERTIFICATE_CHAIN_FOUND");
}

#[test]
fn reports_come_in_every_form_and_both_languages() {
    let desk = Desk::new();
    let signed = desk.signed(&desk.file("rechnung.pdf", &pdf()), "pades", "B-LTA", "out");
    let output = desk.home.path().join("reports");
    for (kind, language) in [("json", "en"), ("xml", "en"), ("html", "de"), ("pdf", "de"), ("html", "en")] {
        let root = desk.world.root_pem();
        let said = desk.sealmill(&[
            &"verify",
            &"--trust",
            &root,
            &"--reach",
            &"127.0.0.1",
            &"--report",
            &kind,
            &"--language",
            &language,
            &"-o",
            &output,
            &signed,
        ]);
        assert_eq!(said.code, 0, "{said:?}");
        let file = output.join(format!("rechnung-signed.pdf-verify-report.{kind}"));
        match kind {
            "json" => drop(serde_json::from_slice::<Value>(&std::fs::read(&file).unwrap()).unwrap()),
            "xml" => drop(tools::ok("xmllint", Command::new("xmllint").arg("--noout").arg(&file)).unwrap()),
            "pdf" => {
                let text = tools::ok("pdftotext", Command::new("pdftotext").arg(&file).arg("-")).unwrap();
                assert!(text.contains("TOTAL-PASSED") || text.contains("gültig"), "{text}");
            }
            _ => {
                let page = std::fs::read_to_string(&file).unwrap();
                let words = if language == "de" { "gültig" } else { "valid" };
                assert!(page.contains(words) && page.contains("TOTAL-PASSED"), "{page}");
            }
        }
    }
}

#[test]
fn a_directory_sorts_what_it_judges_and_writes_the_report_beside_it() {
    let mut desk = Desk::new();
    let good = std::fs::read(desk.signed(&desk.file("rechnung.pdf", &pdf()), "pades", "B-T", "out")).unwrap();
    let stranger = World::offline().unwrap();
    let strange = stranger.issue(&Order::signer(KeyKind::P256, "fremd")).unwrap();
    let mut other = Home::new();
    other.sealer("strange", &strange);
    other.config();
    let untrusted = other.path().join("untrusted");
    let document = desk.file("zwei.pdf", &pdf());
    let config = other.path().join("sealmill.toml");
    let said = other.run([
        OsString::from("sign"),
        "--config".into(),
        config.into(),
        "--format".into(),
        "pades".into(),
        document.into(),
        "-o".into(),
        untrusted.clone().into(),
    ]);
    assert_eq!(said.code, 0, "{said:?}");
    let untrusted = std::fs::read(untrusted.join("zwei-signed.pdf")).unwrap();
    let mut changed = good.clone();
    let at = changed.windows(5).position(|window| window == b"/Page").unwrap();
    changed[at + 1] = b'Q';

    let folder = desk.home.judging_directory("eingang", "report = \"json\"\n");
    for (name, content) in
        [("gut.pdf", &good), ("fremd.pdf", &untrusted), ("falsch.pdf", &changed), ("ohne.pdf", &pdf())]
    {
        folder.put(name, content);
    }
    let server = desk.home.start();
    folder.wait_empty(60);
    let within = |verdict: &str| {
        let mut found = names(&folder.output().join(verdict));
        found.sort();
        found
    };
    assert_eq!(within("valid"), ["gut.pdf", "gut.pdf-verify-report.json"]);
    assert_eq!(within("indeterminate"), ["fremd.pdf", "fremd.pdf-verify-report.json"]);
    assert_eq!(within("invalid"), ["falsch.pdf", "falsch.pdf-verify-report.json"]);
    let reason = std::fs::read_to_string(folder.error().join("ohne.pdf.reason.txt")).unwrap();
    assert!(reason.contains("there is no signature in the file"), "{reason}");
    let report: Value =
        serde_json::from_slice(&std::fs::read(folder.output().join("valid/gut.pdf-verify-report.json")).unwrap())
            .unwrap();
    assert_eq!(report["signatures"][0]["indication"], "TOTAL-PASSED");
    server.stop();
    assert!(desk.home.audit_is_unbroken() >= 4);
}

#[test]
fn files_that_nest_repeat_or_circle_without_end_get_an_answer_in_bounded_memory() {
    let desk = Desk::new();
    let text = desk.file("text.txt", b"a text");
    let files =
        [(text, "cades"), (desk.file("rechnung.xml", XML), "xades"), (desk.file("rechnung.pdf", &pdf()), "pades")];
    let signed = files.map(|(document, format)| desk.signed(&document, format, "B-B", &format!("signed-{format}")));
    let folder = desk.home.path().join("hostile");
    let script = tools::workspace_root().join("testkit/python/hostile_signed.py");
    let python = tools::python().unwrap();
    tools::ok("python", Command::new(python).arg(script).arg(&folder).args(signed)).unwrap();
    let hostile = names(&folder);
    assert!(hostile.len() > 30, "{hostile:?}");
    for name in hostile {
        let mut command = Command::new(SEALMILL);
        command.args(["--json", "verify", "--offline", "--trust"]).arg(desk.world.root_pem()).arg(folder.join(&name));
        let output = desk.home.path().join("answer");
        command.stdout(std::fs::File::create(&output).unwrap()).stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut peak = 0;
        let code = loop {
            peak = peak.max(testkit::memory::peak_bytes_of(child.id()).unwrap_or(0));
            if let Some(status) = child.try_wait().unwrap() {
                break status.code();
            }
            pause(2);
        };
        let answer = std::fs::read_to_string(&output).unwrap();
        // Nothing of this is proven to be good, and nothing makes the program fail.
        assert!(code.is_some_and(|code| (1..=4).contains(&code)), "{name}: {code:?} {answer}");
        assert!(peak < PEAK_BYTES_MAX, "{name} took {} MiB", peak >> 20);
        let answer: Value = serde_json::from_str(answer.trim()).unwrap_or_else(|_| panic!("{name}: {answer}"));
        assert!(answer.is_object(), "{name}: {answer}");
    }
}
