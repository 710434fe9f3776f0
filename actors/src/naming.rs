//! How results are called.

use model::profile::Format;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// How results are named, from the name of the source: `{name}` is the whole name, `{stem}` the part before the last
/// dot, `{extension}` the part behind it with its dot.
#[derive(Clone, Debug)]
pub struct Naming {
    /// A signed PDF.
    pub pdf: String,
    /// A signature that stays beside its document.
    pub detached: String,
    /// A CMS that contains its document.
    pub enveloping: String,
}

impl Default for Naming {
    /// What clients of this product family expect.
    fn default() -> Self {
        Self {
            pdf: "{stem}-signed{extension}".to_owned(),
            detached: "{name}.pkcs7".to_owned(),
            enveloping: "{name}.p7m".to_owned(),
        }
    }
}

impl Naming {
    /// The name of the result: `invoice.pdf` → `invoice-signed.pdf`, `invoice.xml` → `invoice.xml.pkcs7`.
    pub fn result_name(&self, format: Format, contains_original: bool, source: &OsStr) -> OsString {
        let rule = match (format.is_pdf(), contains_original) {
            (true, _) => &self.pdf,
            (false, false) => &self.detached,
            (false, true) => &self.enveloping,
        };
        let path = Path::new(source);
        let mut extension = OsString::new();
        if let Some(end) = path.extension() {
            extension.push(".");
            extension.push(end);
        }
        let mut name = OsString::new();
        let mut rest = rule.as_str();
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
            assert_eq!(naming.result_name(format, contains, source.as_ref()), expected);
        };
        check(Format::Pades, true, "invoice.pdf", "invoice-signed.pdf");
        check(Format::Pades, true, "invoice", "invoice-signed");
        check(Format::Pdf, true, "a.b.PDF", "a.b-signed.PDF");
        check(Format::Cades { detached: true }, false, "invoice.xml", "invoice.xml.pkcs7");
        check(Format::Cms { detached: false }, true, "invoice.xml", "invoice.xml.p7m");
    }

    #[test]
    fn rules_that_would_lose_files_are_refused() {
        assert!(Naming::check("{stem}-x{extension}").is_ok());
        for bad in ["signed.pdf", "../{name}", "{name}{date}", "{extension}"] {
            assert!(Naming::check(bad).is_err(), "{bad}");
        }
    }
}
