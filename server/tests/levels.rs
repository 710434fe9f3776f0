//! Levels in the real program: what `sign` and `extend` make of each form at each level, as programs that we did not
//! write judge it; where evidence comes from, and what happens when there is none.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Home, names};
use testkit::corpora::corpora;
use testkit::judge;
use testkit::judge_stamps::{signature_stamps, verify_token};
use testkit::judge_xml::{santuario, signxml, xmlsec1};
use testkit::pdf::{Shape, invoice};
use testkit::pki::{Identity, KeyKind};
use testkit::tools::{self, Said, workspace_root};
use testkit::world::{Fault, Order, State, World};

const LEVELS: [&str; 4] = ["B-B", "B-T", "B-LT", "B-LTA"];

/// A home with one signer, the world's authority, and an invoice of each kind.
struct Desk {
    world: World,
    home: Home,
    pdf: PathBuf,
    xml: PathBuf,
}

impl Desk {
    fn new() -> Self {
        let world = World::start().unwrap();
        let signer = world.signer(KeyKind::P256).unwrap();
        Self::with(world, &signer)
    }

    fn with(world: World, signer: &Identity) -> Self {
        let mut home = Home::new();
        home.world(&world).sealer("seal", signer).authority(&world, "good", "/tsa", "");
        home.config();
        let (pdf, xml) = (home.path().join("rechnung.pdf"), home.path().join("rechnung.xml"));
        std::fs::write(&pdf, invoice(9, &Shape::default())).unwrap();
        std::fs::write(&xml, "<rechnung><betrag>17</betrag></rechnung>").unwrap();
        Self { world, home, pdf, xml }
    }

    /// A command with the home's configuration; its JSON lines, and the folder of its results.
    fn run(&self, command: &str, arguments: &[&str], file: &Path, folder: &str) -> (Said, PathBuf) {
        let output = self.home.path().join(folder);
        let mut all: Vec<OsString> = vec!["--json".into(), command.into(), "--config".into()];
        all.push(self.home.path().join("sealmill.toml").into());
        all.extend(arguments.iter().map(Into::into));
        all.extend([file.into(), "-o".into(), output.clone().into()]);
        (self.home.run(all), output)
    }

    /// As [`Desk::run`], with one result, whose path it gives.
    fn made(&self, command: &str, arguments: &[&str], file: &Path, folder: &str) -> PathBuf {
        let (said, output) = self.run(command, arguments, file, folder);
        assert_eq!(said.code, 0, "{command} {arguments:?}: {said:?}");
        let [name] = &names(&output)[..] else { panic!("{command} {arguments:?}: {:?}", names(&output)) };
        output.join(name)
    }

    fn openssl_accepts(&self, signature: &Path, content: Option<&Path>) {
        let mut command = Command::new("openssl");
        command.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-out", "/dev/null", "-in"]);
        command.arg(signature).arg("-CAfile").arg(self.world.root_pem());
        if let Some(content) = content {
            command.arg("-content").arg(content);
        }
        tools::ok("openssl", &mut command).unwrap();
    }

    /// pyHanko's judgement by EN 319 102-1 with nothing but the root and the file.
    fn pyhanko(&self, file: &Path) -> Value {
        pyhanko(&self.world, file, "")
    }

    /// Three programs accept all these XML signatures.
    fn xml_accepted(&self, files: &[PathBuf]) {
        let anchor = self.world.root_pem();
        let verdicts = [
            files.iter().map(|file| xmlsec1(file, &anchor, &[]).unwrap()).collect(),
            signxml(files, &anchor).unwrap(),
            santuario(files).unwrap(),
        ];
        for (file, verdict) in verdicts.iter().flat_map(|verdicts| files.iter().zip(verdicts)) {
            assert_eq!(*verdict, Ok(()), "{}", file.display());
        }
    }

    /// An XML signature has so many time stamps over its value and over everything, and openssl accepts each of them
    /// over what it should cover. Gives what else the levels have put into it.
    fn xades(&self, file: &Path, signature_stamps: usize, archive_stamps: usize) -> Value {
        let anchor = self.world.root_pem();
        let (python, folder) = (tools::python().unwrap(), tempfile::tempdir().unwrap());
        let script = workspace_root().join("testkit/python/judge_xades.py");
        let mut command = Command::new(&python);
        command.arg(script).arg(folder.path()).arg(file);
        let found: Value = serde_json::from_str(&tools::ok(&python.to_string_lossy(), &mut command).unwrap()).unwrap();
        for (kind, count) in [("signature", signature_stamps), ("archive", archive_stamps)] {
            let stamps = found[kind].as_array().unwrap();
            assert_eq!(stamps.len(), count, "{}: time stamps of kind {kind}", file.display());
            for stamp in stamps {
                let [token, data] = [&stamp[0], &stamp[1]].map(|path| Path::new(path.as_str().unwrap()));
                let verdict = verify_token(token, data, &anchor);
                verdict.unwrap_or_else(|error| panic!("{}: {kind}: {error}", file.display()));
            }
        }
        found
    }
}

/// As [`Desk::pyhanko`], for a file that opens with this password.
fn pyhanko(world: &World, file: &Path, password: &str) -> Value {
    let python = tools::python().unwrap();
    let script = workspace_root().join("testkit/python/judge_pdf_levels.py");
    let mut command = Command::new(&python);
    command.arg(script).args(["--password", password]).arg(world.root_pem()).arg(file);
    let out = tools::ok(&python.to_string_lossy(), &mut command).unwrap();
    let [line] = &out.lines().collect::<Vec<_>>()[..] else { panic!("{out}") };
    serde_json::from_str(line).unwrap()
}

/// How many elements of this name openssl finds in a CMS message.
fn count_in(message: &Path, name: &str) -> usize {
    let mut command = Command::new("openssl");
    let out = tools::ok("openssl", command.args(["asn1parse", "-inform", "DER", "-in"]).arg(message)).unwrap();
    out.lines().filter(|line| line.ends_with(&format!(":{name}"))).count()
}

fn line(said: &Said) -> Value {
    serde_json::from_str(said.out.lines().next().unwrap_or_else(|| panic!("{said:?}"))).unwrap()
}

#[test]
fn cms_of_every_level_is_accepted_by_openssl_and_says_what_it_has() {
    let desk = Desk::new();
    for level in LEVELS {
        for detached in [true, false] {
            let arguments = ["--format", "cades", "--level", level, "--detached"];
            let stamps_before = desk.world.count("/tsa");
            let folder = format!("{level}-{detached}");
            let arguments = &arguments[..arguments.len() - usize::from(!detached)];
            let result = desk.made("sign", arguments, &desk.xml, &folder);
            desk.openssl_accepts(&result, detached.then_some(desk.xml.as_path()));
            let stamps = desk.world.count("/tsa") - stamps_before;
            let rank = LEVELS.iter().position(|known| *known == level).unwrap() as u64;
            assert_eq!(stamps, [0, 1, 1, 2][rank as usize], "{level}: requests for time stamps");
            assert_eq!(signature_stamps(&result).unwrap().len(), usize::from(rank >= 1), "{level}");
            // The signer's, from EN 319 122-1: ESS certificate; from B-LTA on the archive time stamp version 3.
            assert!(count_in(&result, "id-smime-aa-signingCertificateV2") >= 1, "{level}");
            assert_eq!(count_in(&result, "0.4.0.1733.2.4"), usize::from(rank == 3), "{level}: archive time stamps");
            // Revocation material lies in the message from B-LT on.
            let evidence = count_in(&result, "Basic OCSP Response") + count_in(&result, "X509v3 CRL Number");
            assert_eq!(evidence > 0, rank >= 2, "{level}: {evidence} pieces of evidence");
        }
    }
}

#[test]
fn pdf_of_every_level_is_what_pyhanko_finds_it_to_be() {
    let desk = Desk::new();
    for (rank, level) in LEVELS.into_iter().enumerate() {
        let result = desk.made("sign", &["--format", "pades", "--level", level], &desk.pdf, level);
        let verdicts = judge::pdfsig(&result, None).unwrap();
        assert_eq!(verdicts.len(), [1, 1, 1, 2][rank], "{level}: {verdicts:?}");
        // Older pdfsig finds document time stamps, but "cannot validate this type of signature".
        assert!(verdicts[0].valid, "{level}: {verdicts:?}");
        let verdict = desk.pyhanko(&result);
        assert!(verdict["intact"] == true && verdict["valid"] == true, "{level}: {verdict}");
        assert_eq!(verdict["stamped_inside"] == true, rank >= 1, "{level}: {verdict}");
        assert_eq!(verdict["store"].is_null(), rank < 2, "{level}: {verdict}");
        for (other, judged_as) in LEVELS.into_iter().enumerate() {
            let passed = verdict["levels"][judged_as].as_str().is_some_and(|words| words.starts_with("PASSED"));
            assert_eq!(passed, other <= rank, "{level} judged as {judged_as}: {verdict}");
        }
        assert_eq!(verdict["stamps"].as_array().map_or(0, Vec::len), usize::from(rank == 3), "{level}: {verdict}");
    }
}

#[test]
fn xml_of_every_level_is_accepted_by_three_programs_and_its_time_stamps_by_openssl() {
    let desk = Desk::new();
    let mut documents = vec![("own", desk.xml.clone())];
    if let Some(folder) = corpora("xml-invoices") {
        documents.push(("ubl", folder.join("01.03a-INVOICE_ubl.xml")));
        documents.push(("cii", folder.join("01.03a-INVOICE_uncefact.xml")));
    }
    let mut rows: Vec<_> = documents.iter().map(|(name, file)| (*name, "enveloped", file)).collect();
    rows.extend([("own", "enveloping", &desk.xml), ("pdf", "enveloping", &desk.pdf), ("pdf", "detached", &desk.pdf)]);
    let mut results = Vec::new();
    for (name, shape, document) in rows {
        for (rank, level) in LEVELS.into_iter().enumerate() {
            let arguments = ["--format", "xades", "--shape", shape, "--level", level];
            let result = desk.made("sign", &arguments, document, &format!("{name}-{shape}-{level}"));
            if shape == "detached" {
                std::fs::copy(document, result.with_file_name(document.file_name().unwrap())).unwrap();
            }
            let found = desk.xades(&result, usize::from(rank >= 1), usize::from(rank == 3));
            for kind in ["certificates", "revocations"] {
                assert_eq!(found[kind] != 0, rank >= 2, "{name} {shape} {level}: {found}");
            }
            results.push(result);
        }
    }
    desk.xml_accepted(&results);
}

#[test]
fn one_xml_level_after_the_other_by_extend() {
    let desk = Desk::new();
    let mut enveloped = desk.made("sign", &["--format", "xades"], &desk.xml, "in-0");
    let mut results = Vec::new();
    let mut detached = desk.made("sign", &["--format", "xades", "--shape", "detached"], &desk.pdf, "by-0");
    for (step, level) in ["B-T", "B-LT", "B-LTA", "B-LTA"].into_iter().enumerate() {
        let archives = step.saturating_sub(1);
        enveloped = desk.made("extend", &["--level", level], &enveloped, &format!("in-{level}-{step}"));
        desk.xades(&enveloped, 1, archives);
        let arguments = ["--level", level, "--original", desk.pdf.to_str().unwrap()];
        detached = desk.made("extend", &arguments, &detached, &format!("by-{level}-{step}"));
        std::fs::copy(&desk.pdf, detached.with_file_name("rechnung.pdf")).unwrap();
        desk.xades(&detached, 1, archives);
        results.extend([enveloped.clone(), detached.clone()]);
    }
    desk.xml_accepted(&results);

    // What was changed after it was signed is rejected, and no time stamp is spent on it.
    let changed = desk.home.path().join("changed.xml");
    let text = std::fs::read_to_string(&enveloped).unwrap();
    std::fs::write(&changed, text.replace("<betrag>17<", "<betrag>97<")).unwrap();
    assert!(signxml(std::slice::from_ref(&changed), &desk.world.root_pem()).unwrap()[0].is_err());
    let asked = desk.world.count("/tsa");
    let (said, output) = desk.run("extend", &["--level", "B-LTA"], &changed, "changed");
    assert_eq!((said.code, names(&output)), (1, Vec::new()), "{said:?}");
    assert_eq!(desk.world.count("/tsa"), asked, "no time stamp for a broken signature");
}

/// What python's zipfile takes out of a container, whose first entry must be this media type.
fn unpacked(container: &Path, media_type: &str) -> PathBuf {
    let bytes = std::fs::read(container).unwrap();
    assert_eq!(&bytes[30..38], b"mimetype", "{}: the first entry", container.display());
    assert!(bytes[38..].starts_with(media_type.as_bytes()), "{}: stored as it is", container.display());
    let (python, folder) = (tools::python().unwrap(), container.with_extension("unpacked"));
    for (option, into) in [("-t", None), ("-e", Some(&folder))] {
        let mut command = Command::new(&python);
        command.args(["-m", "zipfile", option]).arg(container).args(into);
        tools::ok(&python.to_string_lossy(), &mut command).unwrap();
    }
    folder
}

#[test]
fn containers_are_opened_by_others_and_the_signatures_in_them_accepted() {
    let desk = Desk::new();
    let (pdf, xml) = (desk.pdf.to_str().unwrap(), desk.xml.clone());
    let mut results = Vec::new();
    for (container, signature, several) in [
        ("asic-s", "cades", false),
        ("asic-s", "xades", false),
        ("asic-e", "cades", true),
        ("asic-e", "xades", true),
        ("asic-e", "cades", false),
    ] {
        for level in ["B-B", "B-LTA"] {
            let mut arguments = vec!["--format", container, "--signature", signature, "--level", level];
            if several {
                arguments.extend(["--together", pdf]);
            }
            let case = format!("{container}-{signature}-{level}-{several}");
            let mut result = desk.made("sign", &arguments, &xml, &case);
            if level == "B-B" && several {
                result = desk.made("extend", &["--level", "B-LTA"], &result, &format!("{case}-extended"));
            }
            let folder = unpacked(&result, &format!("application/vnd.etsi.{container}+zip"));
            let meta = folder.join("META-INF");
            for document in [Some(&xml), several.then_some(&desk.pdf)].into_iter().flatten() {
                let inside = std::fs::read(folder.join(document.file_name().unwrap())).unwrap();
                assert!(inside == std::fs::read(document).unwrap(), "{case}");
            }
            let lasting = usize::from(level == "B-LTA" || several);
            if signature == "cades" {
                let manifest = meta.join("ASiCManifest.xml");
                let signed = if container == "asic-s" { folder.join("rechnung.xml") } else { manifest };
                let message = meta.join("signature.p7s");
                desk.openssl_accepts(&message, Some(&signed));
                assert_eq!(signature_stamps(&message).unwrap().len(), lasting, "{case}");
                assert_eq!(count_in(&message, "0.4.0.1733.2.4"), lasting, "{case}: archive time stamps");
            } else {
                // The references are seen from the root of the container.
                let signatures = folder.join("signatures.xml");
                std::fs::copy(meta.join("signatures.xml"), &signatures).unwrap();
                desk.xades(&signatures, lasting, lasting);
                results.push(signatures);
            }
        }
    }
    desk.xml_accepted(&results);
}

#[test]
fn watched_directories_give_every_form_its_level() {
    let mut desk = Desk::new();
    let stamp = "[profile.stamp]\nauthorities = [\"good\"]";
    let mut watched = |name: &str, lines: &str| {
        desk.home.profile(name, "seal", &format!("{lines}\n{stamp}")).directory(name, name, "")
    };
    let pades = watched("pades", "format = \"pades\"\nlevel = \"B-T\"");
    let xades = watched("xades", "format = \"xades\"\nlevel = \"B-T\"");
    let cades = watched("cades", "format = \"cades\"\nlevel = \"B-LTA\"");
    let server = desk.home.start_ready();
    for number in 0..5 {
        pades.put(format!("re-{number}.pdf"), &invoice(number, &Shape::default()));
        for folder in [&xades, &cades] {
            folder.put(format!("re-{number}.xml"), format!("<Invoice>{number}</Invoice>").as_bytes());
        }
    }
    for folder in [&pades, &xades, &cades] {
        folder.wait_empty(60);
        assert_eq!((names(&folder.output()).len(), names(&folder.error())), (5, Vec::new()));
    }
    assert!(server.stop().success());
    for name in names(&pades.output()) {
        let verdict = desk.pyhanko(&pades.output().join(&name));
        assert!(verdict["intact"] == true && verdict["valid"] == true, "{name}: {verdict}");
        assert!(verdict["stamped_inside"] == true && verdict["store"].is_null(), "{name}: {verdict}");
    }
    let results: Vec<PathBuf> = names(&xades.output()).iter().map(|name| xades.output().join(name)).collect();
    desk.xml_accepted(&results);
    for result in &results {
        desk.xades(result, 1, 0);
    }
    for name in names(&cades.output()) {
        let (result, source) = (cades.output().join(&name), cades.done().join(name.trim_end_matches(".pkcs7")));
        desk.openssl_accepts(&result, Some(&source));
        assert_eq!(signature_stamps(&result).unwrap().len(), 1, "{name}");
        assert_eq!(count_in(&result, "0.4.0.1733.2.4"), 1, "{name}: archive time stamps");
    }
    assert_eq!(desk.home.audit_is_unbroken(), 15);
}

#[test]
fn one_level_after_the_other_by_extend() {
    let desk = Desk::new();
    let mut pdf = desk.made("sign", &["--format", "pades", "--level", "B-T"], &desk.pdf, "pdf-0");
    let mut cms = desk.made("sign", &["--format", "cades"], &desk.xml, "cms-0");
    for (step, level) in ["B-T", "B-LT", "B-LTA", "B-LTA"].into_iter().enumerate() {
        let before = std::fs::read(&pdf).unwrap();
        pdf = desk.made("extend", &["--level", level], &pdf, &format!("pdf-{level}-{step}"));
        assert!(std::fs::read(&pdf).unwrap().starts_with(&before), "{level}: not an incremental update");
        cms = desk.made("extend", &["--level", level], &cms, &format!("cms-{level}-{step}"));
        desk.openssl_accepts(&cms, None);
    }
    let verdict = desk.pyhanko(&pdf);
    assert!(verdict["indication"].as_str().is_some_and(|words| words.starts_with("PASSED")), "{verdict}");
    assert_eq!(verdict["stamps"].as_array().map(Vec::len), Some(2), "renewed once: {verdict}");
    assert_eq!(count_in(&cms, "0.4.0.1733.2.4"), 2, "renewed once");

    // A PDF signature without a time stamp gets one over the document: there is no room in the signature itself. That
    // is B-T by EN 319 142-1, but pyHanko asks for one inside; it can say that all is intact.
    let basic = desk.made("sign", &["--format", "pades"], &desk.pdf, "basic");
    let lifted = desk.made("extend", &["--level", "B-LTA"], &basic, "basic-lta");
    let verdict = desk.pyhanko(&lifted);
    assert!(verdict["intact"] == true && verdict["valid"] == true && verdict["docmdp_ok"] == true, "{verdict}");
    assert_eq!(verdict["stamps"], serde_json::json!([true, true]), "{verdict}");
    let verdicts = judge::pdfsig(&lifted, None).unwrap();
    assert!(verdicts[0].valid && verdicts.len() == 3, "{verdicts:?}");

    // A detached signature needs its document.
    let beside = desk.made("sign", &["--format", "cades", "--detached"], &desk.xml, "beside");
    let original = desk.xml.to_str().unwrap();
    let lifted = desk.made("extend", &["--level", "B-LTA", "--original", original], &beside, "beside-lta");
    desk.openssl_accepts(&lifted, Some(&desk.xml));
    assert_eq!(count_in(&lifted, "0.4.0.1733.2.4"), 1);

    // So does a signature that is put beside the one in it, and both are lifted together.
    let arguments = ["--format", "cades", "--existing", "parallel", "--level", "B-T", "--original", original];
    let both = desk.made("sign", &arguments, &beside, "both");
    desk.openssl_accepts(&both, Some(&desk.xml));
    assert_eq!(count_in(&both, "id-smime-aa-timeStampToken"), 2);
    let another = desk.home.path().join("another.xml");
    std::fs::write(&another, "<other/>").unwrap();
    for (name, arguments) in [
        ("missing", arguments[..6].to_vec()),
        ("another", [&arguments[..7], &[another.to_str().unwrap()]].concat()),
        ("wrapped", vec!["--format", "cades", "--original", original]),
    ] {
        let (said, output) = desk.run("sign", &arguments, &beside, name);
        assert!(said.code != 0 && (!output.exists() || names(&output).is_empty()), "{name}: {said:?}");
    }

    // What is not signed, and what was changed after it was signed, is rejected and left alone.
    let (said, output) = desk.run("extend", &["--level", "B-T"], &desk.xml, "unsigned");
    assert_eq!((said.code, names(&output)), (1, Vec::new()), "{said:?}");
    let mut broken = std::fs::read(&cms).unwrap();
    let at = broken.windows(8).position(|eight| eight == b"<betrag>").unwrap();
    broken[at + 8] = b'9';
    let changed = desk.home.path().join("changed.p7m");
    std::fs::write(&changed, broken).unwrap();
    let asked = desk.world.count("/tsa");
    let (said, output) = desk.run("extend", &["--level", "B-LTA"], &changed, "changed");
    assert_eq!((said.code, names(&output)), (1, Vec::new()), "{said:?}");
    assert_eq!(desk.world.count("/tsa"), asked, "no time stamp for a broken signature");
}

#[test]
fn encrypted_pdfs_are_lifted_with_the_password_of_their_profile() {
    let world = World::start().unwrap();
    let mut home = Home::new();
    home.world(&world).sealer("seal", &world.signer(KeyKind::P256).unwrap()).authority(&world, "good", "/tsa", "");
    home.environment("PDF_PASSWORD", "kunde");
    let (plain, encrypted) = (home.path().join("plain.pdf"), home.path().join("encrypted.pdf"));
    std::fs::write(&plain, invoice(9, &Shape::default())).unwrap();
    let paths = [plain.to_str().unwrap(), encrypted.to_str().unwrap()];
    tools::run_ok("qpdf", [&["--encrypt", "kunde", "chef", "256", "--"][..], &paths].concat()).unwrap();
    let password = "[profile.pdf]\npassword_env = \"PDF_PASSWORD\"";
    let profile = |format: &str, level: &str, pdf: &str| {
        format!("format = \"{format}\"\nlevel = \"{level}\"\n[profile.stamp]\nauthorities = [\"good\"]\n{pdf}")
    };
    home.profile("sign", "seal", &profile("pades", "B-LT", password));
    home.profile("lift", "seal", &profile("extended", "B-LTA", password));
    home.profile("locked", "seal", &profile("extended", "B-LTA", ""));
    let [sign, lift, locked] = ["sign", "lift", "locked"].map(|name| home.directory(name, name, ""));
    sign.put("re.pdf", &std::fs::read(&encrypted).unwrap());
    let server = home.start_ready();
    sign.wait_empty(60);
    let result = |output: PathBuf| match &names(&output)[..] {
        [name] => output.join(name),
        other => panic!("{other:?}"),
    };
    let proven = result(sign.output());
    let verdict = pyhanko(&world, &proven, "kunde");
    assert!(verdict["levels"]["B-LT"].as_str().is_some_and(|words| words.starts_with("PASSED")), "{verdict}");
    for folder in [&lift, &locked] {
        folder.put("re.pdf", &std::fs::read(&proven).unwrap());
        folder.wait_empty(60);
    }
    assert!(server.stop().success());
    let verdict = pyhanko(&world, &result(lift.output()), "kunde");
    assert!(verdict["levels"]["B-LTA"].as_str().is_some_and(|words| words.starts_with("PASSED")), "{verdict}");
    assert_eq!(names(&locked.output()), Vec::<String>::new(), "without the password nothing is lifted");
}

#[test]
fn many_documents_of_one_signer_ask_its_responder_once() {
    const FILES: usize = 60;
    let world = World::start().unwrap();
    let mut home = Home::new();
    home.world(&world).sealer("seal", &world.signer(KeyKind::P256).unwrap()).authority(&world, "good", "/tsa", "");
    let lines = "format = \"cades\"\nlevel = \"B-LT\"\n[profile.stamp]\nauthorities = [\"good\"]";
    let folder = home.profile("usual", "seal", lines).directory("mass", "usual", "");
    for number in 0..FILES {
        folder.put(format!("re-{number:02}.xml"), format!("<Invoice>{number}</Invoice>").as_bytes());
    }
    let server = home.start_ready();
    folder.wait_empty(60);
    assert!(server.stop().success());
    assert_eq!((names(&folder.output()).len(), names(&folder.error())), (FILES, Vec::new()));
    assert_eq!(world.count("/tsa"), FILES as u64);
    let (answers, lists) = (world.count("/ocsp"), world.count_under("/crl"));
    eprintln!("{FILES} documents: {answers} OCSP requests, {lists} lists");
    // The signer and the time-stamp unit; the authorities above them by the root's list.
    assert!((1..=4).contains(&answers), "{answers} OCSP requests");
    assert!((1..=3).contains(&lists), "{lists} lists");
}

#[test]
fn who_is_revoked_makes_nothing_of_long_term() {
    let world = World::start().unwrap();
    let signer = world.issue(&Order::signer(KeyKind::P256, "Gesperrt")).unwrap();
    let desk = Desk::with(world, &signer);
    let basic = desk.made("sign", &["--format", "pades", "--level", "B-T"], &desk.pdf, "before");
    desk.world.revoke(&signer.certificate_der(), 1).unwrap();

    // Our own signer: an operator has to give it another certificate, the document waits.
    let (said, output) = desk.run("sign", &["--format", "pades", "--level", "B-LT"], &desk.pdf, "own");
    assert_eq!((said.code, names(&output)), (2, Vec::new()), "{said:?}");
    let reason = line(&said)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("revoked"), "{reason}");
    // What others signed is rejected.
    let (said, output) = desk.run("extend", &["--level", "B-LT"], &basic, "others");
    assert_eq!((said.code, names(&output)), (1, Vec::new()), "{said:?}");
    assert!(line(&said)["reason"].as_str().unwrap().contains("revoked"), "{said:?}");
    // B-T does not ask.
    desk.made("sign", &["--format", "pades", "--level", "B-T"], &desk.pdf, "level-t");
}

#[test]
fn a_responder_that_fails_is_replaced_by_the_list_and_without_both_documents_wait() {
    let desk = Desk::new();
    for fault in [Fault::Http500, Fault::BadSignature, Fault::Stranger, Fault::WrongImprint, Fault::OldTime] {
        desk.world.fault("/ocsp", fault, u64::MAX);
        let folder = format!("list-{}", fault.name());
        let result = desk.made("sign", &["--format", "pades", "--level", "B-LT"], &desk.pdf, &folder);
        let verdict = desk.pyhanko(&result);
        assert!(verdict["store"]["ocsps"] == 0 && verdict["store"]["crls"] != 0, "{fault:?}: {verdict}");
    }
    desk.world.fault("/crl/seals.crl", Fault::Http404, u64::MAX);
    let (said, output) = desk.run("sign", &["--format", "pades", "--level", "B-LT"], &desk.pdf, "nothing");
    assert_eq!((said.code, names(&output)), (2, Vec::new()), "{said:?}");
    desk.world.heal("/ocsp");
    desk.world.heal("/crl/seals.crl");
    desk.made("sign", &["--format", "pades", "--level", "B-LT"], &desk.pdf, "healed");

    // Nobody has heard of the certificate: that is no evidence.
    let signer = desk.world.signer(KeyKind::P256).unwrap();
    desk.world.set_state(&signer.certificate_der(), State::Unknown).unwrap();
    desk.world.fault("/crl/seals.crl", Fault::Http404, u64::MAX);
    let (said, output) = desk.run("sign", &["--format", "pades", "--level", "B-LT"], &desk.pdf, "unknown");
    assert!(said.code == 2 && names(&output).is_empty(), "{said:?}");
}
