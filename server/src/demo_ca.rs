//! A certification authority for trying sealmill out: made at `init`, its key forgotten as soon as the two demo signers
//! and the server's address have their certificates. Proves nothing to anybody and says so in its name.

use anyhow::Context;
use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::stack::Stack;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName, SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

/// The kind of a demo signer's key.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// RSA, 3072 bits.
    Rsa3072,
    /// ECDSA on P-256.
    P256,
}

/// The authority, while it exists.
pub struct DemoCa {
    key: PKey<Private>,
    certificate: X509,
}

impl DemoCa {
    /// A new one, valid for ten years.
    pub fn new() -> anyhow::Result<Self> {
        let key = generate(Kind::P256)?;
        let name = name("sealmill demo CA (proves nothing)")?;
        let mut builder = builder(&name, &name, &key)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(identifier)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self { key, certificate: builder.build() })
    }

    /// The authority's certificate.
    pub fn certificate_pem(&self) -> anyhow::Result<Vec<u8>> {
        self.certificate.to_pem().context("the certificate of the demo CA")
    }

    /// A certificate for a server on this machine, and its key, as PEM.
    pub fn issue_server(&self) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
        let key = generate(Kind::P256)?;
        let subject = name("localhost")?;
        let mut builder = builder(&subject, self.certificate.subject_name(), &key)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let names = SubjectAlternativeName::new().dns("localhost").ip("127.0.0.1").ip("::1").build(&context)?;
        let authority_key = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(names)?;
        builder.append_extension(authority_key)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        let mut chain = builder.build().to_pem()?;
        chain.extend(self.certificate_pem()?);
        Ok((chain, key.private_key_to_pem_pkcs8()?))
    }

    /// A signer as PKCS#12.
    pub fn issue(&self, friendly_name: &str, kind: Kind, password: &str) -> anyhow::Result<Vec<u8>> {
        let key = generate(kind)?;
        let subject = name(&format!("sealmill demo signer {friendly_name}"))?;
        let mut builder = builder(&subject, self.certificate.subject_name(), &key)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().non_repudiation().build()?)?;
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let subject_key = SubjectKeyIdentifier::new().build(&context)?;
        let authority_key = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(subject_key)?;
        builder.append_extension(authority_key)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        let mut above = Stack::new()?;
        above.push(self.certificate.clone())?;
        let certificate = builder.build();
        let pkcs12 = Pkcs12::builder().name(friendly_name).pkey(&key).cert(&certificate).ca(above).build2(password)?;
        Ok(pkcs12.to_der()?)
    }
}

/// A random password of 32 hexadecimal digits.
pub fn password() -> anyhow::Result<String> {
    let mut random = [0; 16];
    openssl::rand::rand_bytes(&mut random)?;
    Ok(random.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn generate(kind: Kind) -> anyhow::Result<PKey<Private>> {
    Ok(match kind {
        Kind::Rsa3072 => PKey::from_rsa(Rsa::generate(3072)?)?,
        Kind::P256 => {
            let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
            PKey::from_ec_key(EcKey::generate(&group)?)?
        }
    })
}

fn name(common_name: &str) -> anyhow::Result<X509Name> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("C", "DE")?;
    name.append_entry_by_text("O", "sealmill demo")?;
    name.append_entry_by_text("CN", common_name)?;
    Ok(name.build())
}

fn builder(
    subject: &X509Name,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
) -> anyhow::Result<X509Builder> {
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::ONE, false)?;
    builder.set_serial_number(&*Asn1Integer::from_bn(&serial)?)?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::days_from_now(0)?)?;
    builder.set_not_after(&*Asn1Time::days_from_now(3_650)?)?;
    Ok(builder)
}
