//! The commands of the real program: what they make, what they print, and their exit codes.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Home, names, openssl_accepts_detached, openssl_opens};
use testkit::judge;
use testkit::pdf::{Shape, invoice};
use testkit::pki::{KeyKind, Pki};
use testkit::softhsm::SoftHsm;
use testkit::tools::{self, Said, workspace_root};

/// `sealmill sign` with a key file of this kind, and further arguments.
struct Signing {
    home: Home,
    pkcs12: PathBuf,
    password: PathBuf,
    pdf: PathBuf,
    xml: PathBuf,
}

impl Signing {
    fn new(kind: KeyKind) -> Self {
        let home = Home::new();
        let (pkcs12, password) = home.key_file("s", &Pki::shared().signer(kind).unwrap());
        let (pdf, xml) = (home.path().join("rechnung.pdf"), home.path().join("rechnung.xml"));
        std::fs::write(&pdf, invoice(9, &Shape::default())).unwrap();
        std::fs::write(&xml, "<rechnung/>").unwrap();
        Self { home, pkcs12, password, pdf, xml }
    }

    fn sign(&self, arguments: &[&str], files: &[&Path], output: &Path) -> Said {
        let mut all: Vec<OsString> = vec!["sign".into(), "--pkcs12".into(), self.pkcs12.clone().into()];
        all.extend(["--password-file".into(), self.password.clone().into()]);
        all.extend(arguments.iter().map(Into::into));
        all.extend(files.iter().map(|file| file.as_os_str().to_owned()));
        all.extend(["-o".into(), output.into()]);
        self.home.run(all)
    }
}

/// What `openssl cms -cmsout -print` says.
fn printed(signature: &Path) -> String {
    let arguments = ["cms", "-cmsout", "-print", "-inform", "DER", "-in"];
    tools::run_ok("openssl", arguments.iter().map(OsStr::new).chain([signature.as_os_str()])).unwrap()
}

fn lines(said: &Said) -> Vec<Value> {
    said.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said:?}"))).collect()
}

#[test]
fn every_format_is_made_and_judged() {
    let signing = Signing::new(KeyKind::Rsa2048);
    for (number, (arguments, result, words)) in [
        (&["--format", "cms", "--detached"][..], "rechnung.xml.pkcs7", &["sha256", "rsaEncryption"][..]),
        (&["--format", "cms", "--pss", "--digest", "sha512"], "rechnung.xml.p7m", &["sha512", "rsassaPss"]),
        (&["--format", "cades", "--digest", "sha384"], "rechnung.xml.p7m", &["sha384", "signingCertificateV2"]),
        (&["--format", "cades", "--detached"], "rechnung.xml.pkcs7", &["signingCertificateV2"]),
        (&[], "rechnung.xml.pkcs7", &["signingCertificateV2"]),
    ]
    .into_iter()
    .enumerate()
    {
        let output = signing.home.path().join(format!("cms-{number}"));
        let said = signing.sign(arguments, &[&signing.xml], &output);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        assert_eq!(names(&output), [result], "{arguments:?}");
        let signature = output.join(result);
        match result.ends_with(".p7m") {
            true => assert_eq!(openssl_opens(&signature).unwrap(), b"<rechnung/>"),
            false => openssl_accepts_detached(&signature, &signing.xml).unwrap(),
        }
        let text = printed(&signature);
        for word in words {
            assert!(text.contains(word), "{arguments:?}: no {word} in {text}");
        }
    }
    for (arguments, kind) in [
        (&["--format", "pdf"][..], "adbe.pkcs7.detached"),
        (&["--format", "pades", "--pss"], "ETSI.CAdES.detached"),
        (&[], "ETSI.CAdES.detached"),
    ] {
        let output = signing.home.path().join(format!("pdf-{}", arguments.len()));
        let said = signing.sign(arguments, &[&signing.pdf], &output);
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        let signed = output.join("rechnung-signed.pdf");
        assert!(std::fs::read(&signed).unwrap().starts_with(&std::fs::read(&signing.pdf).unwrap()));
        let verdicts = judge::pdfsig(&signed, None).unwrap();
        assert!(verdicts[0].valid && verdicts[0].whole_document && verdicts[0].kind == kind, "{verdicts:?}");
        let verdicts = judge::pyhanko_judge(std::slice::from_ref(&signed), &Pki::shared().root_pem()).unwrap();
        assert!(verdicts[0].is_perfect(), "{verdicts:?}");
    }
}

#[test]
fn exit_codes_tell_what_happened_and_json_has_a_line_for_each_file() {
    let signing = Signing::new(KeyKind::P256);
    let output = signing.home.path().join("out");
    let (bad, gone) = (signing.home.path().join("bad.pdf"), signing.home.path().join("gone.xml"));
    std::fs::write(&bad, "%PDF-1.4 and no more").unwrap();

    let said = signing.sign(&["--json"], &[&signing.pdf, &bad, &signing.xml, &gone, &signing.pdf], &output);
    assert_eq!(said.code, 1, "{said:?}");
    let lines = lines(&said);
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["done", "rejected", "done", "rejected", "done"], "in the order of the files");
    assert_eq!(lines[0]["file"], "rechnung.pdf");
    assert_eq!(lines[0]["format"], "pades", "{}", lines[0]);
    let places = [0, 4].map(|line: usize| PathBuf::from(lines[line]["place"].as_str().unwrap()));
    assert!(places[0] != places[1] && places.iter().all(|place| place.starts_with(&output)), "{places:?}");
    assert!(lines[1]["reason"].as_str().unwrap().len() > 20 && lines[1]["code"].is_string(), "{}", lines[1]);
    assert!(lines[3]["reason"].as_str().unwrap().contains("removed"), "{}", lines[3]);
    assert!(lines.iter().all(|line| line["micros"].as_u64().is_some()));
    assert_eq!(names(&output), ["rechnung-signed.2.pdf", "rechnung-signed.pdf", "rechnung.xml.pkcs7"]);

    // A table for people, nothing on standard error.
    let said = signing.sign(&[], &[&signing.xml], &output);
    assert_eq!((said.code, said.err.as_str()), (0, ""), "{said:?}");
    assert!(said.out.contains("where it is") && said.out.contains("rechnung.xml.2.pkcs7"), "{}", said.out);

    // Nothing could be started: 3, one line that says why, nothing on standard output.
    let wrong = signing.home.path().join("wrong.password");
    std::fs::write(&wrong, "falsch\n").unwrap();
    let xml = signing.xml.to_str().unwrap();
    let (pkcs12, password) = (signing.pkcs12.to_str().unwrap(), signing.password.to_str().unwrap());
    let cases: [(&[&str], &str); 10] = [
        (&["sign", "--pkcs12", pkcs12, "--password-file", wrong.to_str().unwrap(), xml, "-o", "x"], "password"),
        (&["sign", "--pkcs12", "no.p12", "--password-file", password, xml, "-o", "x"], "no.p12"),
        (&["sign", "--pkcs12", pkcs12, "--password-file", "no.password", xml, "-o", "x"], "no.password"),
        (&["sign", "--pkcs12", pkcs12, xml, "-o", "x"], "--password-file"),
        (&["sign", xml, "-o", "x"], "say who signs"),
        (&["sign", "--pkcs12", pkcs12, "--password-file", password, "-o", "x"], "<FILES>"),
        (&["sign", "--format", "word", xml, "-o", "x"], "cades"),
        (&["serve", "--config", "nowhere.toml"], "nowhere.toml"),
        (&["token", "list", "--module", "/etc/hostname", "--config", "nowhere.toml"], "nowhere.toml"),
        (&["fly"], "fly"),
    ];
    for (arguments, word) in cases {
        let said = signing.home.run(arguments);
        assert_eq!((said.code, said.out.as_str()), (3, ""), "{arguments:?}: {said:?}");
        assert!(said.err.contains(word), "{arguments:?}: {said:?}");
    }
    for asked in ["--help", "--version"] {
        let said = signing.home.run([asked]);
        assert!(said.code == 0 && !said.out.is_empty() && said.err.is_empty(), "{said:?}");
    }
    assert!(signing.home.run(["--help"]).out.contains("Exit codes"));
}

#[test]
fn a_profile_of_the_configuration_signs() {
    let mut home = Home::two_signers();
    home.profile("beside", "all", "format = \"cms\"\ndigest = \"SHA-512\"");
    let file = home.path().join("a.txt");
    std::fs::write(&file, "a").unwrap();
    let config = home.config();
    let sign = |more: &[&str]| {
        let mut command = home.command(["sign", "--config"]);
        command.arg(&config).args(more).arg(&file).args(["-o", "out"]);
        tools::said("sealmill", &mut command).unwrap()
    };
    assert_eq!(sign(&["--profile", "beside"]).code, 0);
    let signature = home.path().join("out/a.txt.pkcs7");
    openssl_accepts_detached(&signature, &file).unwrap();
    assert!(printed(&signature).contains("sha512"));
    let said = sign(&["--profile", "nobody"]);
    assert!(said.code == 3 && said.err.contains("nobody"), "{said:?}");
    let said = sign(&["--profile", "beside", "--format", "cades"]);
    assert_eq!(said.code, 3, "{said:?}");
    // With one pool nothing else needs to be said.
    assert_eq!(sign(&[]).code, 0);
    assert_eq!(home.audit_is_unbroken(), 2);
}

#[test]
fn init_makes_a_home_that_works_and_demo_signs_the_samples() {
    let home = Home::new();
    let made = home.path().join("made");
    let said = home.run(["init".as_ref(), made.as_os_str()]);
    assert_eq!(said.code, 0, "{said:?}");
    let mode = |name: &str| std::fs::metadata(made.join(name)).unwrap().permissions().mode() & 0o777;
    for secret in
        ["seal-1.p12", "seal-1.password", "seal-2.p12", "api.key.pem", "admin.password", "application.password"]
    {
        assert_eq!(mode(&format!("keys/{secret}")), 0o600, "{secret}");
    }
    let config = std::fs::read(made.join("sealmill.toml")).unwrap();
    let said = home.run(["init".as_ref(), made.as_os_str()]);
    assert!(said.code == 3 && said.err.contains("already"), "never over a home that is there: {said:?}");
    assert_eq!(std::fs::read(made.join("sealmill.toml")).unwrap(), config);

    std::fs::write(made.join("invoices/in/a.xml"), "<a/>").unwrap();
    let config = made.join("sealmill.toml");
    let said = home.run(["serve".as_ref(), "--until-idle".as_ref(), "--config".as_ref(), config.as_os_str()]);
    assert_eq!(said.code, 0, "{said:?}");
    let ca = made.join("keys/demo-ca.pem");
    let mut verify = Command::new("openssl");
    verify.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-CAfile"]).arg(&ca);
    verify.arg("-in").arg(made.join("invoices/out/a.xml.pkcs7"));
    verify.arg("-content").arg(made.join("invoices/done/a.xml"));
    assert!(verify.output().unwrap().status.success());

    // As `make run` does it, twice: the second time the home is there already.
    let samples = workspace_root().join("config/samples");
    let demo = home.path().join("demo");
    for round in 1..=2 {
        let said =
            home.run(["demo", "--once", "--home", demo.to_str().unwrap(), "--samples", samples.to_str().unwrap()]);
        assert_eq!(said.code, 0, "{said:?}");
        for word in [
            "sealmill soap-request sign --url http://",
            "signatures per second",
            "metrics: http://127.0.0.1:",
            "pades",
            "seal-1",
            "rechnung-2026-0417.pdf",
        ] {
            assert!(said.out.contains(word), "no {word} in {}", said.out);
        }
        assert!(!said.out.contains("rejected"), "{}", said.out);
        assert_eq!(names(&demo.join("invoices/out")).len(), 12 * round, "{:?}", names(&demo.join("invoices/out")));
        assert!(names(&demo.join("invoices/in")).is_empty());
    }
}

#[test]
fn tokens_are_listed_and_sign_from_the_command_line() {
    let signer = Pki::shared().issue(KeyKind::Rsa2048, "Karte Köhler").unwrap();
    let other = Pki::shared().issue(KeyKind::P256, "Zweite").unwrap();
    let (hsm, token) = SoftHsm::with_token("Siegelkarte", &[&signer, &other]).unwrap();
    let mut home = Home::new();
    for (name, value) in hsm.environment() {
        home.environment(name, value);
    }
    let module = hsm.module().to_str().unwrap();
    let said = home.run(["token", "list", "--module", module]);
    assert_eq!(said.code, 0, "{said:?}");
    for word in [token.serial(), "Siegelkarte", "Karte Köhler", "RSA-2048", "Zweite", "P-256", "ECDSA", "ok"] {
        assert!(said.out.contains(word), "no {word} in {}", said.out);
    }
    let listed = lines(&home.run(["--json", "token", "list", "--module", module]));
    let line = listed.iter().find(|line| line["serial"] == token.serial()).unwrap();
    assert_eq!((&line["label"], &line["pin"]["set"]), (&"Siegelkarte".into(), &true.into()), "{line}");
    assert_eq!(line["certificates"].as_array().unwrap().len(), 2, "{line}");
    assert!(line["mechanisms"].as_array().unwrap().contains(&"CKM_RSA_PKCS".into()), "{line}");
    let said = home.run(["token", "list", "--module", "/etc/hostname"]);
    assert_eq!(said.code, 1, "a file that is no module: {said:?}");

    // A token of the configuration that is not there is said and counted.
    home.add(&format!(
        "[[token]]\nserial = \"0000000000000000\"\nmodule = \"{module}\"\n[[token.signer]]\nname = \"card\""
    ));
    let config = home.config();
    let said = home.run(["token".as_ref(), "list".as_ref(), "--config".as_ref(), config.as_os_str()]);
    assert!(said.code == 1 && said.out.contains("0000000000000000"), "{said:?}");

    let (pin, file) = (home.path().join("pin"), home.path().join("a.xml"));
    std::fs::write(&pin, format!("{}\n", token.pin())).unwrap();
    std::fs::write(&file, "<a/>").unwrap();
    let sign = |more: &[&str]| {
        let mut command = home.command(["sign", "--token", token.serial(), "--module", module, "--password-file"]);
        command.arg(&pin).args(more).arg(&file).args(["-o", "out"]);
        tools::said("sealmill", &mut command).unwrap()
    };
    let said = sign(&["--label", "Karte Köhler", "--format", "cms"]);
    assert_eq!(said.code, 0, "{said:?}");
    verified_with_sub(&home.path().join("out/a.xml.p7m"), None);
    let said = sign(&["--label", "Zweite", "--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    verified_with_sub(&home.path().join("out/a.xml.pkcs7"), Some(&file));
    // Two certificates: which one must be said.
    let said = sign(&[]);
    assert_eq!(said.code, 3, "{said:?}");
    // A wrong PIN is tried once; the second run does not try at all, with whatever PIN.
    std::fs::write(&pin, "wrong\n").unwrap();
    let said = sign(&["--label", "Zweite"]);
    assert!(said.code == 3 && said.err.contains("PIN"), "{said:?}");
    std::fs::write(&pin, format!("{}\n", token.pin())).unwrap();
    let said = sign(&["--label", "Zweite"]);
    assert!(said.code == 3 && said.err.to_lowercase().contains("block"), "{said:?}");
}

/// The token holds its signer's certificate alone: who verifies must know the authority above it.
fn verified_with_sub(signature: &Path, content: Option<&Path>) {
    let mut verify = Command::new("openssl");
    verify.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-CAfile"]);
    verify.arg(Pki::shared().ca_pem()).arg("-in").arg(signature);
    if let Some(content) = content {
        verify.arg("-content").arg(content);
    }
    tools::ok("openssl", &mut verify).unwrap();
}

#[test]
fn a_changed_audit_entry_is_found() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", "format = \"cades\"").directory("box", "usual", "");
    for number in 0..20 {
        folder.put(format!("{number}.xml"), b"<x/>");
    }
    let server = home.start_ready();
    folder.wait_empty(20);
    assert!(server.stop().success());
    assert_eq!(home.audit_is_unbroken(), 20);
    let config = home.config();
    let verify = |json: &[&str]| {
        let mut command = home.command(json);
        command.args(["audit", "verify", "--config"]).arg(&config);
        tools::said("sealmill", &mut command).unwrap()
    };
    let said = verify(&[]);
    assert!(said.code == 0 && said.out.contains("unbroken"), "{said:?}");
    let database = home.path().join("sealmill.sqlite");
    let change = |statement: &str| {
        let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute(sys.argv[2])\nc.commit()";
        tools::run_ok("python3", ["-c".as_ref(), script.as_ref(), database.as_os_str(), statement.as_ref()]).unwrap();
    };
    change("UPDATE audit SET who = 'nobody' WHERE number = 7");
    let said = verify(&[]);
    assert!(said.code == 1 && said.out.contains("BROKEN") && said.out.contains("entry 7"), "{said:?}");
    change("DELETE FROM audit WHERE number = 12");
    let said = verify(&["--json"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(lines(&said)[0]["breaks"].as_array().unwrap().len(), 2, "{said:?}");
}

#[test]
fn bench_measures_each_signer_and_pool() {
    let mut home = Home::two_signers();
    home.software("rsa", KeyKind::Rsa2048, 1);
    home.add("[[software]]\nname = \"lost\"\npkcs12 = \"nowhere.p12\"");
    let config = home.config();
    let bench = |json: &[&str]| {
        let mut command = home.command(json);
        command.args(["bench", "--seconds", "0.25", "--sessions-max", "2", "--config"]).arg(&config);
        tools::said("sealmill", &mut command).unwrap()
    };
    let said = bench(&["--json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let rows = lines(&said);
    // Three signers that work and one pool, with one and with two sessions each.
    assert_eq!(rows.len(), 8, "{rows:?}");
    assert!(rows.iter().all(|row| row["per_second"].as_f64().is_some_and(|rate| rate > 10.0)), "{rows:?}");
    assert!(rows.iter().any(|row| row["signer"] == "rsa" && row["key"] == "RSA-2048" && row["sessions"] == 2));
    let said = bench(&[]);
    assert!(said.code == 0 && said.out.contains("signatures per second") && said.out.contains("pool all"), "{said:?}");
}
