//! `[[profile]]`: from text to a checked `model::Profile`.

use model::profile::{
    CertificationLevel, Corner, Format, PageChoice, Password, PdfOptions, Place, PoolName, VisibleSignature,
};
use model::{DigestAlgorithm, Profile};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;

/// A profile as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileConfig {
    /// Its name.
    pub name: Spanned<String>,
    /// The pool.
    pub pool: Spanned<String>,
    /// `cms`, `cades`, `pdf` or `pades`.
    pub format: Spanned<FormatWord>,
    /// CMS and CAdES: the document stays outside.
    #[serde(default = "yes")]
    pub detached: bool,
    /// PDF and PAdES: what becomes of documents that are no PDF: `cms` or `cades`; without it they are rejected.
    pub otherwise: Option<Spanned<FormatWord>>,
    /// `SHA-256`, `SHA-384` or `SHA-512`.
    #[serde(default)]
    pub digest: DigestWord,
    /// RSA: `pkcs1` or `pss`.
    #[serde(default)]
    pub padding: PaddingWord,
    /// `[profile.pdf]`.
    pub pdf: Option<Spanned<PdfConfig>>,
}

/// `format`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum FormatWord {
    /// Plain CMS.
    Cms,
    /// CAdES B-B.
    Cades,
    /// `adbe.pkcs7.detached`.
    Pdf,
    /// PAdES B-B.
    Pades,
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

/// `[profile.pdf]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PdfConfig {
    /// `no-changes`, `form-filling` or `annotations`: certify instead of approve.
    pub certify: Option<CertifyWord>,
    /// Name of the signature field.
    pub field: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/ContactInfo`.
    pub contact: Option<String>,
    /// File whose first line opens encrypted documents.
    pub password_file: Option<PathBuf>,
    /// Environment variable with that password.
    pub password_env: Option<String>,
    /// Sign hybrid-reference files.
    pub allow_hybrid: bool,
    /// `[profile.pdf.visible]`.
    pub visible: Option<VisibleConfig>,
}

/// `certify`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertifyWord {
    /// No changes.
    NoChanges,
    /// Form filling and signing.
    FormFilling,
    /// Also annotations.
    Annotations,
}

/// `[profile.pdf.visible]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VisibleConfig {
    /// `first`, `last` or a number from 1.
    pub page: PageWord,
    /// `bottom-left` and the like.
    pub corner: CornerWord,
    /// Distance from the edges, in points.
    pub margin: f32,
    /// Width, in points.
    pub width: f32,
    /// Height, in points.
    pub height: f32,
    /// Left edge, in points; with `y` instead of `corner`.
    pub x: Option<f32>,
    /// Lower edge, in points.
    pub y: Option<f32>,
    /// Text above the generated lines.
    pub text: Option<String>,
    /// Show the signer's name.
    pub name: bool,
    /// Show the time.
    pub date: bool,
    /// Show the reason.
    pub reason: bool,
    /// Show the location.
    pub location: bool,
    /// PNG or JPEG file.
    pub image: Option<PathBuf>,
    /// Size of the letters, in points.
    pub font_size: f32,
}

impl Default for VisibleConfig {
    fn default() -> Self {
        Self {
            page: PageWord::Word(PageName::First),
            corner: CornerWord::BottomRight,
            margin: 30.0,
            width: 220.0,
            height: 70.0,
            x: None,
            y: None,
            text: None,
            name: true,
            date: true,
            reason: true,
            location: true,
            image: None,
            font_size: 8.0,
        }
    }
}

/// `page`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub enum PageWord {
    /// By name.
    Word(PageName),
    /// By number, from 1.
    Number(u32),
}

/// `page`, by name.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageName {
    /// The first page.
    First,
    /// The last page.
    Last,
}

/// `corner`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CornerWord {
    /// Top left.
    TopLeft,
    /// Top centre.
    TopCentre,
    /// Top right.
    TopRight,
    /// Bottom left.
    BottomLeft,
    /// Bottom centre.
    BottomCentre,
    /// Bottom right.
    BottomRight,
}

impl ProfileConfig {
    /// Contradictions within the profile, with their place in the text.
    pub fn check(&self) -> Result<(), (usize, String)> {
        let at = |value: &Spanned<FormatWord>| value.span().start;
        let is_pdf = matches!(self.format.get_ref(), FormatWord::Pdf | FormatWord::Pades);
        if let Some(otherwise) = &self.otherwise {
            if !is_pdf {
                return Err((at(otherwise), "otherwise belongs to the formats pdf and pades".to_owned()));
            }
            if matches!(otherwise.get_ref(), FormatWord::Pdf | FormatWord::Pades) {
                return Err((at(otherwise), "otherwise must be cms or cades".to_owned()));
            }
        }
        let Some(pdf) = &self.pdf else { return Ok(()) };
        let at = pdf.span().start;
        if !is_pdf {
            return Err((at, "[profile.pdf] belongs to the formats pdf and pades".to_owned()));
        }
        let pdf = pdf.get_ref();
        if pdf.password_file.is_some() && pdf.password_env.is_some() {
            return Err((at, "give one of password_file and password_env".to_owned()));
        }
        let Some(visible) = &pdf.visible else { return Ok(()) };
        if visible.x.is_some() != visible.y.is_some() {
            return Err((at, "x and y go together".to_owned()));
        }
        let sizes = [visible.width, visible.height, visible.font_size];
        if sizes.iter().any(|size| !(1.0..=20_000.0).contains(size)) || !(0.0..=20_000.0).contains(&visible.margin) {
            return Err((at, "width, height and font_size must be 1 to 20000 points".to_owned()));
        }
        if matches!(visible.page, PageWord::Number(0)) {
            return Err((at, "pages are counted from 1".to_owned()));
        }
        Ok(())
    }

    /// The checked profile. Reads the image and the password; a reason if they can't be read.
    pub fn resolve(&self, home: &Path) -> Result<Profile, String> {
        let format = |word: FormatWord| match word {
            FormatWord::Cms => Format::Cms { detached: self.detached },
            FormatWord::Cades => Format::Cades { detached: self.detached },
            FormatWord::Pdf => Format::Pdf,
            FormatWord::Pades => Format::Pades,
        };
        let pdf = match &self.pdf {
            Some(pdf) => pdf.get_ref().resolve(home)?,
            None => PdfOptions::default(),
        };
        Ok(Profile {
            name: self.name.get_ref().as_str().into(),
            pool: PoolName(self.pool.get_ref().as_str().into()),
            format: format(*self.format.get_ref()),
            otherwise: self.otherwise.as_ref().map(|word| format(*word.get_ref())),
            digest: match self.digest {
                DigestWord::Sha256 => DigestAlgorithm::Sha256,
                DigestWord::Sha384 => DigestAlgorithm::Sha384,
                DigestWord::Sha512 => DigestAlgorithm::Sha512,
            },
            pss: self.padding == PaddingWord::Pss,
            level: model::profile::Level::B,
            stamp: None,
            encryption: None,
            pdf,
            xml: model::profile::XmlOptions::default(),
        })
    }
}

impl PdfConfig {
    fn resolve(&self, home: &Path) -> Result<PdfOptions, String> {
        let password = match (&self.password_file, &self.password_env) {
            (Some(file), _) => Some(crate::secret::from_file(&home.join(file))?),
            (None, Some(variable)) => Some(crate::secret::from_environment(variable)?),
            (None, None) => None,
        };
        let password = password.map(|secret| Password::new(crate::secret::expose(&secret)));
        Ok(PdfOptions {
            certify: self.certify.map(|word| match word {
                CertifyWord::NoChanges => CertificationLevel::NoChanges,
                CertifyWord::FormFilling => CertificationLevel::FormFilling,
                CertifyWord::Annotations => CertificationLevel::Annotations,
            }),
            field: self.field.clone(),
            reason: self.reason.clone(),
            location: self.location.clone(),
            contact: self.contact.clone(),
            visible: self.visible.as_ref().map(|visible| visible.resolve(home)).transpose()?,
            password,
            allow_hybrid: self.allow_hybrid,
        })
    }
}

impl VisibleConfig {
    fn resolve(&self, home: &Path) -> Result<VisibleSignature, String> {
        let image = self.image.as_ref().map(|image| {
            let path = home.join(image);
            std::fs::read(&path).map_err(|error| format!("the image {} cannot be read: {error}", path.display()))
        });
        let place = match (self.x, self.y) {
            (Some(x), Some(y)) => Place::Rectangle { x, y, width: self.width, height: self.height },
            _ => Place::Corner {
                corner: match self.corner {
                    CornerWord::TopLeft => Corner::TopLeft,
                    CornerWord::TopCentre => Corner::TopCentre,
                    CornerWord::TopRight => Corner::TopRight,
                    CornerWord::BottomLeft => Corner::BottomLeft,
                    CornerWord::BottomCentre => Corner::BottomCentre,
                    CornerWord::BottomRight => Corner::BottomRight,
                },
                width: self.width,
                height: self.height,
                margin: self.margin,
            },
        };
        Ok(VisibleSignature {
            page: match self.page {
                PageWord::Word(PageName::First) => PageChoice::First,
                PageWord::Word(PageName::Last) => PageChoice::Last,
                PageWord::Number(number) => PageChoice::Number(number),
            },
            place,
            text: self.text.clone(),
            show_name: self.name,
            show_date: self.date,
            show_reason: self.reason,
            show_location: self.location,
            image: image.transpose()?.map(Arc::from),
            font_size: self.font_size,
        })
    }
}

fn yes() -> bool {
    true
}
