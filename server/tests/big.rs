//! Files that are larger than memory should be: signed by the command line in a few dozen MiB.
//!
//! The files are sparse; what is written is not, so the PDF is a quarter of the GiB that the limit is promised for.
#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::disallowed_methods)]

mod support;

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use support::{Home, pause};
use testkit::judge;
use testkit::pki::{KeyKind, Pki};
use testkit::tools;

const GIB: u64 = 1 << 30;

/// Signs one file and gives the most memory that the program held, in bytes.
fn peak_of_signing(home: &Home, arguments: &[&str], file: &Path) -> u64 {
    let (pkcs12, password) = home.key_file("s", &Pki::shared().signer(KeyKind::P256).unwrap());
    let mut command = home.command(["sign", "--pkcs12"]);
    command.arg(pkcs12).arg("--password-file").arg(password).args(arguments).arg(file).args(["-o", "out"]);
    let started = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    // The peak only grows, so the last look before the end tells it.
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
    let length = std::fs::metadata(file).unwrap().len();
    eprintln!("{arguments:?} {} MiB: peak {} MiB, {:.1} s", length >> 20, peak >> 20, started.elapsed().as_secs_f64());
    assert!(status.success());
    assert!(peak > 1 << 20, "the peak was not seen");
    peak
}

#[test]
fn a_detached_signature_of_a_huge_file_takes_little_memory() {
    let home = Home::new();
    let file = home.path().join("huge.bin");
    let mut sparse = std::fs::File::create(&file).unwrap();
    sparse.write_all(b"begin").unwrap();
    sparse.seek(SeekFrom::Start(4 * GIB - 3)).unwrap();
    sparse.write_all(b"end").unwrap();
    let peak = peak_of_signing(&home, &["--format", "cms", "--detached"], &file);
    assert!(peak < 64 << 20, "{} MiB", peak >> 20);
    let mut verify = Command::new("openssl");
    verify.args(["cms", "-verify", "-binary", "-inform", "DER", "-purpose", "any", "-out", "/dev/null", "-CAfile"]);
    verify.arg(Pki::shared().root_pem()).arg("-in").arg(home.path().join("out/huge.bin.pkcs7"));
    tools::ok("openssl", verify.arg("-content").arg(&file)).unwrap();
}

#[test]
fn a_huge_pdf_takes_little_memory() {
    let home = Home::new();
    let file = home.path().join("huge.pdf");
    write_huge_pdf(&file, GIB / 4);
    let length = std::fs::metadata(&file).unwrap().len();
    let peak = peak_of_signing(&home, &["--format", "pades"], &file);
    assert!(peak < 128 << 20, "{} MiB", peak >> 20);
    let signed = home.path().join("out/huge-signed.pdf");
    let same = Command::new("cmp").arg("-n").arg(length.to_string()).args([&file, &signed]).status().unwrap();
    assert!(same.success(), "the original's bytes are not the beginning");
    let started = Instant::now();
    let verdicts = judge::pdfsig(&signed, None).unwrap();
    assert!(verdicts.len() == 1 && verdicts[0].valid && verdicts[0].whole_document, "{verdicts:?}");
    eprintln!("pdfsig took {:.1} s", started.elapsed().as_secs_f64());
}

/// One page, and beside it a stream that is a hole of this many bytes.
fn write_huge_pdf(path: &Path, hole: u64) {
    let mut file = std::fs::File::create(path).unwrap();
    let mut offsets = Vec::new();
    file.write_all(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n").unwrap();
    for (number, body) in [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Count 1 /Kids [3 0 R] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /XObject << /Scan 4 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {hole} >>\nstream\n"),
    ]
    .iter()
    .enumerate()
    {
        offsets.push(file.stream_position().unwrap());
        write!(file, "{} 0 obj\n{body}", number + 1).unwrap();
        if body.ends_with("stream\n") {
            file.seek(SeekFrom::Current(i64::try_from(hole).unwrap())).unwrap();
            file.write_all(b"\nendstream").unwrap();
        }
        file.write_all(b"\nendobj\n").unwrap();
    }
    let table = file.stream_position().unwrap();
    write!(file, "xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).unwrap();
    for offset in &offsets {
        writeln!(file, "{offset:010} 00000 n ").unwrap();
    }
    write!(file, "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n", offsets.len() + 1).unwrap();
}
