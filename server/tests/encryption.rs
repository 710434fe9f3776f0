//! `sealmill encrypt` and `sealmill decrypt` as they are run, with keys in files and on tokens, and directories that
//! encrypt what they sign. The openssl program is sender and recipient.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use serde_json::Value;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;
use support::{Home, names, pause, wait};
use testkit::pki::{Identity, KeyKind, Pki};
use testkit::softhsm::SoftHsm;
use testkit::tools::{self, Said};

const PLAIN: &[u8] = b"Rechnung 4711: 1 000,00 EUR \xe2\x82\xac\r\n\0 Ende";

/// A home with one document and the certificate of one recipient.
struct Post {
    home: Home,
    document: PathBuf,
    certificate: PathBuf,
}

impl Post {
    fn to(recipient: &Identity) -> Self {
        let home = Home::new();
        let (document, certificate) = (home.path().join("rechnung.pdf"), home.path().join("recipient.pem"));
        std::fs::write(&document, PLAIN).unwrap();
        std::fs::write(&certificate, recipient.certificate_pem().unwrap()).unwrap();
        Self { home, document, certificate }
    }

    fn encrypt(&self, arguments: &[&str], output: &str) -> Said {
        let mut all: Vec<OsString> = vec!["--json".into(), "encrypt".into(), "--recipient".into()];
        all.push(self.certificate.clone().into());
        all.extend(arguments.iter().map(Into::into));
        all.extend([self.document.clone().into(), "-o".into(), output.into()]);
        self.home.run(all)
    }

    /// Opens `file` with a key file.
    fn decrypt(&self, recipient: &Identity, file: &Path, output: &str) -> Said {
        let (pkcs12, password) = self.home.key_file("recipient", recipient);
        let mut all: Vec<OsString> = vec!["--json".into(), "decrypt".into(), "--pkcs12".into(), pkcs12.into()];
        all.extend(["--password-file".into(), password.into(), file.into(), "-o".into(), output.into()]);
        self.home.run(all)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }
}

fn recipient(kind: KeyKind) -> std::sync::Arc<Identity> {
    Pki::shared().recipient(kind).unwrap()
}

fn line(said: &Said) -> Value {
    serde_json::from_str(said.out.trim()).unwrap_or_else(|_| panic!("{said:?}"))
}

/// `openssl cms -decrypt`.
fn opened_by_openssl(home: &Home, message: &Path, recipient: &Identity) -> Vec<u8> {
    let (key, output) = (home.path().join("key.pem"), home.path().join("by-openssl"));
    std::fs::write(&key, recipient.key_pem().unwrap()).unwrap();
    let certificate = home.path().join("certificate.pem");
    std::fs::write(&certificate, recipient.certificate_pem().unwrap()).unwrap();
    let mut command = std::process::Command::new("openssl");
    command.args(["cms", "-decrypt", "-binary", "-inform", "DER", "-in"]).arg(message).arg("-inkey").arg(&key);
    tools::ok("openssl", command.arg("-recip").arg(&certificate).arg("-out").arg(&output)).unwrap();
    std::fs::read(output).unwrap()
}

#[test]
fn files_are_encrypted_without_a_key_and_opened_with_one() {
    for (kind, arguments) in [
        (KeyKind::Rsa2048, &[][..]),
        (KeyKind::Rsa2048, &["--rsa", "pkcs1", "--cipher", "aes128-cbc"]),
        (KeyKind::P256, &["--cipher", "aes128-gcm"]),
        (KeyKind::BrainpoolP256r1, &["--cipher", "aes256-cbc"]),
    ] {
        let recipient = recipient(kind);
        let post = Post::to(&recipient);
        std::fs::set_permissions(&post.document, std::fs::Permissions::from_mode(0o600)).unwrap();
        let said = post.encrypt(arguments, "out");
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(line(&said)["format"], "encrypted");
        assert_eq!(names(&post.path("out")), ["rechnung.pdf.p7m"]);
        let message = post.path("out/rechnung.pdf.p7m");
        assert_eq!(std::fs::metadata(&message).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(opened_by_openssl(&post.home, &message, &recipient), PLAIN, "{arguments:?}");
        let said = post.decrypt(&recipient, &message, "opened");
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(names(&post.path("opened")), ["rechnung.pdf"]);
        let opened = post.path("opened/rechnung.pdf");
        assert_eq!(std::fs::read(&opened).unwrap(), PLAIN, "{arguments:?}");
        assert_eq!(std::fs::metadata(&opened).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_was_changed_or_is_for_others_is_rejected_and_leaves_no_file() {
    let bob = recipient(KeyKind::P256);
    let post = Post::to(&bob);
    assert_eq!(post.encrypt(&[], "out").code, 0);
    let good = std::fs::read(post.path("out/rechnung.pdf.p7m")).unwrap();
    // The content, the tag, the wrapped key, the sender's point: what a change is not noticed of is not in the file.
    for place in [good.len() - 1, good.len() - 25, good.len() - 170, good.len() / 2, 40, 5] {
        let mut bad = good.clone();
        bad[place] ^= 0x10;
        let file = post.path("bad.p7m");
        std::fs::write(&file, &bad).unwrap();
        let said = post.decrypt(&bob, &file, "opened");
        assert_eq!(said.code, 1, "byte {place}: {said:?}");
        assert_eq!(line(&said)["outcome"], "rejected");
        assert_eq!(names(&post.path("opened")), [""; 0], "byte {place}");
    }
    let said = post.decrypt(&recipient(KeyKind::P384), &post.path("out/rechnung.pdf.p7m"), "opened");
    assert_eq!((said.code, line(&said)["code"].as_str()), (1, Some("not-for-us")), "{said:?}");
    let said = post.decrypt(&bob, &post.document, "opened");
    assert_eq!((said.code, line(&said)["code"].as_str()), (1, Some("not-encrypted")), "{said:?}");
    assert_eq!(names(&post.path("opened")), [""; 0]);
}

#[test]
fn nothing_is_encrypted_for_who_may_not_receive_it() {
    let post = Post::to(&Pki::shared().signer(KeyKind::Rsa2048).unwrap());
    let said = post.encrypt(&[], "out");
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("key encipherment"), "{said:?}");
    assert!(!post.path("out").exists());
}

#[test]
fn keys_on_tokens_open_what_openssl_and_sealmill_encrypt() {
    let recipients = [recipient(KeyKind::Rsa3072), recipient(KeyKind::P256)];
    let hsm = SoftHsm::new().unwrap();
    let card = hsm.token("Posteingang").unwrap();
    for recipient in &recipients {
        card.import_recipient(recipient).unwrap();
    }
    for recipient in &recipients {
        let mut post = Post::to(recipient);
        for (name, value) in hsm.environment() {
            post.home.environment(name, value);
        }
        assert_eq!(post.encrypt(&[], "out").code, 0);
        let theirs = post.path("theirs.cms");
        let mut command = std::process::Command::new("openssl");
        command.args(["cms", "-encrypt", "-binary", "-outform", "DER", "-stream", "-aes-256-gcm", "-in"]);
        command.arg(&post.document).arg("-out").arg(&theirs).arg("-recip").arg(&post.certificate);
        tools::ok("openssl", &mut command).unwrap();
        let pin = post.path("pin");
        std::fs::write(&pin, card.pin()).unwrap();
        let mut all: Vec<OsString> = ["decrypt", "--token", card.serial(), "--module"].map(Into::into).into();
        all.extend([hsm.module().into(), "--password-file".into(), pin.into()]);
        all.extend([post.path("out/rechnung.pdf.p7m").into(), theirs.into(), "-o".into(), "opened".into()]);
        let said = post.home.run(all);
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(names(&post.path("opened")), ["rechnung.pdf", "theirs"]);
        for name in ["rechnung.pdf", "theirs"] {
            assert_eq!(std::fs::read(post.path("opened").join(name)).unwrap(), PLAIN);
        }
    }
}

#[test]
fn a_directory_encrypts_what_it_signs_in_one_pass() {
    let bob = recipient(KeyKind::Rsa2048);
    let mut home = Home::two_signers();
    std::fs::write(home.path().join("bob.pem"), bob.certificate_pem().unwrap()).unwrap();
    home.profile(
        "sealed",
        "all",
        "format = \"cades\"\ndetached = false\n[profile.encryption]\nrecipients = [\"bob.pem\"]",
    );
    let folder = home.directory("post", "sealed", "");
    let server = home.start_ready();
    std::fs::write(folder.input().join("rechnung.xml"), "<rechnung/>").unwrap();
    let result = folder.output().join("rechnung.xml.p7m.p7m");
    wait("the result", 20, || result.exists());
    let signed = opened_by_openssl(&home, &result, &bob);
    let message = home.path().join("signed.p7m");
    std::fs::write(&message, signed).unwrap();
    let mut verify = std::process::Command::new("openssl");
    verify.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-in"]).arg(&message);
    let content = tools::ok("openssl", verify.arg("-CAfile").arg(Pki::shared().root_pem())).unwrap();
    assert_eq!(content, "<rechnung/>");
    assert!(server.stop().success());
}

/// Runs a command over a large file; the most memory that it held, in bytes.
fn peak(home: &Home, arguments: Vec<OsString>) -> u64 {
    let started = Instant::now();
    let name = arguments[0].clone();
    let mut child = home.command(arguments).stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    let status = loop {
        if let Ok(now) = testkit::memory::peak_bytes_of(child.id()) {
            peak = peak.max(now);
        }
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        pause(2);
    };
    eprintln!("{name:?}: peak {} MiB, {:.1} s", peak >> 20, started.elapsed().as_secs_f64());
    assert!(status.success());
    assert!(peak > 1 << 20, "the peak was not seen");
    peak
}

#[test]
fn large_files_take_little_memory_in_both_directions() {
    let mebibytes: u64 = std::env::var("SEALMILL_TEST_MIB").ok().and_then(|text| text.parse().ok()).unwrap_or(256);
    let bob = recipient(KeyKind::P256);
    let post = Post::to(&bob);
    let file = std::fs::File::create(&post.document).unwrap();
    file.set_len((mebibytes << 20) + 5).unwrap();
    for cipher in ["aes256-gcm", "aes256-cbc"] {
        let mut encrypt: Vec<OsString> = ["encrypt", "--cipher", cipher, "--recipient"].map(Into::into).into();
        encrypt.extend([post.certificate.clone().into(), post.document.clone().into(), "-o".into(), "out".into()]);
        let held = peak(&post.home, encrypt);
        assert!(held < 64 << 20, "{} MiB", held >> 20);
        let (pkcs12, password) = post.home.key_file("recipient", &bob);
        let message = post.path("out/rechnung.pdf.p7m");
        let mut decrypt: Vec<OsString> = vec!["decrypt".into(), "--pkcs12".into(), pkcs12.into()];
        decrypt.extend(["--password-file".into(), password.into(), message.clone().into()]);
        decrypt.extend(["-o".into(), "opened".into()]);
        let held = peak(&post.home, decrypt);
        assert!(held < 64 << 20, "{} MiB", held >> 20);
        let opened = post.path("opened/rechnung.pdf");
        let same = std::process::Command::new("cmp").args([&post.document, &opened]).status().unwrap();
        assert!(same.success(), "{cipher}");
        std::fs::remove_file(message).unwrap();
        std::fs::remove_file(opened).unwrap();
    }
}
