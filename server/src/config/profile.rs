//! `[[profile]]`: from text to a checked `model::Profile`.

mod level;
mod pdf;
mod xml;

use level::{EncryptionConfig, LevelWord, StampConfig};
use pdf::PdfConfig;
use xml::XmlConfig;

use model::profile::{
    Container, ContainerSignature, ExistingSignatures, Format, Level, PdfOptions, PoolName, XmlOptions, XmlShape,
};
use model::{DigestAlgorithm, Profile};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::Spanned;

/// A profile as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// Whose it is, if not the server's tenant's.
    pub tenants: Option<Vec<Spanned<String>>>,
    /// The pool; of no use for `timestamp` and `extended`.
    pub pool: Option<Spanned<String>>,
    /// The form of the result.
    pub format: Spanned<FormatWord>,
    /// CMS and CAdES: the document stays outside.
    #[serde(default = "yes")]
    pub detached: bool,
    /// XML-DSig and XAdES: `enveloped`, `enveloping` or `detached`.
    pub shape: Option<Spanned<ShapeWord>>,
    /// ASiC: `cades` or `xades`.
    pub signature: Option<Spanned<SignatureWord>>,
    /// PDF and PAdES: what becomes of documents that are no PDF: `cms` or `cades`; without it they are rejected.
    pub otherwise: Option<Spanned<FormatWord>>,
    /// `B-B`, `B-T`, `B-LT` or `B-LTA`.
    pub level: Option<Spanned<LevelWord>>,
    /// `SHA-256`, `SHA-384` or `SHA-512`.
    #[serde(default)]
    pub digest: DigestWord,
    /// RSA: `pkcs1` or `pss`.
    #[serde(default)]
    pub padding: PaddingWord,
    /// ML-DSA keys may sign.
    #[serde(default)]
    pub post_quantum: bool,
    /// CMS and CAdES: what becomes of signatures that the document has: `wrap`, `parallel` or `counter`.
    #[serde(default)]
    pub existing: ExistingWord,
    /// `[profile.stamp]`.
    pub stamp: Option<Spanned<StampConfig>>,
    /// `[profile.encryption]`.
    pub encryption: Option<Spanned<EncryptionConfig>>,
    /// `[profile.pdf]`.
    pub pdf: Option<Spanned<PdfConfig>>,
    /// `[profile.xml]`.
    pub xml: Option<Spanned<XmlConfig>>,
    /// What becomes of results in the long run: reserved, and refused for now.
    pub archive: Option<Spanned<toml::Value>>,
}

/// `format`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum FormatWord {
    /// Plain CMS.
    Cms,
    /// CAdES.
    Cades,
    /// `adbe.pkcs7.detached`.
    Pdf,
    /// PAdES.
    Pades,
    /// XML-DSig.
    Xmldsig,
    /// XAdES.
    Xades,
    /// ASiC with one document.
    AsicS,
    /// ASiC with several documents.
    AsicE,
    /// A time stamp in a file of its own.
    Timestamp,
    /// Signed documents, lifted to a higher level.
    Extended,
    /// Documents, encrypted as they are.
    Encrypted,
    /// Encrypted documents, opened.
    Decrypted,
}

impl FormatWord {
    fn is_pdf(self) -> bool {
        matches!(self, FormatWord::Pdf | FormatWord::Pades)
    }

    fn is_xml(self) -> bool {
        matches!(self, FormatWord::Xmldsig | FormatWord::Xades)
    }

    fn is_asic(self) -> bool {
        matches!(self, FormatWord::AsicS | FormatWord::AsicE)
    }
}

/// `shape`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShapeWord {
    /// Inside the document.
    Enveloped,
    /// Around it.
    Enveloping,
    /// Beside it.
    Detached,
}

/// `signature`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignatureWord {
    /// CAdES.
    Cades,
    /// XAdES.
    Xades,
}

/// `existing`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExistingWord {
    /// The signed message is a document like any other.
    #[default]
    Wrap,
    /// A signature beside the others.
    Parallel,
    /// A signature over the others.
    Counter,
}

/// `digest`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub enum DigestWord {
    /// SHA-256.
    #[default]
    #[serde(rename = "SHA-256")]
    Sha256,
    /// SHA-384.
    #[serde(rename = "SHA-384")]
    Sha384,
    /// SHA-512.
    #[serde(rename = "SHA-512")]
    Sha512,
}

impl DigestWord {
    /// The algorithm.
    pub fn algorithm(self) -> DigestAlgorithm {
        match self {
            DigestWord::Sha256 => DigestAlgorithm::Sha256,
            DigestWord::Sha384 => DigestAlgorithm::Sha384,
            DigestWord::Sha512 => DigestAlgorithm::Sha512,
        }
    }
}

/// `padding`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum PaddingWord {
    /// PKCS#1 v1.5.
    #[default]
    Pkcs1,
    /// PSS.
    Pss,
}

impl ProfileConfig {
    /// Contradictions within the profile, with their place in the text.
    pub fn check(&self) -> Result<(), (usize, String)> {
        let format = *self.format.get_ref();
        fn at<T>(value: &Spanned<T>, what: &str) -> Result<(), (usize, String)> {
            Err((value.span().start, what.to_owned()))
        }
        if let Some(archive) = &self.archive {
            return at(archive, "archive is not available yet: there is no archive to keep results in");
        }
        if let Some(otherwise) = &self.otherwise {
            if !format.is_pdf() {
                return at(otherwise, "otherwise belongs to the formats pdf and pades");
            }
            if !matches!(otherwise.get_ref(), FormatWord::Cms | FormatWord::Cades) {
                return at(otherwise, "otherwise must be cms or cades");
            }
        }
        if let Some(shape) = self.shape.as_ref().filter(|_| !format.is_xml()) {
            return at(shape, "shape belongs to the formats xmldsig and xades");
        }
        if let Some(signature) = self.signature.as_ref().filter(|_| !format.is_asic()) {
            return at(signature, "signature belongs to the formats asic-s and asic-e");
        }
        self.check_level()?;
        if let Some(encryption) = self.encryption.as_ref().filter(|_| self.stamps_a_batch()) {
            return at(encryption, "a profile has either [profile.encryption] or a stamp for the batch");
        }
        if let Some(pdf) = &self.pdf {
            let lifts = format == FormatWord::Extended && pdf.get_ref().has_only_password();
            if !format.is_pdf() && !lifts {
                return at(pdf, "[profile.pdf] belongs to the formats pdf and pades, its password also to extended");
            }
            pdf.get_ref().check().or_else(|what| at(pdf, &what))?;
        }
        if let Some(xml) = &self.xml {
            if !format.is_xml() && !format.is_asic() {
                return at(xml, "[profile.xml] belongs to the formats xmldsig, xades, asic-s and asic-e");
            }
            xml.get_ref().check().or_else(|what| at(xml, &what))?;
        }
        Ok(())
    }

    fn check_level(&self) -> Result<(), (usize, String)> {
        let (level, format) = (self.level(), *self.format.get_ref());
        let place = self.level.as_ref().map_or(self.format.span().start, |level| level.span().start);
        let wrong = |what: &str| Err((place, what.to_owned()));
        match format {
            FormatWord::Extended if level == Level::B => return wrong("extended needs a level from B-T on"),
            FormatWord::Encrypted if self.encryption.is_none() => {
                return wrong("encrypted needs [profile.encryption]");
            }
            FormatWord::Decrypted if self.encryption.is_some() => {
                return wrong("decrypted has no [profile.encryption]");
            }
            FormatWord::Timestamp if self.stamp.is_none() => return wrong("timestamp needs [profile.stamp]"),
            _ => {}
        }
        if level > Level::B {
            if !self.form(format).has_levels() {
                return wrong("levels belong to the formats cades, pades, xades, asic-s, asic-e and extended");
            }
            if self.otherwise.as_ref().is_some_and(|otherwise| *otherwise.get_ref() == FormatWord::Cms) {
                return wrong("with a level, otherwise must be cades");
            }
            if self.stamp.is_none() {
                return wrong("a level above B-B needs [profile.stamp]");
            }
        }
        let Some(stamp) = &self.stamp else { return Ok(()) };
        let place = stamp.span().start;
        match (stamp.get_ref(), level) {
            (stamp, _) if stamp.authorities.is_empty() => {
                Err((place, "a stamp needs at least one authority".to_owned()))
            }
            (stamp, Level::B) if !stamp.batch && format != FormatWord::Timestamp => {
                Err((place, "[profile.stamp] needs a level from B-T on, or batch = true".to_owned()))
            }
            (stamp, Level::T | Level::Lt | Level::Lta) if stamp.batch => {
                Err((place, "a stamp for the batch belongs to level B-B".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn level(&self) -> Level {
        self.level.as_ref().map_or(Level::B, |level| level.get_ref().level())
    }

    /// Whether somebody has to sign.
    pub fn needs_signer(&self) -> bool {
        self.form(*self.format.get_ref()).signs()
    }

    /// The authorities that it asks.
    pub fn authorities(&self) -> &[Spanned<String>] {
        self.stamp.as_ref().map_or(&[], |stamp| &stamp.get_ref().authorities)
    }

    fn stamps_a_batch(&self) -> bool {
        self.stamp.as_ref().is_some_and(|stamp| stamp.get_ref().batch)
    }

    fn form(&self, word: FormatWord) -> Format {
        let shape = match self.shape.as_ref().map(|shape| *shape.get_ref()) {
            None | Some(ShapeWord::Enveloped) => XmlShape::Enveloped,
            Some(ShapeWord::Enveloping) => XmlShape::Enveloping,
            Some(ShapeWord::Detached) => XmlShape::Detached,
        };
        let signature = match self.signature.as_ref().map(|signature| *signature.get_ref()) {
            None | Some(SignatureWord::Cades) => ContainerSignature::Cades,
            Some(SignatureWord::Xades) => ContainerSignature::Xades,
        };
        match word {
            FormatWord::Cms => Format::Cms { detached: self.detached },
            FormatWord::Cades => Format::Cades { detached: self.detached },
            FormatWord::Pdf => Format::Pdf,
            FormatWord::Pades => Format::Pades,
            FormatWord::Xmldsig => Format::Xmldsig(shape),
            FormatWord::Xades => Format::Xades(shape),
            FormatWord::AsicS => Format::Asic { container: Container::Simple, signature },
            FormatWord::AsicE => Format::Asic { container: Container::Extended, signature },
            FormatWord::Timestamp => Format::TimeStamp,
            FormatWord::Extended => Format::Extended,
            FormatWord::Encrypted => Format::Encrypted,
            FormatWord::Decrypted => Format::Decrypted,
        }
    }

    /// The checked profile. Reads images, passwords and certificates; a reason if they can't be read. `recipients`:
    /// encrypt for these instead of the profile's own.
    pub fn resolve(&self, home: &Path, recipients: Option<&[PathBuf]>) -> Result<Profile, String> {
        let encryption = match &self.encryption {
            Some(encryption) => Some(encryption.get_ref().resolve(home, recipients)?),
            None => None,
        };
        let pdf = match &self.pdf {
            Some(pdf) => pdf.get_ref().resolve(home)?,
            None => PdfOptions::default(),
        };
        Ok(Profile {
            name: self.name.get_ref().as_str().into(),
            pool: PoolName(self.pool.as_ref().map_or("", |pool| pool.get_ref()).into()),
            format: self.form(*self.format.get_ref()),
            otherwise: self.otherwise.as_ref().map(|word| self.form(*word.get_ref())),
            level: self.level(),
            stamp: self.stamp.as_ref().map(|stamp| stamp.get_ref().resolve()),
            encryption,
            digest: self.digest.algorithm(),
            pss: self.padding == PaddingWord::Pss,
            post_quantum: self.post_quantum,
            existing: match self.existing {
                ExistingWord::Wrap => ExistingSignatures::Wrap,
                ExistingWord::Parallel => ExistingSignatures::Parallel,
                ExistingWord::Counter => ExistingSignatures::Counter,
            },
            pdf,
            xml: self.xml.as_ref().map_or_else(XmlOptions::default, |xml| xml.get_ref().resolve()),
        })
    }
}

fn yes() -> bool {
    true
}
