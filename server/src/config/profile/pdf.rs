//! `[profile.pdf]`: the field, the entries and the appearance of PDF signatures.

use model::profile::{CertificationLevel, Corner, PageChoice, Password, PdfOptions, Place, VisibleSignature};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

impl PdfConfig {
    /// What contradicts itself.
    pub fn check(&self) -> Result<(), String> {
        if self.password_file.is_some() && self.password_env.is_some() {
            return Err("give one of password_file and password_env".to_owned());
        }
        let Some(visible) = &self.visible else { return Ok(()) };
        if visible.x.is_some() != visible.y.is_some() {
            return Err("x and y go together".to_owned());
        }
        let sizes = [visible.width, visible.height, visible.font_size];
        if sizes.iter().any(|size| !(1.0..=20_000.0).contains(size)) || !(0.0..=20_000.0).contains(&visible.margin) {
            return Err("width, height and font_size must be 1 to 20000 points".to_owned());
        }
        if matches!(visible.page, PageWord::Number(0)) {
            return Err("pages are counted from 1".to_owned());
        }
        Ok(())
    }

    /// Whether nothing is said but what opens encrypted documents, which is all that lifting needs.
    pub fn has_only_password(&self) -> bool {
        let Self {
            certify,
            field,
            reason,
            location,
            contact,
            allow_hybrid,
            visible,
            password_file: _,
            password_env: _,
        } = self;
        let is_silent = [field, reason, location, contact].into_iter().all(Option::is_none);
        is_silent && certify.is_none() && visible.is_none() && !allow_hybrid
    }

    /// The choices, made. Reads the image and the password; a reason if they can't be read.
    pub fn resolve(&self, home: &Path) -> Result<PdfOptions, String> {
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
