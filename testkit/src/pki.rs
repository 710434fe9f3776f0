//! A certification authority of three storeys (root, sub, signers) and the files that signers come in.
//!
//! Owns keys and certificates for one run; nothing here is a secret and nothing is kept. The names are invented.

use anyhow::{Context, Result};
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::md::Md;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::{Padding, Rsa};
use openssl::stack::Stack;
use openssl::symm::Cipher;
use openssl::x509::extension::{AuthorityKeyIdentifier, BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use openssl::x509::{X509, X509Name, X509NameBuilder};
use std::collections::HashMap;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A kind of signing key that the authority issues certificates for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    Rsa2048,
    Rsa3072,
    Rsa4096,
    P256,
    P384,
    P521,
    BrainpoolP256r1,
    BrainpoolP384r1,
    Ed25519,
}

impl KeyKind {
    /// All kinds, for table-driven tests. An RSA-4096 key can take seconds to make.
    pub const ALL: [KeyKind; 9] = [
        KeyKind::Rsa2048,
        KeyKind::Rsa3072,
        KeyKind::Rsa4096,
        KeyKind::P256,
        KeyKind::P384,
        KeyKind::P521,
        KeyKind::BrainpoolP256r1,
        KeyKind::BrainpoolP384r1,
        KeyKind::Ed25519,
    ];

    /// The kind's usual name, as sealmill prints it.
    pub fn name(self) -> &'static str {
        match self {
            KeyKind::Rsa2048 => "RSA-2048",
            KeyKind::Rsa3072 => "RSA-3072",
            KeyKind::Rsa4096 => "RSA-4096",
            KeyKind::P256 => "P-256",
            KeyKind::P384 => "P-384",
            KeyKind::P521 => "P-521",
            KeyKind::BrainpoolP256r1 => "brainpoolP256r1",
            KeyKind::BrainpoolP384r1 => "brainpoolP384r1",
            KeyKind::Ed25519 => "Ed25519",
        }
    }

    /// Makes a fresh key of this kind.
    pub fn generate(self) -> Result<PKey<Private>> {
        let key = match self {
            KeyKind::Rsa2048 => PKey::from_rsa(Rsa::generate(2048)?)?,
            KeyKind::Rsa3072 => PKey::from_rsa(Rsa::generate(3072)?)?,
            KeyKind::Rsa4096 => PKey::from_rsa(Rsa::generate(4096)?)?,
            KeyKind::P256 => ec_key(Nid::X9_62_PRIME256V1)?,
            KeyKind::P384 => ec_key(Nid::SECP384R1)?,
            KeyKind::P521 => ec_key(Nid::SECP521R1)?,
            KeyKind::BrainpoolP256r1 => ec_key(Nid::BRAINPOOL_P256R1)?,
            KeyKind::BrainpoolP384r1 => ec_key(Nid::BRAINPOOL_P384R1)?,
            KeyKind::Ed25519 => PKey::generate_ed25519()?,
        };
        Ok(key)
    }
}

/// Root, sub authority, and one signer of each kind, made when first asked for.
pub struct Pki {
    root: Authority,
    sub: Authority,
    signers: Mutex<HashMap<KeyKind, Arc<Identity>>>,
    recipients: Mutex<HashMap<KeyKind, Arc<Identity>>>,
    ca_pem: UnnamedFile,
    root_pem: UnnamedFile,
}

impl Pki {
    /// A new root and sub authority (P-256, so this costs a millisecond).
    pub fn new() -> Result<Self> {
        let root = Authority::root("Muster Vertrauensdienste Root CA 1")?;
        let sub = root.subordinate("Muster Vertrauensdienste Siegel CA 7")?;
        let ca_pem = UnnamedFile::new(&[sub.certificate.to_pem()?, root.certificate.to_pem()?].concat())?;
        let root_pem = UnnamedFile::new(&root.certificate.to_pem()?)?;
        Ok(Self { root, sub, signers: Mutex::default(), recipients: Mutex::default(), ca_pem, root_pem })
    }

    /// One authority for a whole test binary, so that slow keys are made once in it.
    pub fn shared() -> &'static Pki {
        static SHARED: OnceLock<Pki> = OnceLock::new();
        #[allow(clippy::expect_used)] // a test cannot go on without it
        SHARED.get_or_init(|| Pki::new().expect("make the test authority"))
    }

    /// The invoice-sealing signer of this kind; always the same one from the same authority.
    pub fn signer(&self, kind: KeyKind) -> Result<Arc<Identity>> {
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = signers.get(&kind) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(self.issue(kind, &format!("Rechnungssiegel {}", kind.name()))?);
        signers.insert(kind, Arc::clone(&made));
        Ok(made)
    }

    /// Somebody who can be encrypted for with a key of this kind; always the same one from the same authority.
    pub fn recipient(&self, kind: KeyKind) -> Result<Arc<Identity>> {
        let mut recipients = self.recipients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = recipients.get(&kind) {
            return Ok(Arc::clone(known));
        }
        let made = self.issue_as(kind, &format!("Posteingang {}", kind.name()), Role::Recipient)?;
        let made = Arc::new(made);
        recipients.insert(kind, Arc::clone(&made));
        Ok(made)
    }

    /// A further signer with a new key of this kind and its own common name.
    pub fn issue(&self, kind: KeyKind, common_name: &str) -> Result<Identity> {
        self.issue_as(kind, common_name, Role::Signer)
    }

    fn issue_as(&self, kind: KeyKind, common_name: &str, role: Role) -> Result<Identity> {
        let key = kind.generate().with_context(|| format!("make a {} key", kind.name()))?;
        let subject = name(&[
            ("C", "DE"),
            ("ST", "Nordrhein-Westfalen"),
            ("L", "Köln"),
            ("O", "Köhler & Söhne Großhandel GmbH"),
            ("OU", "Rechnungswesen"),
            ("CN", common_name),
        ])?;
        let certificate = self.sub.certify(&subject, &key, role)?;
        let issuers = vec![self.sub.certificate.clone(), self.root.certificate.clone()];
        Ok(Identity { kind, certificate, key, issuers })
    }

    /// DER of the root certificate.
    pub fn root_der(&self) -> Result<Vec<u8>> {
        Ok(self.root.certificate.to_der()?)
    }

    /// A PEM file with the sub authority and the root: for `openssl -CAfile`. Readable while this process lives.
    pub fn ca_pem(&self) -> PathBuf {
        self.ca_pem.path()
    }

    /// A PEM file with the root alone: a true trust anchor, the rest must come from the signature. Readable while this
    /// process lives.
    pub fn root_pem(&self) -> PathBuf {
        self.root_pem.path()
    }
}

/// A signer: certificate, the certificates above it, and its private key.
pub struct Identity {
    kind: KeyKind,
    certificate: X509,
    issuers: Vec<X509>,
    key: PKey<Private>,
}

impl Identity {
    /// A signer whose certificates were made elsewhere, DER; `issuers` from the lowest to the root.
    pub(crate) fn assemble(kind: KeyKind, key: PKey<Private>, certificate: &[u8], issuers: &[&[u8]]) -> Result<Self> {
        let issuers = issuers.iter().map(|issuer| X509::from_der(issuer)).collect::<Result<_, _>>()?;
        Ok(Self { kind, certificate: X509::from_der(certificate)?, issuers, key })
    }

    /// What kind of key this is.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The common name of its certificate.
    pub fn common_name(&self) -> String {
        let entry = self.certificate.subject_name().entries_by_nid(Nid::COMMONNAME).next();
        entry.map(|e| String::from_utf8_lossy(e.data().as_slice()).into_owned()).unwrap_or_default()
    }

    /// DER of the certificate.
    pub fn certificate_der(&self) -> Vec<u8> {
        der(&self.certificate)
    }

    /// DER of the whole chain: the signer's certificate, the sub authority, the root.
    pub fn chain_der(&self) -> Vec<Vec<u8>> {
        std::iter::once(&self.certificate).chain(&self.issuers).map(der).collect()
    }

    /// PEM of the certificate.
    pub fn certificate_pem(&self) -> Result<Vec<u8>> {
        Ok(self.certificate.to_pem()?)
    }

    /// PEM of the whole chain, the signer's certificate first.
    pub fn chain_pem(&self) -> Result<Vec<u8>> {
        let parts: Result<Vec<Vec<u8>>, _> =
            std::iter::once(&self.certificate).chain(&self.issuers).map(|c| c.to_pem()).collect();
        Ok(parts?.concat())
    }

    /// The private key, for tests that work with openssl directly.
    pub fn key(&self) -> &PKey<Private> {
        &self.key
    }

    /// Signs a SHA-256, SHA-384 or SHA-512 digest: PKCS #1 v1.5 for RSA, ECDSA in DER.
    pub fn sign_digest(&self, digest: &[u8]) -> Result<Vec<u8>> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        if self.key.rsa().is_ok() {
            context.set_rsa_padding(Padding::PKCS1)?;
            context.set_signature_md(match digest.len() {
                32 => Md::sha256(),
                48 => Md::sha384(),
                64 => Md::sha512(),
                length => anyhow::bail!("no SHA-2 digest has {length} bytes"),
            })?;
        }
        let mut value = Vec::new();
        context.sign_to_vec(digest, &mut value)?;
        Ok(value)
    }

    /// DER of the SubjectPublicKeyInfo.
    pub fn public_key_der(&self) -> Result<Vec<u8>> {
        Ok(self.key.public_key_to_der()?)
    }

    /// The key as unencrypted PKCS#8 DER.
    pub fn key_pkcs8_der(&self) -> Result<Vec<u8>> {
        Ok(self.key.private_key_to_pkcs8()?)
    }

    /// The key as unencrypted PKCS#8 PEM.
    pub fn key_pem(&self) -> Result<Vec<u8>> {
        Ok(self.key.private_key_to_pem_pkcs8()?)
    }

    /// The key as encrypted PKCS#8 PEM (PBES2, AES-256-CBC).
    pub fn encrypted_key_pem(&self, password: &str) -> Result<Vec<u8>> {
        Ok(self.key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), password.as_bytes())?)
    }

    /// A PKCS#12 file with key, certificate and the certificates above it.
    pub fn pkcs12(&self, password: &str) -> Result<Vec<u8>> {
        let mut above = Stack::new()?;
        for issuer in &self.issuers {
            above.push(issuer.clone())?;
        }
        let mut builder = Pkcs12::builder();
        builder.name(&self.common_name()).pkey(&self.key).cert(&self.certificate).ca(above);
        Ok(builder.build2(password)?.to_der()?)
    }

    /// Writes `<stem>.p12` with this password and gives its path.
    pub fn write_pkcs12(&self, folder: &Path, stem: &str, password: &str) -> Result<PathBuf> {
        let path = folder.join(format!("{stem}.p12"));
        std::fs::write(&path, self.pkcs12(password)?)?;
        Ok(path)
    }
}

/// A file without a name, which other processes reach through ours: an authority that lives in a static is never
/// dropped, and would leave a named one behind.
pub(crate) struct UnnamedFile(std::fs::File);

impl UnnamedFile {
    pub(crate) fn new(content: &[u8]) -> Result<Self> {
        let mut file = tempfile::tempfile()?;
        file.write_all(content)?;
        Ok(Self(file))
    }

    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd()))
    }
}

struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

impl Authority {
    fn root(common_name: &str) -> Result<Self> {
        let key = ec_key(Nid::X9_62_PRIME256V1)?;
        let subject = authority_name(common_name)?;
        let certificate = build(&subject, &key, None, &key, Role::Root)?;
        Ok(Self { certificate, key })
    }

    fn subordinate(&self, common_name: &str) -> Result<Self> {
        let key = ec_key(Nid::X9_62_PRIME256V1)?;
        let certificate = self.certify(&authority_name(common_name)?, &key, Role::Sub)?;
        Ok(Self { certificate, key })
    }

    fn certify(&self, subject: &X509Name, key: &PKey<Private>, role: Role) -> Result<X509> {
        build(subject, key, Some(&self.certificate), &self.key, role)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Root,
    Sub,
    Signer,
    Recipient,
}

/// RFC 5280 section 4: version 3, with the extensions that path validation looks at.
fn build(
    subject: &X509Name,
    key: &PKey<Private>,
    issuer: Option<&X509>,
    issuer_key: &PKey<Private>,
    role: Role,
) -> Result<X509> {
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::ONE, false)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer.map_or(subject, |i| i.subject_name()))?;
    // Years to 2049 are UTCTime and from 2050 on GeneralizedTime (RFC 5280 section 4.1.2.5): both kinds occur.
    builder.set_not_before(&*Asn1Time::from_str_x509("20240101000000Z")?)?;
    builder.set_not_after(&*Asn1Time::from_str_x509("20501231235959Z")?)?;
    builder.set_pubkey(key)?;
    match role {
        Role::Root => builder.append_extension(BasicConstraints::new().critical().ca().build()?)?,
        Role::Sub => builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?,
        Role::Signer | Role::Recipient => builder.append_extension(BasicConstraints::new().critical().build()?)?,
    }
    let usage = match role {
        Role::Root | Role::Sub => KeyUsage::new().critical().key_cert_sign().crl_sign().build()?,
        Role::Signer => KeyUsage::new().critical().digital_signature().non_repudiation().build()?,
        Role::Recipient => KeyUsage::new().critical().key_encipherment().key_agreement().build()?,
    };
    builder.append_extension(usage)?;
    let issuer_ref = issuer.map(AsRef::as_ref);
    let key_identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(issuer_ref, None))?;
    builder.append_extension(key_identifier)?;
    if role != Role::Root {
        let above = AuthorityKeyIdentifier::new().keyid(true).build(&builder.x509v3_context(issuer_ref, None))?;
        builder.append_extension(above)?;
    }
    builder.sign(issuer_key, MessageDigest::sha256())?;
    Ok(builder.build())
}

fn authority_name(common_name: &str) -> Result<X509Name> {
    name(&[("C", "DE"), ("O", "Muster Vertrauensdienste AG"), ("CN", common_name)])
}

fn name(parts: &[(&str, &str)]) -> Result<X509Name> {
    let mut builder = X509NameBuilder::new()?;
    for (field, value) in parts {
        builder.append_entry_by_text(field, value)?;
    }
    Ok(builder.build())
}

fn ec_key(curve: Nid) -> Result<PKey<Private>> {
    let group = EcGroup::from_curve_name(curve)?;
    Ok(PKey::from_ec_key(EcKey::generate(&group)?)?)
}

fn der(certificate: &X509) -> Vec<u8> {
    #[allow(clippy::expect_used)] // it came out of the encoder a moment ago
    certificate.to_der().expect("encode a certificate")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::Command;

    #[test]
    fn openssl_accepts_the_chain_of_every_kind() {
        let pki = Pki::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        for kind in KeyKind::ALL {
            let signer = pki.signer(kind).unwrap();
            let chain = folder.path().join("chain.pem");
            std::fs::write(&chain, signer.chain_pem().unwrap()).unwrap();
            let leaf = folder.path().join("leaf.pem");
            std::fs::write(&leaf, signer.certificate_pem().unwrap()).unwrap();
            let output = Command::new("openssl")
                .args(["verify", "-x509_strict", "-purpose", "smimesign", "-CAfile"])
                .arg(pki.root_pem())
                .arg("-untrusted")
                .args([&chain, &leaf])
                .output()
                .unwrap();
            assert!(output.status.success(), "{}: {}", kind.name(), String::from_utf8_lossy(&output.stderr));
        }
    }

    #[test]
    fn a_signer_is_made_once_and_its_files_open_with_the_password_only() {
        let pki = Pki::new().unwrap();
        let signer = pki.signer(KeyKind::P256).unwrap();
        assert!(Arc::ptr_eq(&signer, &pki.signer(KeyKind::P256).unwrap()));
        assert_eq!(signer.chain_der().len(), 3);
        assert_eq!(signer.common_name(), "Rechnungssiegel P-256");

        let parsed = Pkcs12::from_der(&signer.pkcs12("geheim").unwrap()).unwrap();
        assert!(parsed.parse2("falsch").is_err());
        let opened = parsed.parse2("geheim").unwrap();
        assert_eq!(opened.cert.unwrap().to_der().unwrap(), signer.certificate_der());
        assert_eq!(opened.ca.unwrap().len(), 2);

        let pem = signer.encrypted_key_pem("geheim").unwrap();
        assert!(PKey::private_key_from_pem_passphrase(&pem, b"falsch").is_err());
        assert!(PKey::private_key_from_pem_passphrase(&pem, b"geheim").is_ok());
    }
}
