//! Files that are broken, hostile or no files at all: each ends in `error/` with a reason, or stays with one; the good
//! ones between them are signed, and memory stays bounded.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use support::{Folder, Home, SEALMILL, names, pause, wait};
use testkit::judge;
use testkit::pdf::{Shape, evil, invoice};
use testkit::pki::KeyKind;
use testkit::tools;

/// What the whole server may hold at most, in bytes.
const PEAK_BYTES_MAX: u64 = 150 << 20;

#[test]
fn every_bad_file_gets_a_reason_and_blocks_nobody() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", "format = \"pades\"\notherwise = \"cades\"").directory("in", "usual", "");
    let good = invoice(3, &Shape::of_bytes(40_000));
    // What is a PDF good enough for others to read may be signed; everything of these must not be.
    let hopeless = [
        ("empty.pdf", Vec::new()),
        ("empty.xml", Vec::new()),
        ("truncated.pdf", good[..good.len() / 3].to_vec()),
        ("truncated-end.pdf", good[..good.len() - 40].to_vec()),
        ("random.pdf", testkit::pdf::Numbers::new(4).bytes(300_000)),
        ("program.pdf", std::fs::read("/bin/true").unwrap()),
        ("Program.PDF", [b"MZ\x90\x00".as_slice(), &[0x55; 20_000]].concat()),
        ("text.pdf", b"Sehr geehrte Damen und Herren".to_vec()),
    ];
    let evil = evil();
    let mut count = 0;
    let mut put = |name: &str, content: &[u8]| {
        folder.put(name, content);
        // A good one behind each bad one.
        folder.put(format!("good-{count}.pdf"), &invoice(count, &Shape::default()));
        count += 1;
    };
    hopeless.iter().for_each(|(name, content)| put(name, content));
    evil.iter().for_each(|(name, content)| put(&format!("evil-{name}.pdf"), content));
    let server = home.start_ready();
    folder.wait_empty(90);

    for number in 0..count {
        let signed = folder.output().join(format!("good-{number}-signed.pdf"));
        assert!(
            signed.exists(),
            "good-{number}.pdf was not signed: {:?}",
            folder.reason(&format!("good-{number}.pdf"))
        );
    }
    for (name, content) in &hopeless {
        let reason = folder.reason(name).unwrap_or_else(|| panic!("{name} has no reason"));
        assert_eq!(&std::fs::read(folder.error().join(name)).unwrap(), content, "{name}");
        assert!(reason.len() > name.len() + 15 && reason.len() < 400, "{reason}");
    }
    let mut signed_evil = Vec::new();
    for (name, content) in &evil {
        let name = format!("evil-{name}");
        match folder.reason(&format!("{name}.pdf")) {
            Some(reason) => {
                assert_eq!(&std::fs::read(folder.error().join(format!("{name}.pdf"))).unwrap(), content, "{name}");
                assert!(reason.starts_with(&name) && reason.len() < 400, "{reason}");
                assert!(!reason.contains("panic") && !reason.contains("made sealmill fail"), "{reason}");
            }
            None => {
                // Strange but a PDF: then the signature must be as good as any other.
                let signed = folder.output().join(format!("{name}-signed.pdf"));
                assert!(std::fs::read(&signed).unwrap().starts_with(content), "{name}");
                signed_evil.push(signed);
            }
        }
    }
    for signed in &signed_evil {
        // pdfsig cannot open some of them; where it can, it must agree.
        match judge::pdfsig(signed, None) {
            Ok(verdicts) => eprintln!("{}: {verdicts:?}", signed.display()),
            Err(error) => eprintln!("{}: {error}", signed.display()),
        }
    }
    assert_eq!(names(&folder.error()).len(), 2 * (hopeless.len() + evil.len() - signed_evil.len()));
    let peak = server.peak_bytes();
    eprintln!(
        "{} bad files, {} of them signed, peak {} MiB",
        hopeless.len() + evil.len(),
        signed_evil.len(),
        peak >> 20
    );
    assert!(peak < PEAK_BYTES_MAX, "peak {} MiB", peak >> 20);
    assert!(server.stop().success());
    home.audit_is_unbroken();
}

#[test]
fn what_is_no_file_or_has_an_odd_name_is_set_aside_or_stays() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", "format = \"cades\"").directory("in", "usual", "");
    let input = folder.input();
    std::fs::create_dir(input.join("folder.pdf")).unwrap();
    symlink("/nowhere/at/all", input.join("dangling.pdf")).unwrap();
    symlink("/etc/hostname", input.join("link.pdf")).unwrap();
    assert!(Command::new("mkfifo").arg(input.join("pipe.pdf")).status().unwrap().success());
    let socket = std::os::unix::net::UnixListener::bind(input.join("socket.pdf")).unwrap();
    let (long, longest) = ("ü".repeat(101) + ".pdf", "x".repeat(255));
    for name in [&long, &longest] {
        std::fs::write(input.join(name), "x").unwrap();
    }
    let odd = ["-rf", "a b\tc\nd.xml", "$(true)`.xml", "%00.xml", "é\u{202e}fdp.xml", "..xml", "noextension"];
    for name in odd.iter().filter(|name| !name.starts_with('.')) {
        folder.put(name, b"content");
    }
    let not_text = std::os::unix::ffi::OsStringExt::from_vec(b"latin-\xfc.xml".to_vec());
    let not_text: std::ffi::OsString = not_text;
    folder.put(&not_text, b"content");
    let server = home.start_ready();
    wait("what can be dealt with", 20, || names(&input) == ["folder.pdf"] && names(&folder.work()).is_empty());
    for (name, word) in [
        ("dangling.pdf", "symbolic link"),
        ("link.pdf", "symbolic link"),
        ("pipe.pdf", "pipe"),
        ("socket.pdf", "socket"),
    ] {
        assert!(folder.error().join(name).symlink_metadata().is_ok(), "{name}");
        assert!(folder.reason(name).is_some_and(|reason| reason.contains(word)), "{name}: {:?}", folder.reason(name));
    }
    for name in [&long, &longest] {
        assert!(folder.error().join(name).exists());
    }
    let reasons = names(&folder.error()).into_iter().filter(|name| name.ends_with(".reason.txt"));
    assert_eq!(reasons.count(), 6, "{:?}", names(&folder.error()));
    assert_eq!(names(&folder.output()).len(), odd.len());
    assert!(std::fs::metadata(folder.done().join(&not_text)).is_ok());
    assert!(server.log().contains("folder.pdf"), "the folder that stays is mentioned");
    let log = server.log().len();
    pause(1_000);
    assert!(server.log().len() < log + 1_000, "it goes on and on:\n{}", server.log());
    assert!(server.stop().success());
    drop(socket);
}

#[test]
fn a_file_that_vanishes_or_changes_while_it_is_claimed() {
    // The only signer is not there, so that claimed files wait.
    let mut home = Home::with("place_timeout_ms = 300", "127.0.0.1:0");
    home.software("s1", KeyKind::P256, 1).pool("all", &["s1"]);
    let folder = home.profile("usual", "all", "format = \"cades\"").directory("in", "usual", "");
    for name in ["gone.xml", "kept.xml", "taken-between.xml"] {
        folder.put(name, b"<x/>");
    }
    // As a crash would leave it: claimed by a server that is no more, without a row in the store.
    let job = folder.work().join("01890a5d-ac96-774b-bcce-b302099a8057");
    std::fs::create_dir_all(&job).unwrap();
    std::fs::write(job.join("0~left.xml"), b"<left/>").unwrap();
    std::fs::write(job.join("0+left.xml.pkcs7"), b"half of a res").unwrap();
    std::fs::write(job.join("not ours"), b"?").unwrap();
    std::fs::remove_file(folder.input().join("gone.xml")).unwrap();
    let server = home.start_ready();
    wait("the rest", 20, || names(&folder.input()).is_empty() && names(&folder.output()).len() == 3);
    assert_eq!(names(&folder.done()), ["kept.xml", "left.xml", "taken-between.xml"]);
    support::openssl_accepts_detached(&folder.output().join("left.xml.pkcs7"), &folder.done().join("left.xml"))
        .unwrap();
    assert_eq!(names(&job), ["not ours"], "left alone");
    assert!(server.stop().success());
}

/// Deletes claimed files under the server's hands, thousands of times.
#[test]
fn files_deleted_while_claimed_cost_only_themselves() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", "format = \"cades\"").directory("in", "usual", "");
    for number in 0..1_200 {
        folder.put(format!("{number}.xml"), format!("<x>{number}</x>").as_bytes());
    }
    let server = home.start_ready();
    let mut deleted = 0;
    wait("everything to be dealt with", 60, || {
        for job in std::fs::read_dir(folder.work()).into_iter().flatten().flatten() {
            for (number, name) in names(&job.path()).into_iter().enumerate() {
                if number % 7 == 0 && name.contains('~') && std::fs::remove_file(job.path().join(&name)).is_ok() {
                    deleted += 1;
                }
            }
        }
        folder.is_empty()
    });
    let (done, results) = (names(&folder.done()).len(), names(&folder.output()).len());
    let reasons = names(&folder.error());
    eprintln!("{deleted} deleted while claimed, {results} results, {} reasons", reasons.len());
    assert!(deleted > 0, "the test was too slow to delete one");
    // A file that is deleted after its signature was made has a result and no source; before, a reason and no source.
    assert!(results >= done && results + reasons.len() == 1_200, "{results} {done} {}", reasons.len());
    assert!(reasons.iter().all(|name| name.ends_with(".reason.txt")), "{reasons:?}");
    if let Some(reason) = reasons.first() {
        let text = std::fs::read_to_string(folder.error().join(reason)).unwrap();
        assert!(text.contains("removed"), "{text}");
    }
    // And it goes on.
    folder.put("last.xml", b"<last/>");
    wait("the last file", 20, || folder.done().join("last.xml").exists());
    assert!(server.stop().success());
    home.audit_is_unbroken();
}

#[test]
fn files_without_permission_get_a_reason_and_do_not_keep_the_server_busy() {
    let mut home = Home::two_signers();
    let folder = home.profile("usual", "all", "format = \"cades\"").directory("in", "usual", "");
    let sticky = home.directory("sticky", "usual", "");
    let as_root = rustix::process::geteuid().is_root();
    folder.put("secret.xml", b"<secret/>");
    folder.put("open.xml", b"<open/>");
    std::fs::set_permissions(folder.input().join("secret.xml"), PermissionsExt::from_mode(0o000)).unwrap();
    sticky.put("theirs.xml", b"<theirs/>");
    sticky.put("ours.xml", b"<ours/>");
    let mut command = Command::new(SEALMILL);
    if as_root {
        // As a user without rights; the program may lie where that user cannot see it.
        let program = home.path().join("sealmill");
        std::fs::copy(SEALMILL, &program).unwrap();
        home.config();
        std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let (user, group) = (number_of("-u"), number_of("-g"));
        let owner = format!("{user}:{group}");
        tools::run_ok("chown", ["-R".as_ref(), owner.as_ref(), home.path().as_os_str()]).unwrap();
        // Nobody may rename somebody else's file out of a sticky folder.
        for path in [folder.input().join("secret.xml"), sticky.input().join("theirs.xml"), sticky.input()] {
            chown(&path, Some(0), Some(0)).unwrap();
        }
        std::fs::set_permissions(sticky.input(), PermissionsExt::from_mode(0o1777)).unwrap();
        command = Command::new("setpriv");
        command.args([format!("--reuid={user}"), format!("--regid={group}"), "--clear-groups".to_owned()]).arg(program);
    } else {
        eprintln!("NOT RUN: the sticky folder, which takes root to make");
    }
    let server = home.start_as(command);
    wait("/readyz", 30, || server.get("/readyz").0 == 200);
    folder.wait_empty(20);
    assert_eq!(names(&folder.done()), ["open.xml"]);
    assert!(
        folder.reason("secret.xml").is_some_and(|reason| reason.contains("permission")),
        "{:?}",
        folder.reason("secret.xml")
    );
    wait("the file that is ours", 20, || sticky.done().join("ours.xml").exists());
    if as_root {
        assert_eq!(names(&sticky.input()), ["theirs.xml"]);
        wait("a word about what stays", 5, || server.log().contains("theirs.xml"));
        let (log, cpu) = (server.log().len(), server.cpu_ticks());
        pause(2_000);
        assert!(server.log().len() < log + 1_000, "it goes on and on:\n{}", server.log());
        let used = server.cpu_ticks() - cpu;
        assert!(used < 40, "{used} of 200 ticks of one processor, doing nothing");
        assert!(names(&sticky.work()).is_empty());
    }
    assert!(server.stop().success());
    if as_root {
        reclaim(home.path(), &[&folder, &sticky]);
    }
}

/// The number of the user or group `nobody`.
fn number_of(what: &str) -> String {
    tools::run_ok("id", [what, "nobody"]).unwrap().trim().to_owned()
}

/// So that the temporary folder can be removed by whoever made it.
fn reclaim(home: &Path, folders: &[&Folder]) {
    for folder in folders {
        let _ = std::fs::set_permissions(folder.input(), PermissionsExt::from_mode(0o755));
    }
    let _ = tools::run("chown", ["-R".as_ref(), "0:0".as_ref(), home.as_os_str()]);
}
