//! A disk that is full: nothing half-written is ever seen, nothing is lost, and everything finishes once there is room
//! again. The disk is a small tmpfs, which takes root to mount.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use std::path::{Path, PathBuf};
use support::{Folder, Home, names, openssl_accepts_detached, pause, wait};
use testkit::judge;
use testkit::pdf::{Shape, invoice};
use testkit::tools;

/// A small file system; unmounted when dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None`, loudly, where mounting is not allowed.
    fn mount(at: PathBuf, kibibytes: u32) -> Option<Self> {
        std::fs::create_dir_all(&at).unwrap();
        let options = format!("size={kibibytes}k,mode=755");
        let said = tools::run(
            "mount",
            ["-t".as_ref(), "tmpfs".as_ref(), "-o".as_ref(), options.as_ref(), "tmpfs".as_ref(), at.as_os_str()],
        );
        match said {
            Ok(said) if said.ok() => Some(Self(at)),
            other => {
                eprintln!("NOT RUN: a small tmpfs cannot be mounted (takes root): {other:?}");
                None
            }
        }
    }

    fn grow(&self, kibibytes: u32) {
        let options = format!("remount,size={kibibytes}k");
        tools::run_ok("mount", ["-o".as_ref(), options.as_ref(), self.0.as_os_str()]).unwrap();
    }

    /// Fills it to the last byte with one file, and gives that.
    fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        for piece in [4_096, 1] {
            while std::io::Write::write(&mut file, &vec![0; piece]).is_ok() {}
        }
        ballast
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = tools::run("umount", [&self.0]);
    }
}

#[test]
fn a_full_disk_defers_and_everything_finishes_once_there_is_room() {
    let mut home = Home::two_signers();
    let Some(disk) = Disk::mount(home.path().join("small"), 3_000) else { return };
    home.profile("usual", "all", "format = \"pades\"\notherwise = \"cades\"");
    let folder = home.directory_at("small", &disk.0.join("box"), "usual", "");
    let sources: Vec<Vec<u8>> = (0..20).map(|number| invoice(number, &Shape::of_bytes(100_000))).collect();
    for (number, content) in sources.iter().enumerate() {
        folder.put(format!("{number}.pdf"), content);
    }
    folder.put("bad.pdf", b"%PDF-1.4 no more");
    let server = home.start_ready();
    wait("the disk to be full", 20, || server.log().contains("no room on the disk"));
    pause(500);
    let signed = whole_results(&folder, &sources);
    assert!((1..20).contains(&signed), "{signed} signed");
    assert_eq!(server.get("/healthz").0, 200);
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(claimed(&folder) + names(&folder.done()).len() + names(&folder.input()).len(), 20, "nothing is lost");
    let rejected = folder.error().join("bad.pdf");
    assert_eq!(std::fs::read(rejected).unwrap(), b"%PDF-1.4 no more", "others are dealt with meanwhile");

    disk.grow(10_000);
    folder.wait_empty(60);
    assert_eq!(whole_results(&folder, &sources), 20);
    assert!(folder.reason("bad.pdf").is_some());
    for name in names(&folder.output()) {
        let verdicts = judge::pdfsig(&folder.output().join(&name), None).unwrap();
        assert!(verdicts.len() == 1 && verdicts[0].valid && verdicts[0].whole_document, "{name}: {verdicts:?}");
    }
    assert!(server.stop().success());
    home.audit_is_unbroken();
}

/// How many results are out; each must be whole.
fn whole_results(folder: &Folder, sources: &[Vec<u8>]) -> usize {
    let results = names(&folder.output());
    for name in &results {
        let number: usize = name.trim_end_matches("-signed.pdf").parse().unwrap_or_else(|_| panic!("{name} is out"));
        let result = std::fs::read(folder.output().join(name)).unwrap();
        assert!(result.starts_with(&sources[number]) && result.ends_with(b"%%EOF\n"), "{name} is half-written");
    }
    results.len()
}

fn claimed(folder: &Folder) -> usize {
    let jobs = names(&folder.work()).into_iter().map(|job| names(&folder.work().join(job)));
    jobs.flatten().filter(|name| name.contains('~')).count()
}

/// The store is on the disk that fills up: no outcome can be written.
#[test]
fn a_full_disk_under_the_store_loses_nothing() {
    let mut home = Home::two_signers();
    let Some(disk) = Disk::mount(home.path().join("small"), 4_000) else { return };
    home.store_at(&disk.0.join("sealmill.sqlite"));
    home.profile("usual", "all", "format = \"cades\"");
    let folder = home.directory("box", "usual", "");
    let server = home.start_ready();
    folder.put("first.xml", b"<first/>");
    folder.wait_empty(20);
    let ballast = disk.fill();
    for number in 0..300 {
        folder.put(format!("{number}.xml"), format!("<x>{number}</x>").as_bytes());
    }
    pause(3_000);
    let out = names(&folder.output()).len();
    eprintln!("{out} of 301 out while the store was full");
    assert!(out < 301, "the disk was not full");
    assert_eq!(server.get("/healthz").0, 200);
    assert_eq!(claimed(&folder) + names(&folder.done()).len() + names(&folder.input()).len(), 301, "nothing is lost");
    std::fs::remove_file(ballast).unwrap();
    folder.wait_empty(60);
    assert_eq!(names(&folder.output()).len(), 301);
    assert!(names(&folder.error()).is_empty());
    for number in [0, 150, 299] {
        let name = format!("{number}.xml");
        openssl_accepts_detached(&folder.output().join(format!("{name}.pkcs7")), &folder.done().join(&name)).unwrap();
    }
    assert!(server.stop().success());
    assert!(home.audit_is_unbroken() >= 301);
}

/// `sealmill sign` onto a full disk.
#[test]
fn the_command_defers_on_a_full_disk_and_leaves_nothing_behind() {
    let home = Home::new();
    let Some(disk) = Disk::mount(home.path().join("small"), 500) else { return };
    let identity = testkit::pki::Pki::shared().signer(testkit::pki::KeyKind::P256).unwrap();
    let (pkcs12, password) = home.key_file("s", &identity);
    let file = home.path().join("big.pdf");
    std::fs::write(&file, invoice(1, &Shape::of_bytes(900_000))).unwrap();
    let sign = |output: &Path| {
        let mut command = home.command(["--json", "sign", "--pkcs12"]);
        command.arg(&pkcs12).arg("--password-file").arg(&password).arg(&file).arg("-o").arg(output);
        tools::said("sealmill", &mut command).unwrap()
    };
    let said = sign(&disk.0);
    assert_eq!(said.code, 2, "deferred: {said:?}");
    let line: serde_json::Value = serde_json::from_str(said.out.trim()).unwrap();
    assert_eq!(line["outcome"], "deferred", "{line}");
    assert!(line["reason"].as_str().unwrap().contains("room"), "{line}");
    assert_eq!(names(&disk.0), Vec::<String>::new());
    disk.grow(2_000);
    assert_eq!(sign(&disk.0).code, 0);
    assert_eq!(names(&disk.0), ["big-signed.pdf"]);
}
