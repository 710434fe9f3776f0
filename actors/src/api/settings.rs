//! What a caller asks for beside a profile: further choices by name, within what the profile leaves open. Kept with a batch as
//! text, so that whoever works on it does the same.

use super::Refused;
use model::{Function, Profile, SignerName};
use std::sync::Arc;

/// Everything beside the profile that has to outlast the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) function: Function,
    pub(super) signers: Vec<SignerName>,
    pub(super) settings: Vec<(String, String)>,
}

impl Wishes {
    /// As lines of text: a word, a blank, the rest.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!("function {}", self.function)];
        lines.extend(self.signers.iter().map(|signer| format!("signer {}", escaped(&signer.0))));
        let setting = |(name, value): &(String, String)| format!("setting {} {}", escaped(name), escaped(value));
        lines.extend(self.settings.iter().map(setting));
        lines.join("\n")
    }

    /// Reads what [`Wishes::text`] wrote.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut wishes = Self { function: Function::Sign, signers: Vec::new(), settings: Vec::new() };
        for line in text.lines() {
            match line.split_once(' ')? {
                ("function", word) => wishes.function = Function::from_word(word)?,
                ("signer", name) => wishes.signers.push(SignerName(plain(name).into())),
                ("setting", rest) => {
                    let (name, value) = rest.split_once(' ')?;
                    wishes.settings.push((plain(name), plain(value)));
                }
                _ => return None,
            }
        }
        Some(wishes)
    }
}

/// Without line ends and blanks.
fn escaped(text: &str) -> String {
    text.chars()
        .map(String::from)
        .map(|c| match c.as_str() {
            "%" => "%25".to_owned(),
            " " => "%20".to_owned(),
            "\n" => "%0A".to_owned(),
            "\r" => "%0D".to_owned(),
            _ => c,
        })
        .collect()
}

fn plain(text: &str) -> String {
    text.replace("%20", " ").replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
}

/// The profile with these choices. They may say what a signature says, never how strong it is or who makes it.
pub fn adapted(profile: &Arc<Profile>, settings: &[(String, String)]) -> Result<Arc<Profile>, Refused> {
    if settings.is_empty() {
        return Ok(profile.clone());
    }
    let mut adapted = Profile::clone(profile);
    adapted.name = format!("{} with settings", profile.name).into();
    for (name, value) in settings {
        let place = match name.as_str() {
            "reason" => &mut adapted.pdf.reason,
            "location" => &mut adapted.pdf.location,
            "contact" => &mut adapted.pdf.contact,
            "field" => &mut adapted.pdf.field,
            _ => return Err(Refused::NoSetting(name.clone())),
        };
        if !profile.format.is_pdf() {
            return Err(Refused::NoSetting(name.clone()));
        }
        *place = Some(value.clone());
    }
    Ok(Arc::new(adapted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::profile::Format;

    #[test]
    fn wishes_come_back_from_their_text() {
        let wishes = Wishes {
            function: Function::Extend,
            signers: vec![SignerName("a b".into()), SignerName("100%20".into())],
            settings: vec![("reason".into(), "two\nlines, 5 %".into()), ("field".into(), String::new())],
        };
        assert_eq!(Wishes::read(&wishes.text()), Some(wishes));
        for bad in ["function nothing", "x", "setting a", "sign a"] {
            assert_eq!(Wishes::read(bad), None, "{bad}");
        }
    }

    #[test]
    fn settings_change_what_a_pdf_says_and_nothing_else() {
        let profile = Arc::new(Profile::plain("p", "pool", Format::Pades));
        let changed = adapted(&profile, &[("reason".into(), "paid".into())]).unwrap();
        assert_eq!(changed.pdf.reason.as_deref(), Some("paid"));
        for (format, name) in [(Format::Pades, "digest"), (Format::Cms { detached: true }, "reason")] {
            let profile = Arc::new(Profile::plain("p", "pool", format));
            assert_eq!(adapted(&profile, &[(name.into(), "x".into())]).unwrap_err(), Refused::NoSetting(name.into()));
        }
    }
}
