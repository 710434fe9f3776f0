//! The kinds of files: tables, streams, hybrids, linearised, encrypted, junk around; made by qpdf or by hand.

use crate::support::{
    Pieces, judge_pdfsig, judge_pyhanko, judge_structure, now, options, profile, refusal, sign_and_judge, signer,
};
use formats::{Part, SignerTemplate, Source, crypto};
use model::profile::{Format, Level, Password, PdfOptions};
use model::{DigestAlgorithm, Profile};
use std::path::{Path, PathBuf};
use testkit::pdf::{Form, Shape, invoice};
use testkit::pki::KeyKind;
use testkit::tools;

fn plain(folder: &Path) -> PathBuf {
    let path = folder.join("plain.pdf");
    std::fs::write(&path, invoice(1, &Shape { pages: 3, bytes: 0, form: Form::Classic })).unwrap();
    path
}

/// What was hashed for the signature is not hashed again for the digest of the result.
#[test]
fn the_digest_of_a_result_is_that_of_its_bytes() {
    let signer = signer(KeyKind::P256);
    for (pages, level) in [(1, Level::B), (3, Level::T)] {
        let original = invoice(1, &Shape { pages, bytes: 0, form: Form::Classic });
        let profile = Profile { level, ..profile(options()) };
        let template = SignerTemplate::new(&signer.signer, &profile).unwrap();
        let sources: [&dyn Source; 2] = [&original, &Pieces(&original)];
        for source in sources {
            let prepared = formats::prepare(source, &profile, &template, now()).unwrap();
            let value = signer.value(prepared.to_be_signed());
            let sealed = prepared.assemble(&value).unwrap();
            let [Part::Original, Part::Bytes(tail)] = &sealed.document().parts[..] else { panic!("{sealed:?}") };
            let result = [&original, &tail[..]].concat();
            for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
                assert_eq!(
                    sealed.digest(algorithm, source).unwrap(),
                    crypto::digest(algorithm, &result),
                    "{algorithm}"
                );
            }
        }
    }
}

pub(crate) fn qpdf(folder: &Path, original: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let mut all: Vec<&str> = arguments.to_vec();
    all.extend([original.to_str().unwrap(), path.to_str().unwrap()]);
    tools::run_ok("qpdf", all).unwrap();
    path
}

#[test]
fn all_shapes_of_cross_references_are_signed_twice() {
    let folder = tempfile::tempdir().unwrap();
    let original = plain(folder.path());
    let (rsa, ed25519) = (signer(KeyKind::Rsa2048), signer(KeyKind::Ed25519));
    let mut files = vec![original.clone()];
    for (name, arguments) in [
        ("objstm.pdf", &["--object-streams=generate"][..]),
        ("table.pdf", &["--object-streams=disable"]),
        ("linear.pdf", &["--linearize"]),
        ("linear-objstm.pdf", &["--linearize", "--object-streams=generate"]),
        ("qdf.pdf", &["--qdf"]),
        ("no-compression.pdf", &["--object-streams=generate", "--compress-streams=n"]),
    ] {
        files.push(qpdf(folder.path(), &original, name, arguments));
    }
    for (name, form) in [("own-stream.pdf", Form::XrefStream), ("own-objects.pdf", Form::ObjectStreams)] {
        let path = folder.path().join(name);
        std::fs::write(&path, invoice(2, &Shape { form, ..Shape::default() })).unwrap();
        files.push(path);
    }
    let mut results = Vec::new();
    for (number, file) in files.iter().enumerate() {
        let once = sign_and_judge(&rsa, file, folder.path(), &format!("{number}-once.pdf"), &profile(options()), None);
        let legacy = model::Profile { format: Format::Pdf, ..profile(options()) };
        let bytes = std::fs::read(&once).unwrap();
        let twice = folder.path().join(format!("{number}-twice.pdf"));
        let signed =
            if number % 2 == 0 { rsa.sign(&bytes, &legacy) } else { ed25519.sign(&bytes, &profile(options())) };
        std::fs::write(&twice, signed.unwrap()).unwrap();
        if number % 2 == 0 {
            // pdfsig does not know Ed25519.
            judge_pdfsig(&twice, None, 2);
        }
        judge_structure(file, &twice, None);
        results.extend([once, twice]);
        let whole = rsa.sign(&bytes, &profile(options())).unwrap();
        let pieces = rsa.sign_source(&Pieces(&bytes), &profile(options())).unwrap();
        assert_eq!(whole.len(), bytes.len() + pieces.len(), "read whole or in pieces");
    }
    judge_pyhanko(&results, None);
}

#[test]
fn encrypted_files_open_with_either_password() {
    let folder = tempfile::tempdir().unwrap();
    let original = plain(folder.path());
    let signer = signer(KeyKind::Rsa2048);
    let mut results = [Vec::new(), Vec::new()];
    for (name, method) in [
        ("rc4-40", &["40"][..]),
        ("rc4-128", &["128", "--use-aes=n"]),
        ("aes-128", &["128", "--use-aes=y"]),
        ("aes-128-clear", &["128", "--use-aes=y", "--cleartext-metadata"]),
        ("aes-256", &["256"]),
        ("aes-256-r5", &["256", "--force-R5"]),
    ] {
        for (shape, objects) in [("table", "--object-streams=disable"), ("objstm", "--object-streams=generate")] {
            for user in ["", "kunde"] {
                let mut arguments = vec!["--allow-weak-crypto", objects, "--encrypt", user, "chef"];
                arguments.extend(method);
                arguments.push("--");
                let name = format!("{name}-{shape}-{user}.pdf");
                let file = qpdf(folder.path(), &original, &name, &arguments);
                let with =
                    |password: &str| profile(PdfOptions { password: Some(Password::new(password)), ..options() });
                let once =
                    sign_and_judge(&signer, &file, folder.path(), &format!("user-{name}"), &with(user), Some(user));
                let bytes = std::fs::read(&once).unwrap();
                let twice = folder.path().join(format!("twice-{name}"));
                std::fs::write(&twice, signer.sign(&bytes, &with("chef")).unwrap()).unwrap();
                judge_structure(&file, &twice, Some(user));
                judge_pdfsig(&twice, Some(user), 2);
                // pyHanko does not open the short-lived revision 5 with an empty password.
                if !name.contains("r5") {
                    results[usize::from(user.is_empty())].extend([once, twice]);
                }
                if !user.is_empty() {
                    let bytes = std::fs::read(&file).unwrap();
                    assert_eq!(refusal(signer.sign(&bytes, &profile(options()))), "pdf-password-needed");
                    assert_eq!(refusal(signer.sign(&bytes, &with("falsch"))), "pdf-password-wrong");
                }
            }
        }
    }
    judge_pyhanko(&results[0], Some("kunde"));
    judge_pyhanko(&results[1], Some(""));
}

#[test]
fn permissions_of_the_author_are_respected() {
    let folder = tempfile::tempdir().unwrap();
    let original = plain(folder.path());
    let signer = signer(KeyKind::P256);
    let arguments = ["--encrypt", "", "chef", "256", "--modify=none", "--annotate=n", "--form=n", "--"];
    let file = qpdf(folder.path(), &original, "locked.pdf", &arguments);
    let bytes = std::fs::read(&file).unwrap();
    assert_eq!(refusal(signer.sign(&bytes, &profile(options()))), "pdf-permissions");
    let owner = profile(PdfOptions { password: Some(Password::new("chef")), ..options() });
    sign_and_judge(&signer, &file, folder.path(), "owner.pdf", &owner, Some(""));
}

#[test]
fn harmless_oddities_are_tolerated() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::Rsa2048);
    let original = invoice(3, &Shape::default());
    let text = String::from_utf8_lossy(&original).into_owned();
    let start: usize = text.rsplit("startxref").next().unwrap().split_whitespace().next().unwrap().parse().unwrap();
    let mut cases = vec![
        ("junk-before", [b"junk from a mail gateway\r\n", &original[..]].concat()),
        ("no-line-end", original.strip_suffix(b"\n").unwrap_or(&original).to_vec()),
        ("blanks-after", [&original[..], &[b' '; 700]].concat()),
        ("zeros-after", [&original[..], &[0; 5000]].concat()),
    ];
    // Entries of nineteen bytes instead of twenty.
    let table = String::from_utf8_lossy(&original[start..])
        .replace(" n \n", " n\n")
        .replace(" f \n", " f\n")
        .replace(" n\r\n", " n\n")
        .replace(" f\r\n", " f\n");
    cases.push(("odd-entries", [&original[..start], table.as_bytes()].concat()));
    // Numbers above `/Size` are in use: they must not be given to new objects.
    let fewer = String::from_utf8_lossy(&original[start..]).into_owned();
    let size = fewer.split("/Size ").nth(1).unwrap().split_whitespace().next().unwrap().trim_end_matches(">>");
    let fewer = fewer.replacen(&format!("/Size {size}"), "/Size 3", 1);
    cases.push(("size-too-small", [&original[..start], fewer.as_bytes()].concat()));
    // Objects 4 to 8 are in no section at all.
    let gap = "%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[9 0 R]/Count 1>>\nendobj\n9 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>\nendobj\n";
    let at = |wanted: &str| gap.find(wanted).unwrap();
    let (first, second, ninth) = (at("1 0 obj"), at("2 0 obj"), at("9 0 obj"));
    cases.push(("gap", format!("{gap}xref\n0 3\n0000000000 65535 f \n{first:010} 00000 n \n{second:010} 00000 n \n9 1\n{ninth:010} 00000 n \ntrailer\n<</Size 10/Root 1 0 R>>\nstartxref\n{}\n%%EOF\n", gap.len()).into_bytes()));
    for (name, bytes) in cases {
        let file = folder.path().join(format!("{name}.pdf"));
        std::fs::write(&file, &bytes).unwrap();
        let signed = signer.sign(&bytes, &profile(options())).unwrap_or_else(|error| panic!("{name}: {error}"));
        let path = folder.path().join(format!("{name}-signed.pdf"));
        std::fs::write(&path, signed).unwrap();
        judge_structure(&file, &path, None);
        judge_pdfsig(&path, None, 1);
    }
}

/// A file whose body is zeros that nobody stores.
struct Vast {
    head: Vec<u8>,
    zeros: u64,
    tail: Vec<u8>,
}

impl formats::Source for Vast {
    fn len(&self) -> u64 {
        self.head.len() as u64 + self.zeros + self.tail.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), formats::SourceError> {
        for (at, byte) in (offset..).zip(buffer) {
            let tail = at.checked_sub(self.head.len() as u64 + self.zeros).map(|at| at as usize);
            *byte = match (self.head.get(at as usize), tail) {
                (Some(byte), _) => *byte,
                (None, None) => 0,
                (None, Some(at)) => {
                    *self.tail.get(at).ok_or_else(|| std::io::Error::from(std::io::ErrorKind::UnexpectedEof))?
                }
            };
        }
        Ok(())
    }
}

fn vast(zeros: u64, stream: bool) -> Vast {
    let head = b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n".to_vec();
    let offset = |wanted: &str| head.windows(wanted.len()).position(|window| window == wanted.as_bytes()).unwrap();
    let start = head.len() as u64 + zeros;
    let offsets = [offset("1 0 obj"), offset("2 0 obj"), offset("3 0 obj")];
    let mut tail = Vec::new();
    if stream {
        tail.extend_from_slice(b"4 0 obj\n<</Type/XRef/Size 5/W[1 8 1]/Root 1 0 R/Length 50>>\nstream\n");
        tail.extend_from_slice(&[0; 10]);
        for offset in offsets.map(|offset| offset as u64).into_iter().chain([start]) {
            tail.push(1);
            tail.extend_from_slice(&offset.to_be_bytes());
            tail.push(0);
        }
        tail.extend_from_slice(b"\nendstream\nendobj\n");
    } else {
        tail.extend_from_slice(b"xref\n0 4\n0000000000 65535 f \n");
        offsets.iter().for_each(|offset| tail.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes()));
        tail.extend_from_slice(b"trailer\n<</Size 4/Root 1 0 R>>\n");
    }
    tail.extend_from_slice(format!("startxref\n{start}\n%%EOF\n").as_bytes());
    Vast { head, zeros, tail }
}

#[test]
fn lengths_of_more_than_ten_digits_have_room() {
    let signer = signer(KeyKind::P256).signer;
    let lay_out = |source: &Vast| {
        let now = model::Time::from_seconds(1);
        formats::pdf::lay_out(source, &profile(options()), &signer, model::DigestAlgorithm::Sha256, 100, now)
    };
    for (zeros, stream) in [(1 << 30, false), (9_900_000_000, false), (123_456_789_012, true)] {
        let source = vast(zeros, stream);
        let layout = lay_out(&source).unwrap();
        let text = String::from_utf8_lossy(layout.bytes()).into_owned();
        let numbers = text.split("/ByteRange [").nth(1).unwrap().split(']').next().unwrap();
        let numbers: Vec<u64> = numbers.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let [0, first, second, rest] = numbers[..] else { panic!("{numbers:?}") };
        let length = formats::Source::len(&source);
        assert_eq!(second + rest, length + layout.len() as u64);
        assert_eq!(text.as_bytes()[(first - length) as usize], b'<');
        assert_eq!(text.as_bytes()[(second - length) as usize - 1], b'>');
    }
    let refused = lay_out(&vast(10_000_000_000, false)).map(|_| Vec::new());
    assert_eq!(refusal(refused), "pdf-unsupported", "a table has ten digits");
}

#[test]
fn hybrid_files_are_signed_only_if_the_profile_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let signer = signer(KeyKind::Rsa2048);
    let bytes = hybrid();
    let path = folder.path().join("hybrid.pdf");
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(refusal(signer.sign(&bytes, &profile(options()))), "pdf-hybrid");
    let allowed = profile(PdfOptions { allow_hybrid: true, ..options() });
    let signed = sign_and_judge(&signer, &path, folder.path(), "signed.pdf", &allowed, None);
    let tail = String::from_utf8_lossy(&std::fs::read(signed).unwrap()[bytes.len()..]).into_owned();
    assert!(tail.contains("\nxref\n") && !tail.contains("/XRefStm"));
}

/// The page (object 3) lies in an object stream, which only the stream beside the table knows of.
fn hybrid() -> Vec<u8> {
    let mut file = b"%PDF-1.5\n".to_vec();
    let mut offsets = Vec::new();
    let content = "3 0 <</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>";
    for object in [
        "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".to_owned(),
        "2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n".to_owned(),
        format!(
            "4 0 obj\n<</Type/ObjStm/N 1/First 4/Length {}>>\nstream\n{content}\nendstream\nendobj\n",
            content.len()
        ),
    ] {
        offsets.push(file.len());
        file.extend_from_slice(object.as_bytes());
    }
    let stream = file.len();
    file.extend_from_slice(
        b"5 0 obj\n<</Type/XRef/Size 6/Index[3 2]/W[1 2 1]/Length 8>>\nstream\n\x02\x00\x04\x00\x01",
    );
    file.extend_from_slice(&(offsets[2] as u16).to_be_bytes());
    file.extend_from_slice(b"\x00\nendstream\nendobj\n");
    let table = file.len();
    let entries = format!(
        "xref\n0 6\n0000000000 65535 f \n{:010} 00000 n \n{:010} 00000 n \n0000000000 65535 f \n0000000000 65535 f \n0000000000 65535 f \n",
        offsets[0], offsets[1]
    );
    file.extend_from_slice(entries.as_bytes());
    file.extend_from_slice(
        format!("trailer\n<</Size 6/Root 1 0 R/XRefStm {stream}>>\nstartxref\n{table}\n%%EOF\n").as_bytes(),
    );
    file
}
