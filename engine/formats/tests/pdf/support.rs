//! What the PDF tests share: a signer whose key is openssl's, profiles, signing as the server does it, and judgements.

use formats::{FormatError, Part, SignerTemplate, Source};
use model::profile::{Format, PdfOptions};
use model::{Curve, KeyKind, Profile, SignatureValue, Signer, SignerName, Time, ToBeSigned, TokenSerial};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sign::Signer as OpensslSigner;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use testkit::judge;
use testkit::pki::{self, Identity, Pki};

/// The machine's time: certificates made now are not valid at an invented one.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> Time {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Time::from_seconds(i64::try_from(since.as_secs()).unwrap())
}

pub(crate) fn profile(pdf: PdfOptions) -> Profile {
    Profile { pdf, ..Profile::plain("test", "test", Format::Pades) }
}

pub(crate) fn options() -> PdfOptions {
    PdfOptions {
        reason: Some("Rechnungsprüfung".into()),
        location: Some("Köln (Rhein)".into()),
        ..PdfOptions::default()
    }
}

pub(crate) struct TestSigner {
    pub(crate) identity: Arc<Identity>,
    pub(crate) signer: Signer,
}

pub(crate) fn signer(kind: pki::KeyKind) -> TestSigner {
    let identity = Pki::shared().signer(kind).unwrap();
    let key = match kind {
        pki::KeyKind::Rsa2048 => KeyKind::Rsa { bits: 2048 },
        pki::KeyKind::P256 => KeyKind::Ec(Curve::P256),
        pki::KeyKind::Ed25519 => KeyKind::Ed25519,
        other => panic!("no test needs {}", other.name()),
    };
    let mut chain = identity.chain_der().into_iter().map(Arc::from);
    let signer = Signer {
        name: SignerName("test".into()),
        token: TokenSerial("soft:test".into()),
        certificate: chain.next().unwrap(),
        chain: chain.collect(),
        key,
        subject: identity.common_name(),
    };
    TestSigner { identity, signer }
}

impl TestSigner {
    pub(crate) fn value(&self, to_be_signed: &ToBeSigned) -> SignatureValue {
        let key = self.identity.key();
        match to_be_signed {
            ToBeSigned::Message { message, .. } => {
                SignatureValue(OpensslSigner::new_without_digest(key).unwrap().sign_oneshot_to_vec(message).unwrap())
            }
            ToBeSigned::Digest { digest, .. } => {
                let mut context = PkeyCtx::new(key).unwrap();
                context.sign_init().unwrap();
                if key.rsa().is_ok() {
                    context.set_rsa_padding(Padding::PKCS1).unwrap();
                    context.set_signature_md(openssl::md::Md::sha256()).unwrap();
                }
                let mut value = Vec::new();
                context.sign_to_vec(digest.as_bytes(), &mut value).unwrap();
                SignatureValue(value)
            }
        }
    }

    pub(crate) fn sign(&self, original: &[u8], profile: &Profile) -> Result<Vec<u8>, FormatError> {
        let owned = original.to_vec();
        self.sign_source(&owned, profile).map(|tail| [original, &tail].concat())
    }

    /// The bytes behind the original.
    pub(crate) fn sign_source(&self, source: &dyn Source, profile: &Profile) -> Result<Vec<u8>, FormatError> {
        let template = SignerTemplate::new(&self.signer, profile)?;
        let prepared = formats::prepare(source, profile, &template, now())?;
        let value = self.value(prepared.to_be_signed());
        let sealed = prepared.assemble(&value)?;
        match sealed.document().parts.as_slice() {
            [Part::Original, Part::Bytes(tail)] => Ok(tail.clone()),
            other => panic!("not an incremental update: {} parts", other.len()),
        }
    }
}

/// A file that is read piece by piece, as a large one on a disk is.
pub(crate) struct Pieces<'a>(pub(crate) &'a [u8]);

impl Source for Pieces<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_exact_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), formats::SourceError> {
        self.0.read_exact_at(offset, buffer)
    }
}

/// Signs and has pdfsig and qpdf judge; answers where the result is.
pub(crate) fn sign_and_judge(
    signer: &TestSigner,
    original: &Path,
    folder: &Path,
    name: &str,
    profile: &Profile,
    password: Option<&str>,
) -> PathBuf {
    let bytes = std::fs::read(original).unwrap();
    let signed = signer.sign(&bytes, profile).unwrap_or_else(|error| panic!("{}: {error}", original.display()));
    assert!(signed.starts_with(&bytes));
    let path = folder.join(name);
    std::fs::write(&path, &signed).unwrap();
    judge_structure(original, &path, password);
    judge_pdfsig(&path, password, 1);
    path
}

/// qpdf finds the result as clean as the original.
pub(crate) fn judge_structure(original: &Path, signed: &Path, password: Option<&str>) {
    let (before, _) = judge::qpdf_check(original, password).unwrap();
    let (after, said) = judge::qpdf_check(signed, password).unwrap();
    assert!(after <= before, "{}: {before:?} became {after:?}: {said}", signed.display());
}

/// pdfsig finds so many signatures, all valid, the last one over the whole file.
pub(crate) fn judge_pdfsig(signed: &Path, password: Option<&str>, signatures: usize) {
    let verdicts = judge::pdfsig(signed, password).unwrap();
    assert_eq!(verdicts.len(), signatures, "{}: {verdicts:?}", signed.display());
    assert!(verdicts.iter().all(|verdict| verdict.valid), "{}: {verdicts:?}", signed.display());
    assert_eq!(
        verdicts.iter().filter(|verdict| verdict.whole_document).count(),
        1,
        "{}: {verdicts:?}",
        signed.display()
    );
}

/// Asks pyHanko about many files at once: every signature valid, the last one of each file over the whole file, and
/// nothing that came after an earlier one goes beyond filling in the form.
pub(crate) fn judge_pyhanko(files: &[PathBuf], password: Option<&str>) {
    let root = Pki::shared().root_pem();
    let verdicts = match password {
        None => judge::pyhanko_judge(files, &root).unwrap(),
        Some(password) => judge::pyhanko_judge_encrypted(files, &root, password).unwrap(),
    };
    for file in files {
        let of_file: Vec<_> = verdicts.iter().filter(|verdict| verdict.file == *file).collect();
        assert!(!of_file.is_empty(), "pyHanko found no signature in {}", file.display());
        for verdict in &of_file {
            assert!(verdict.error.is_none() && verdict.intact && verdict.valid && verdict.bottom_line, "{verdict:?}");
            let level = verdict.modification_level.as_deref();
            assert!(matches!(level, None | Some("NONE" | "LTA_UPDATES" | "FORM_FILLING")), "{verdict:?}");
            assert!(verdict.docmdp_ok != Some(false), "{verdict:?}");
        }
        assert!(of_file.iter().any(|verdict| verdict.coverage == "ENTIRE_FILE"), "{of_file:?}");
    }
}

/// The code of the reason for which signing was refused.
pub(crate) fn refusal(result: Result<Vec<u8>, FormatError>) -> &'static str {
    match result {
        Err(FormatError::Document(reason) | FormatError::Setup(reason)) => {
            assert!(!reason.sentence.is_empty());
            reason.code
        }
        Err(other) => panic!("not a refusal: {other}"),
        Ok(_) => panic!("it was signed"),
    }
}

/// Signed files for one question to pyHanko, whose start takes longer than its work.
pub(crate) struct Batch {
    folder: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Batch {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), files: Vec::new() }
    }

    /// qpdf and pdfsig judge at once.
    pub(crate) fn add(&mut self, bytes: &[u8], signatures: usize) {
        let path = self.folder.path().join(format!("{}.pdf", self.files.len()));
        std::fs::write(&path, bytes).unwrap();
        judge_structure(&path, &path, None);
        judge_pdfsig(&path, None, signatures);
        self.files.push(path);
    }

    /// pyHanko judges all of them.
    pub(crate) fn finish(self) {
        judge_pyhanko(&self.files, None);
    }
}
