//! Watched directories of the real program: what goes in comes out signed, as programs that we did not write judge it,
//! and the contract of the folders holds.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Folder, Home, names, openssl_accepts_detached, openssl_opens, pause, wait};
use testkit::corpora::{corpora, files_below};
use testkit::judge;
use testkit::pdf::{Shape, invoice};
use testkit::pki::{KeyKind, Pki};
use testkit::tools::workspace_root;

/// PDFs inside, everything else beside.
const USUAL: &str = "format = \"pades\"\notherwise = \"cades\"";

#[test]
fn every_real_file_comes_out_signed_or_with_a_reason() {
    let mut home = Home::new();
    home.software("ec", KeyKind::P256, 1).software("rsa", KeyKind::Rsa2048, 2).pool("all", &["ec", "rsa"]);
    let folder = home.profile("usual", "all", USUAL).directory("invoices", "usual", "");
    let samples = workspace_root().join("config/samples");
    let mut files: Vec<PathBuf> = files_below(&samples, "pdf");
    files.extend(files_below(&samples, "xml"));
    files.extend(corpora("pdf-real").map(|real| files_below(&real, "pdf")).unwrap_or_default());
    let mut sources = BTreeMap::new();
    for (number, file) in files.iter().enumerate() {
        let name = format!("{number:03} {}", file.file_name().unwrap().to_string_lossy());
        folder.put(&name, &std::fs::read(file).unwrap());
        sources.insert(name, file.clone());
    }
    let server = home.start_ready();
    folder.wait_empty(60);
    assert!(server.stop().success());

    let mut signed_pdfs = Vec::new();
    for (name, original) in &sources {
        let bytes = std::fs::read(original).unwrap();
        if let Some(reason) = folder.reason(name) {
            eprintln!("{}", reason.trim());
            assert!(reason.starts_with(&format!("{name}: ")), "{reason}");
            assert_eq!(std::fs::read(folder.error().join(name)).unwrap(), bytes);
            assert!(!original.starts_with(&samples), "a sample was rejected: {reason}");
            continue;
        }
        assert_eq!(std::fs::read(folder.done().join(name)).unwrap(), bytes, "{name}");
        match name.strip_suffix(".xml") {
            Some(_) => {
                let signature = folder.output().join(format!("{name}.pkcs7"));
                openssl_accepts_detached(&signature, original).unwrap();
            }
            None => {
                let (stem, end) = name.rsplit_once('.').unwrap();
                let signed = folder.output().join(format!("{stem}-signed.{end}"));
                judge_pdf(original, &bytes, &signed);
                signed_pdfs.push(signed);
            }
        }
    }
    let rejected = names(&folder.error()).len() / 2;
    assert_eq!(names(&folder.output()).len() + rejected, sources.len());
    assert_eq!(names(&folder.done()).len() + rejected, sources.len());
    let verdicts = judge::pyhanko_judge(&signed_pdfs, &Pki::shared().root_pem()).unwrap();
    for signed in &signed_pdfs {
        let perfect = |verdict: &&judge::Verdict| verdict.file == *signed && verdict.is_perfect();
        let of_file: Vec<_> = verdicts.iter().filter(|verdict| verdict.file == *signed).collect();
        assert!(verdicts.iter().any(|verdict| perfect(&verdict)), "{}: {of_file:?}", signed.display());
    }
    eprintln!("{} files: {} PDFs signed, {rejected} rejected", sources.len(), signed_pdfs.len());
    assert_eq!(home.audit_is_unbroken(), sources.len() as u64, "one entry for each file");
}

fn judge_pdf(original: &Path, bytes: &[u8], signed: &Path) {
    let result = std::fs::read(signed).unwrap_or_else(|error| panic!("{}: {error}", signed.display()));
    assert!(result.starts_with(bytes), "{}: not an incremental update", signed.display());
    let verdicts = judge::pdfsig(signed, None).unwrap();
    let last = verdicts.iter().find(|verdict| verdict.whole_document);
    assert!(last.is_some_and(|last| last.valid && last.kind == "ETSI.CAdES.detached"), "{signed:?}: {verdicts:?}");
    let (before, _) = judge::qpdf_check(original, None).unwrap();
    let (after, said) = judge::qpdf_check(signed, None).unwrap();
    assert!(after <= before, "{}: {before:?} became {after:?}: {said}", signed.display());
}

#[test]
fn two_directories_with_their_own_profile_names_patterns_and_order() {
    let mut home = Home::new();
    home.software("ec", KeyKind::P256, 1).software("rsa", KeyKind::Rsa2048, 1);
    home.pool("ec", &["ec"]).pool("rsa", &["rsa"]);
    home.profile("around", "rsa", "format = \"cms\"\ndetached = false\npadding = \"pss\"\ndigest = \"SHA-512\"");
    home.profile("beside", "ec", "format = \"cades\"\ndigest = \"SHA-384\"");
    let around = home.directory("around", "around", "patterns = [\"re-*.csv\", \"*.TXT\"]\norder = \"name\"");
    let beside =
        home.directory("beside", "beside", "order = \"oldest\"\nnaming = { detached = \"sig_{stem}{extension}.p7s\" }");
    for name in ["re-2.csv", "re-1.csv", "RE-3.CSV", "note.txt", "re-9.pdf", "x.csv", "y.csv.tmp"] {
        around.put(name, name.as_bytes());
    }
    // The younger one has the lesser name.
    for (name, age) in [("b.bin", "2001-01-01"), ("a.bin", "2002-01-01"), ("c", "2003-01-01")] {
        beside.put(name, name.as_bytes());
        let touched = Command::new("touch").args(["-d", age]).arg(beside.input().join(name)).status().unwrap();
        assert!(touched.success());
    }
    std::fs::create_dir(beside.input().join("folder")).unwrap();
    let server = home.start_ready();
    wait("results", 20, || names(&around.output()).len() == 4 && names(&beside.output()).len() == 3);
    pause(600); // what must stay has every chance to be taken
    assert_eq!(names(&around.input()), ["re-9.pdf", "x.csv", "y.csv.tmp"]);
    assert_eq!(names(&beside.input()), ["folder"]);
    assert_eq!(names(&around.output()), ["RE-3.CSV.p7m", "note.txt.p7m", "re-1.csv.p7m", "re-2.csv.p7m"]);
    assert_eq!(names(&beside.output()), ["sig_a.bin.p7s", "sig_b.bin.p7s", "sig_c.p7s"]);
    for name in ["re-1.csv", "note.txt"] {
        assert_eq!(openssl_opens(&around.output().join(format!("{name}.p7m"))).unwrap(), name.as_bytes());
    }
    let enveloping = around.output().join("re-1.csv.p7m");
    let mut print = Command::new("openssl");
    print.args(["cms", "-cmsout", "-print", "-inform", "DER", "-in"]).arg(enveloping);
    let printed = print.output().unwrap();
    let printed = String::from_utf8_lossy(&printed.stdout).into_owned();
    assert!(printed.contains("rsassaPss") && printed.contains("sha512"), "{printed}");
    for name in ["a.bin", "b.bin", "c"] {
        openssl_accepts_detached(&beside.output().join(format!("sig_{name}.p7s")), &beside.done().join(name)).unwrap();
    }
    assert!(server.stop().success());
    let numbered = block_on(store_names(&home, "directory:beside"));
    assert_eq!(numbered, ["b.bin", "a.bin", "c"], "oldest first");
    let numbered = block_on(store_names(&home, "directory:around"));
    assert_eq!(numbered, ["RE-3.CSV", "note.txt", "re-1.csv", "re-2.csv"], "by name");
}

/// The documents of a door in the order in which they were taken.
async fn store_names(home: &Home, door: &str) -> Vec<String> {
    let config = store::StoreConfig::Sqlite { path: home.path().join("sealmill.sqlite") };
    let store = store::Store::open(&config, "reader").await.unwrap();
    let tenant = model::TenantId::new("main").unwrap();
    let mut jobs = store.list_jobs(&tenant, door, None, 100).await.unwrap();
    jobs.sort_by_key(|job| job.id);
    let mut taken = Vec::new();
    for job in jobs {
        let documents = store.list_documents(&tenant, job.id, None, 1_000).await.unwrap();
        taken.extend(documents.into_iter().map(|document| document.name));
    }
    taken
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn a_file_that_is_being_written_is_not_taken_and_a_network_share_settles() {
    let mut home = Home::two_signers();
    home.profile("usual", "all", "format = \"cades\"");
    let slow = home.directory("slow", "usual", "settle_ms = 1500\npoll_ms = 50");
    let far = home.directory("far", "usual", "settle_ms = 900\npoll_ms = 100");
    let server = home.start_ready();
    wait("both directories to be watched", 10, || {
        ["slow", "far"]
            .iter()
            .all(|name| server.metric("sealmill_directory_up", &[&format!("directory=\"{name}\"")]) == Some(1.0))
    });

    // Held open and growing for longer than it would have to rest.
    let path = slow.input().join("growing.bin");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut content = Vec::new();
    for step in 0..24_u8 {
        file.write_all(&[step; 1000]).unwrap();
        content.extend([step; 1000]);
        pause(100);
        assert!(path.exists(), "taken while it was being written, after {step} steps");
        assert!(names(&slow.output()).is_empty());
    }
    drop(file);
    // Closed: there is no need to rest.
    let closed = std::time::Instant::now();
    wait("the file after its close", 10, || slow.output().join("growing.bin.pkcs7").exists());
    eprintln!("signed {} ms after its close", closed.elapsed().as_millis());
    assert_eq!(std::fs::read(slow.done().join("growing.bin")).unwrap(), content);
    openssl_accepts_detached(&slow.output().join("growing.bin.pkcs7"), &slow.done().join("growing.bin")).unwrap();

    // A hard link gives neither a close nor a rename: as over a network share there is only the look at rested files.
    let outside = home.path().join("arriving.bin");
    std::fs::write(&outside, b"from afar").unwrap();
    let appeared = std::time::Instant::now();
    std::fs::hard_link(&outside, far.input().join("arriving.bin")).unwrap();
    wait("the file that came without events", 10, || far.output().join("arriving.bin.pkcs7").exists());
    let took = appeared.elapsed();
    assert!(took.as_millis() >= 890, "taken after {took:?}, before it had rested");
    assert!(server.stop().success());
}

#[test]
fn a_name_that_is_taken_gets_a_number_and_nothing_is_overwritten() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", USUAL).directory("invoices", "usual", "");
    for place in [folder.output(), folder.done(), folder.error()] {
        std::fs::create_dir_all(&place).unwrap();
    }
    std::fs::write(folder.output().join("note.txt.pkcs7"), "somebody else's").unwrap();
    std::fs::write(folder.done().join("note.txt"), "an older note").unwrap();
    let server = home.start_ready();
    let pdf = invoice(5, &Shape::default());
    for round in 0..3 {
        folder.put("note.txt", format!("note {round}").as_bytes());
        folder.put("x.pdf", &pdf);
        folder.put("bad.pdf", b"%PDF-1.4 nothing else");
        folder.wait_empty(20);
    }
    assert_eq!(
        names(&folder.output()),
        ["note.txt.2.pkcs7", "note.txt.3.pkcs7", "note.txt.4.pkcs7", "note.txt.pkcs7"]
            .iter()
            .chain(&["x-signed.2.pdf", "x-signed.3.pdf", "x-signed.pdf"])
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    );
    let done = ["note.2.txt", "note.3.txt", "note.4.txt", "note.txt", "x.2.pdf", "x.3.pdf", "x.pdf"];
    assert_eq!(names(&folder.done()), done);
    assert_eq!(names(&folder.error()).len(), 6, "{:?}", names(&folder.error()));
    assert_eq!(std::fs::read_to_string(folder.output().join("note.txt.pkcs7")).unwrap(), "somebody else's");
    assert_eq!(std::fs::read_to_string(folder.done().join("note.txt")).unwrap(), "an older note");
    for (number, round) in [(2, 0), (3, 1), (4, 2)] {
        let source = folder.done().join(format!("note.{number}.txt"));
        assert_eq!(std::fs::read_to_string(&source).unwrap(), format!("note {round}"));
        openssl_accepts_detached(&folder.output().join(format!("note.txt.{number}.pkcs7")), &source).unwrap();
    }
    for name in ["bad", "bad.2", "bad.3"] {
        assert!(folder.reason(&format!("{name}.pdf")).is_some_and(|reason| reason.starts_with("bad")), "{name}");
    }
    assert!(server.stop().success());
}

#[test]
fn what_is_misconfigured_stays_visible_and_the_rest_runs() {
    let mut home = Home::two_signers();
    home.add("[[software]]\nname = \"locked\"\npkcs12 = \"keys/s1.p12\"\npassword_file = \"keys/wrong.password\"");
    home.add("[[software]]\nname = \"lost\"\npkcs12 = \"keys/nowhere.p12\"");
    std::fs::write(home.path().join("keys/wrong.password"), "wrong\n").unwrap();
    home.pool("broken", &["locked", "lost"]);
    home.profile("good", "all", USUAL);
    home.profile("unsigned", "broken", USUAL);
    home.profile("picture", "all", "format = \"pades\"\n[profile.pdf.visible]\nimage = \"keys/no-such-image.png\"");
    let good = home.directory("good", "good", "");
    let unsigned = home.directory("unsigned", "unsigned", "");
    let picture = home.directory("picture", "picture", "");
    let elsewhere = home.directory("elsewhere", "good", "output = \"/dev/shm\"");
    let server = home.start_ready();
    let pdf = invoice(6, &Shape::default());
    for folder in [&good, &unsigned, &picture, &elsewhere] {
        folder.put("x.pdf", &pdf);
    }
    good.wait_empty(20);
    assert_eq!(names(&good.output()), ["x-signed.pdf"]);
    let up = |name: &str| server.metric("sealmill_directory_up", &[&format!("directory=\"{name}\"")]);
    wait("the state of every directory", 10, || {
        up("good") == Some(1.0) && ["unsigned", "picture", "elsewhere"].iter().all(|name| up(name) == Some(0.0))
    });
    for folder in [&unsigned, &picture, &elsewhere] {
        assert_eq!(names(&folder.input()), ["x.pdf"], "untouched");
        assert!(names(&folder.work()).is_empty());
    }
    let page = server.get("/metrics").1;
    let state = |token: &str, state: &str| {
        support::metric_in(
            &page,
            "sealmill_token_state",
            &[&format!("token=\"soft:{token}\""), &format!("state=\"{state}\"")],
        )
    };
    for token in ["locked", "lost"] {
        assert_eq!(state(token, "logged-in"), Some(0.0), "{page}");
    }
    for token in ["s1", "s2"] {
        assert_eq!(state(token, "logged-in"), Some(1.0), "{page}");
    }
    for words in [
        "no-such-image.png cannot be read",
        "nowhere.p12 cannot be read",
        "no signer of pool \\\"broken\\\" is ready",
        "/dev/shm lies on another file system",
    ] {
        // A reason that passes by itself is not worth a line at once.
        wait(&format!("\"{words}\" in the log"), 20, || server.log().contains(words));
    }
    let log = server.log();
    assert!(log.lines().any(|line| line.contains("soft:locked") && line.contains("password")), "{log}");

    // Put right while the server runs: the signer comes up, and the directory with it.
    std::fs::copy(home.path().join("keys/s1.password"), home.path().join("keys/wrong.password")).unwrap();
    wait("the signer whose password was put right", 90, || unsigned.output().join("x-signed.pdf").exists());
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn the_page_tells_health_readiness_and_what_happened() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", USUAL).directory("invoices", "usual", "");
    let server = home.start_ready();
    folder.put("a.pdf", &invoice(7, &Shape::default()));
    folder.put("b.xml", b"<b/>");
    folder.put("broken.pdf", b"%PDF-1.4 broken");
    folder.wait_empty(20);
    assert_eq!(server.get("/healthz"), (200, "alive\n".to_owned()));
    assert_eq!(server.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(server.get("/nothing").0, 404);
    let page = server.get("/metrics").1;
    let metric = |name, labels: &[&str]| support::metric_in(&page, name, labels);
    let documents = |outcome| metric("sealmill_documents_total", &["door=\"directory:invoices\"", outcome]);
    assert_eq!(documents("outcome=\"done\""), Some(2.0), "{page}");
    assert_eq!(documents("outcome=\"rejected\""), Some(1.0), "{page}");
    assert_eq!(metric("sealmill_token_signatures_total", &[]), Some(2.0));
    assert_eq!(metric("sealmill_documents_in_flight", &[]), Some(0.0));
    assert_eq!(metric("sealmill_intake_permits_free", &[]), Some(256.0));
    assert_eq!(metric("sealmill_documents_waiting", &[]), Some(0.0));
    assert_eq!(metric("sealmill_directory_up", &["directory=\"invoices\""]), Some(1.0));
    let before = server.cpu_ticks();
    pause(1_000);
    let used = server.cpu_ticks() - before;
    assert!(used < 15, "{used} of 100 ticks of a processor with nothing to do");
    for stage in ["claim", "choose", "prepare", "sign", "assemble", "write", "record", "publish"] {
        let labels = [format!("stage=\"{stage}\"")];
        let count = metric("sealmill_stage_seconds_count", &[&labels[0]]);
        assert!(count.is_some_and(|count| count >= 1.0), "{stage}: {page}");
    }
    assert!(server.stop().success());

    // Nobody can sign: the process lives and is not ready.
    let mut home = Home::new();
    home.add("[[software]]\nname = \"lost\"\npkcs12 = \"keys/nowhere.p12\"").pool("all", &["lost"]);
    let server = home.start();
    assert_eq!(server.get("/healthz").0, 200);
    let (status, why) = server.get("/readyz");
    assert_eq!((status, why.as_str()), (503, "no signer is ready\n"));
    assert!(server.stop().success());
}

#[test]
fn the_end_lets_everything_that_was_claimed_finish() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", USUAL).directory("invoices", "usual", "group_files_max = 50");
    for number in 0..1_500 {
        folder.put(format!("{number}.xml"), format!("<invoice>{number}</invoice>").as_bytes());
    }
    let server = home.start_ready();
    wait("some results", 20, || names(&folder.output()).len() > 100);
    let status = server.stop();
    assert_eq!(status.code(), Some(0));
    let (waiting, results) = (names(&folder.input()).len(), names(&folder.output()).len());
    assert!(names(&folder.work()).is_empty(), "{:?}", names(&folder.work()));
    assert_eq!(waiting + results, 1_500);
    assert_eq!(names(&folder.done()).len(), results);
    eprintln!("ended with {results} of 1500 done");
    // `--until-idle` does the rest and ends by itself.
    let config = home.config();
    let said = home.run(["serve".as_ref(), "--until-idle".as_ref(), "--config".as_ref(), config.as_os_str()]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(names(&folder.output()).len(), 1_500);
    assert!(folder.is_empty());
}

/// As when a disk is unmounted and comes back, or somebody tidies up.
#[test]
fn folders_that_are_removed_and_come_back_are_watched_again() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", USUAL).directory("invoices", "usual", "settle_ms = 60000");
    let server = home.start_ready();
    folder.put("before.xml", b"<x/>");
    folder.wait_empty(20);
    let away = home.path().join("away");
    std::fs::rename(&folder.root, &away).unwrap();
    wait("new folders", 20, || folder.input().is_dir() && folder.work().is_dir());
    pause(500);
    // Nothing but its event makes this file complete.
    folder.put("between.xml", b"<x/>");
    wait("the file in the new folder", 20, || folder.output().join("between.xml.pkcs7").exists());
    std::fs::rename(&folder.root, home.path().join("second")).unwrap();
    std::fs::rename(&away, &folder.root).unwrap();
    wait("the old folders to work", 20, || {
        server.metric("sealmill_directory_up", &["directory=\"invoices\""]) == Some(1.0)
    });
    assert_eq!(names(&folder.output()), ["before.xml.pkcs7"]);
    assert!(server.stop().success());
}

/// Fewer documents may be inside than one directory would like to claim at once, and many directories want them.
#[test]
fn few_permits_and_many_directories_do_not_wait_for_each_other() {
    for permits in [1, 40] {
        let mut home = Home::with(&format!("documents_in_flight_max = {permits}"), "127.0.0.1:0");
        home.software("s1", KeyKind::P256, 2).pool("all", &["s1"]).profile("usual", "all", USUAL);
        let folders: Vec<Folder> = (0..12).map(|number| home.directory(&format!("d{number}"), "usual", "")).collect();
        for folder in &folders {
            for number in 0..25 {
                folder.put(format!("{number}.xml"), b"<x/>");
            }
        }
        let server = home.start_ready();
        for folder in &folders {
            folder.wait_empty(60);
            assert_eq!(names(&folder.output()).len(), 25);
        }
        assert!(server.stop().success());
    }
}

#[test]
fn a_timetable_keeps_files_until_its_time() {
    let mut home = Home::two_signers();
    home.profile("usual", "all", USUAL);
    // The 29th of February is never near enough to spoil the test for long.
    let night: Folder = home.directory("night", "usual", "timetable = \"0 3 29 2 *\"");
    let minute = home.directory("minute", "usual", "timetable = \"* * * * *\"");
    let always = home.directory("always", "usual", "");
    let server = home.start_ready();
    for folder in [&night, &minute, &always] {
        folder.put("x.pdf", &invoice(8, &Shape::default()));
    }
    always.wait_empty(20);
    pause(1_000);
    assert_eq!(names(&night.input()), ["x.pdf"]);
    assert!(names(&night.work()).is_empty());
    assert_eq!(server.metric("sealmill_directory_up", &["directory=\"night\""]), Some(1.0), "waiting is not a fault");
    wait("the next full minute", 75, || minute.output().join("x-signed.pdf").exists());
    assert_eq!(names(&night.input()), ["x.pdf"]);
    assert!(server.stop().success());
}

#[test]
fn a_result_is_open_to_no_more_people_than_its_source() {
    use std::os::unix::fs::PermissionsExt;
    let mut home = Home::new();
    home.software("ec", KeyKind::P256, 1).pool("all", &["ec"]);
    let folder = home.profile("usual", "all", USUAL).directory("private", "usual", "");
    for name in ["secret.pdf", "secret.xml"] {
        let content = if name.ends_with("pdf") { invoice(7, &Shape::of_bytes(5_000)) } else { b"<a/>".to_vec() };
        let hidden = folder.input().join(format!(".{name}"));
        std::fs::write(&hidden, content).unwrap();
        std::fs::set_permissions(&hidden, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::rename(&hidden, folder.input().join(name)).unwrap();
    }
    let server = home.start_ready();
    folder.wait_empty(30);
    assert!(server.stop().success());
    for result in ["secret-signed.pdf", "secret.xml.pkcs7"] {
        let mode = std::fs::metadata(folder.output().join(result)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{result}");
    }
}
