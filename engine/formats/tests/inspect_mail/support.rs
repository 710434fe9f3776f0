//! Signers with mail addresses, the openssl program as their mail program, and what is said about what it made.

use crate::envelope::{Recipient, unwrap};
use formats::FormatError;
use formats::envelope::Arrival;
use formats::inspect::{FileKind, Input, Inspection, Integrity, Opener, Signature, inspect};
use model::{Reason, Secret};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};
use testkit::tools;

/// Somebody who writes mails.
#[derive(Clone)]
pub struct Person {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// `key`: what `openssl req -newkey` takes.
pub fn person(name: &str, key: &str) -> Person {
    static KNOWN: OnceLock<Mutex<HashMap<String, Person>>> = OnceLock::new();
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let mut known = KNOWN.get_or_init(Mutex::default).lock().unwrap();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap());
    let stem = format!("{name}-{}", key.replace(':', "-"));
    let make = || {
        let file = |suffix: &str| folder.path().join(format!("{stem}.{suffix}"));
        let person = Person { certificate: file("pem"), key: file("key") };
        let (certificate, private) = (text(&person.certificate), text(&person.key));
        let subject = format!("/CN={name}");
        let address = format!("subjectAltName=email:{name}@example.de");
        let mut arguments = vec!["req", "-x509", "-nodes", "-days", "3000", "-subj", &subject, "-addext", &address];
        arguments.extend(["-out", &certificate, "-keyout", &private, "-newkey"]);
        match key.split_once(':') {
            Some(("ec", curve)) => {
                let curve = format!("ec_paramgen_curve:{curve}");
                tools::run_ok("openssl", arguments.iter().copied().chain(["ec", "-pkeyopt", &curve])).unwrap();
            }
            _ => drop(tools::run_ok("openssl", arguments.iter().copied().chain([key])).unwrap()),
        }
        person
    };
    known.entry(stem.clone()).or_insert_with(make).clone()
}

pub fn alice() -> Person {
    person("alice", "rsa:2048")
}

pub fn mallory() -> Person {
    person("mallory", "rsa:2048")
}

impl Person {
    pub fn recipient(&self) -> Recipient {
        let certificate = openssl::x509::X509::from_pem(&std::fs::read(&self.certificate).unwrap()).unwrap();
        let key = openssl::pkey::PKey::private_key_from_pem(&std::fs::read(&self.key).unwrap()).unwrap();
        Recipient { name: "somebody".to_owned(), certificate: certificate.to_der().unwrap(), key }
    }
}

pub fn text(path: &std::path::Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// `openssl WHAT`, from what is given to it to what it writes.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (text(&folder.path().join("in")), text(&folder.path().join("out")));
    std::fs::write(&from, input).unwrap();
    let all = arguments.iter().copied().chain(["-in", &from, "-out", &to]);
    tools::run_ok("openssl", all).map_err(|error| error.to_string())?;
    Ok(std::fs::read(to).unwrap())
}

/// Signs an entity; what comes out is an entity again.
pub fn sign(who: &Person, entity: &[u8], options: &[&str]) -> Vec<u8> {
    let (certificate, key) = (text(&who.certificate), text(&who.key));
    let arguments = [&["cms", "-sign", "-signer", &certificate, "-inkey", &key][..], options].concat();
    openssl(&arguments, entity).unwrap_or_else(|error| panic!("{options:?}: {error}"))
}

/// Encrypts an entity.
pub fn encrypt(to: &Person, entity: &[u8], options: &[&str]) -> Vec<u8> {
    let certificate = text(&to.certificate);
    openssl(&[&["cms", "-encrypt", "-recip", &certificate][..], options].concat(), entity).unwrap()
}

/// Whether the openssl program finds the signature of the root intact; trust left aside.
pub fn openssl_accepts(mail: &[u8]) -> bool {
    openssl(&["cms", "-verify", "-noverify"], mail).is_ok()
}

/// An entity as a mail from Alice.
pub fn mail(entity: &[u8]) -> Vec<u8> {
    mail_with("From: Alice <alice@example.de>\r\nTo: bob@example.de\r\nSubject: Rechnung\r\n", entity)
}

pub fn mail_with(header: &str, entity: &[u8]) -> Vec<u8> {
    let ends = if entity.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" };
    [header.replace("\r\n", ends).as_bytes(), entity].concat()
}

pub fn lines_end_with(bytes: &[u8], end: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if index > 0 {
            out.extend_from_slice(end);
        }
        out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line));
    }
    out
}

pub fn taken_apart(mail: &[u8]) -> Result<Inspection, FormatError> {
    let source = &mail;
    inspect(&Input::new(source, "mail.eml"))
}

pub fn opened(mail: &[u8], keys: &[Recipient]) -> Inspection {
    let (source, keys) = (&mail, Keys(keys.to_vec()));
    let input = Input { opener: Some(&keys), ..Input::new(source, "mail.eml") };
    inspect(&input).unwrap()
}

/// Keys of recipients, in software.
pub struct Keys(pub Vec<Recipient>);

impl Opener for Keys {
    fn open(&self, arrival: &Arrival) -> Option<Result<Secret, Reason>> {
        let recipient = self.0.iter().find(|recipient| arrival.is_for(&recipient.certificate))?;
        let failed = || Reason::new("key-failed", "the key does not open it");
        Some(arrival.wrapped().map_err(|_| failed()).and_then(|key| unwrap(&recipient.key, key).ok_or_else(failed)))
    }
}

/// All signatures, nested ones included, with the place they are nested at.
pub fn all(inspection: &Inspection) -> Vec<(String, &Signature)> {
    let mut found = Vec::new();
    collect(inspection, "", &mut found);
    found
}

fn collect<'i>(inspection: &'i Inspection, at: &str, found: &mut Vec<(String, &'i Signature)>) {
    found.extend(inspection.signatures.iter().map(|signature| (at.to_owned(), signature)));
    for nested in &inspection.nested {
        let at = if at.is_empty() { nested.name.clone() } else { format!("{at}/{}", nested.name) };
        collect(&nested.inspection, &at, found);
    }
}

/// Codes of everything that is noted anywhere.
pub fn notes(inspection: &Inspection) -> Vec<&'static str> {
    let mut codes: Vec<_> = inspection.notes.iter().map(|note| note.code).collect();
    codes.extend(inspection.signatures.iter().flat_map(|signature| signature.notes.iter().map(|note| note.code)));
    codes.extend(inspection.nested.iter().flat_map(|nested| notes(&nested.inspection)));
    codes
}

/// Codes of all faults of signatures.
pub fn faults(inspection: &Inspection) -> Vec<&'static str> {
    all(inspection).iter().flat_map(|(_, signature)| signature.faults.iter().map(|fault| fault.code)).collect()
}

pub fn is_intact(signature: &Signature) -> bool {
    signature.value.is_ok()
        && !signature.covered.is_empty()
        && signature.covered.iter().all(|covered| covered.integrity == Integrity::Intact)
}

/// One that a person may rely on, as far as the file tells.
pub fn is_good(signature: &Signature) -> bool {
    is_intact(signature) && signature.faults.is_empty()
}

/// Kinds of everything that is in it.
pub fn kinds(inspection: &Inspection) -> Vec<FileKind> {
    let nested = inspection.nested.iter().flat_map(|nested| kinds(&nested.inspection));
    std::iter::once(inspection.kind).chain(nested).collect()
}
