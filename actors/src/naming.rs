//! How results are called.

use model::profile::{Container, Format, XmlShape};
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// How results are named, from the name of the source: `{name}` is the whole name, `{stem}` the part before the last
/// dot, `{extension}` the part behind it with its dot.
#[derive(Clone, Debug)]
pub struct Naming {
    /// A signed PDF.
    pub pdf: String,
    /// XML with its signature inside.
    pub xml: String,
    /// A CMS signature that stays beside its document.
    pub detached: String,
    /// A CMS that contains its document.
    pub enveloping: String,
    /// An XML signature beside or around its document.
    pub xml_signature: String,
    /// A container with one document.
    pub asic_s: String,
    /// A container for several documents.
    pub asic_e: String,
    /// A time stamp beside its document.
    pub time_stamp: String,
    /// A signed document, lifted to a higher level.
    pub extended: String,
    /// A decrypted message, where its name does not end as that of one.
    pub decrypted: String,
    /// Any of these, encrypted; its source is the name of the result.
    pub encrypted: String,
}

impl Default for Naming {
    /// What clients of this product family expect.
    fn default() -> Self {
        Self {
            pdf: "{stem}-signed{extension}".to_owned(),
            xml: "{stem}-signed{extension}".to_owned(),
            detached: "{name}.pkcs7".to_owned(),
            enveloping: "{name}.p7m".to_owned(),
            xml_signature: "{name}.sig.xml".to_owned(),
            asic_s: "{name}.asics".to_owned(),
            asic_e: "{name}.asice".to_owned(),
            time_stamp: "{name}.tsr".to_owned(),
            extended: "{name}".to_owned(),
            decrypted: "{name}.decrypted".to_owned(),
            encrypted: "{name}.p7m".to_owned(),
        }
    }
}

/// Whether a name ends as those of encrypted messages do: what is in front is the name of what is inside.
fn is_message(name: &OsStr) -> bool {
    let extension = Path::new(name).extension();
    extension.is_some_and(|end| ["p7m", "cms"].iter().any(|known| end.eq_ignore_ascii_case(known)))
}

impl Naming {
    /// The name of the result: `invoice.pdf` → `invoice-signed.pdf`, `invoice.xml` → `invoice.xml.pkcs7`.
    pub fn result_name(&self, format: Format, contains_original: bool, encrypted: bool, source: &OsStr) -> OsString {
        let rule = match format {
            Format::Pdf | Format::Pades => &self.pdf,
            Format::Cms { .. } | Format::Cades { .. } if contains_original => &self.enveloping,
            Format::Cms { .. } | Format::Cades { .. } => &self.detached,
            Format::Xmldsig(XmlShape::Enveloped) | Format::Xades(XmlShape::Enveloped) => &self.xml,
            Format::Xmldsig(_) | Format::Xades(_) => &self.xml_signature,
            Format::Asic { container: Container::Simple, .. } => &self.asic_s,
            Format::Asic { container: Container::Extended, .. } => &self.asic_e,
            Format::TimeStamp => &self.time_stamp,
            Format::Extended => &self.extended,
            Format::Encrypted => return Self::apply(&self.encrypted, source),
            Format::Decrypted if is_message(source) => "{stem}",
            Format::Decrypted => &self.decrypted,
        };
        let name = Self::apply(rule, source);
        if encrypted { Self::apply(&self.encrypted, &name) } else { name }
    }

    fn apply(rule: &str, source: &OsStr) -> OsString {
        let path = Path::new(source);
        let mut extension = OsString::new();
        if let Some(end) = path.extension() {
            extension.push(".");
            extension.push(end);
        }
        let mut name = OsString::new();
        let mut rest = rule;
        while let Some(open) = rest.find('{') {
            let close = rest[open..].find('}').map_or(rest.len(), |close| open + close + 1);
            name.push(&rest[..open]);
            match &rest[open..close] {
                "{name}" => name.push(source),
                "{stem}" => name.push(path.file_stem().unwrap_or(source)),
                "{extension}" => name.push(&extension),
                other => name.push(other),
            }
            rest = &rest[close..];
        }
        name.push(rest);
        name
    }

    /// Whether a rule names every source differently and stays within its folder; else why not.
    pub fn check(rule: &str) -> Result<(), String> {
        if rule.contains('/') || rule.contains('\0') {
            return Err(format!("the naming rule \"{rule}\" must not contain '/'"));
        }
        if !rule.contains("{name}") && !rule.contains("{stem}") {
            return Err(format!("the naming rule \"{rule}\" needs {{name}} or {{stem}}"));
        }
        let known = rule.replace("{name}", "").replace("{stem}", "").replace("{extension}", "");
        if known.contains(['{', '}']) {
            return Err(format!("the naming rule \"{rule}\" knows {{name}}, {{stem}} and {{extension}} only"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let naming = Naming::default();
        let check = |format, contains, source: &str, expected: &str| {
            assert_eq!(naming.result_name(format, contains, false, source.as_ref()), expected);
        };
        check(Format::Pades, true, "invoice.pdf", "invoice-signed.pdf");
        check(Format::Pades, true, "invoice", "invoice-signed");
        check(Format::Pdf, true, "a.b.PDF", "a.b-signed.PDF");
        check(Format::Cades { detached: true }, false, "invoice.xml", "invoice.xml.pkcs7");
        check(Format::Cms { detached: false }, true, "invoice.xml", "invoice.xml.p7m");
        check(Format::Xades(XmlShape::Enveloped), true, "invoice.xml", "invoice-signed.xml");
        check(Format::Xades(XmlShape::Detached), false, "invoice.pdf", "invoice.pdf.sig.xml");
        check(Format::TimeStamp, false, "invoice.pdf", "invoice.pdf.tsr");
        check(Format::Extended, true, "old.p7s", "old.p7s");
        check(Format::Encrypted, true, "invoice.pdf", "invoice.pdf.p7m");
        check(Format::Decrypted, true, "invoice.pdf.p7m", "invoice.pdf");
        check(Format::Decrypted, true, "message", "message.decrypted");
        let encrypted = naming.result_name(Format::Pades, true, true, "invoice.pdf".as_ref());
        assert_eq!(encrypted, "invoice-signed.pdf.p7m");
    }

    #[test]
    fn rules_that_would_lose_files_are_refused() {
        assert!(Naming::check("{stem}-x{extension}").is_ok());
        for bad in ["signed.pdf", "../{name}", "{name}{date}", "{extension}"] {
            assert!(Naming::check(bad).is_err(), "{bad}");
        }
    }
}
