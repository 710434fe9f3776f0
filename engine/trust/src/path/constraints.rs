//! Name constraints (RFC 5280 sections 4.2.1.10 and 6.1.4 (g)): whether the names of a certificate keep within what the
//! authorities above it permit. Kinds that nobody can compare are refused, never passed over.

use super::fault::Fault;
use formats::cms::certificate::Certificate;
use formats::cms::certificate::names::GeneralName;
use formats::path::name_within;
use model::limits::NAME_COMPARISONS_MAX;

mod hosts;

/// id-on-SmtpUTF8Mailbox (RFC 9598): a mail address, to which the constraints of mail addresses apply.
const OID_UTF8_MAILBOX: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x08\x09";

/// The constraints of the authorities passed so far.
#[derive(Debug, Default)]
pub(super) struct Constraints<'a> {
    /// For each authority what it permits; all of them have to be kept to.
    permitted: Vec<Vec<GeneralName<'a>>>,
    excluded: Vec<GeneralName<'a>>,
    comparisons: usize,
}

impl<'a> Constraints<'a> {
    /// Takes in those of an authority.
    pub(super) fn add(&mut self, authority: &Certificate<'a>) -> Result<(), Fault> {
        if let Some(constraints) = authority.name_constraints()? {
            if !constraints.permitted.is_empty() {
                self.permitted.push(constraints.permitted);
            }
            self.excluded.extend(constraints.excluded);
        }
        Ok(())
    }

    /// Checks all names of a certificate: subject, mail addresses in it, subjectAltName.
    pub(super) fn check(&mut self, certificate: &Certificate<'_>) -> Result<(), Fault> {
        if self.permitted.is_empty() && self.excluded.is_empty() {
            return Ok(());
        }
        const EMPTY_NAME: &[u8] = b"\x30\x00";
        if certificate.subject != EMPTY_NAME {
            self.check_name(&GeneralName::Directory(certificate.subject))?;
        }
        for address in certificate.subject_mail_addresses()? {
            self.check_name(&GeneralName::Mail(&address))?;
        }
        for name in certificate.alternative_names()? {
            match name {
                GeneralName::Other { kind: OID_UTF8_MAILBOX, value } => {
                    self.check_name(&utf8_mailbox(value).map_or(GeneralName::Unreadable(MAIL), GeneralName::Mail))?;
                }
                name => self.check_name(&name)?,
            }
        }
        Ok(())
    }

    fn check_name(&mut self, name: &GeneralName<'_>) -> Result<(), Fault> {
        for base in self.excluded.iter().filter(|base| is_comparable(name, base)) {
            self.comparisons += 1;
            if matches(name, base, true)? {
                return Err(Fault::NameNotPermitted(shown(name)));
            }
        }
        for level in &self.permitted {
            let (mut some, mut inside) = (false, false);
            for base in level.iter().filter(|base| is_comparable(name, base)) {
                self.comparisons += 1;
                some = true;
                inside = inside || matches(name, base, false)?;
            }
            if some && !inside {
                return Err(Fault::NameNotPermitted(shown(name)));
            }
        }
        if self.comparisons > NAME_COMPARISONS_MAX { Err(Fault::TooManyNames) } else { Ok(()) }
    }
}

const MAIL: u8 = 1;

/// The content of a UTF8String.
fn utf8_mailbox(value: &[u8]) -> Option<&str> {
    match *value {
        [0x0c, length, ref text @ ..] if usize::from(length) == text.len() && length < 0x80 => {
            std::str::from_utf8(text).ok()
        }
        _ => None,
    }
}

/// Whether a constraint speaks about names of this kind.
fn is_comparable(name: &GeneralName<'_>, base: &GeneralName<'_>) -> bool {
    match (name, base) {
        (GeneralName::Other { kind, .. }, GeneralName::Other { kind: limited, .. }) => kind == limited,
        _ => name.kind() == base.kind(),
    }
}

/// Whether a name is in a subtree of its own kind.
fn matches(name: &GeneralName<'_>, base: &GeneralName<'_>, excluding: bool) -> Result<bool, Fault> {
    match (name, base) {
        (GeneralName::Directory(name), GeneralName::Directory(base)) => Ok(name_within(name, base)?),
        (GeneralName::Mail(address), GeneralName::Mail(base)) => {
            hosts::mail_within(address, base).ok_or(Fault::NameNotJudged)
        }
        (GeneralName::Dns(host), GeneralName::Dns(base)) => Ok(hosts::dns_within(host, base, excluding)),
        (GeneralName::Uri(uri), GeneralName::Uri(base)) => {
            // Without a host name it cannot keep to any limit, says the standard.
            hosts::uri_within(uri, base).ok_or_else(|| Fault::NameNotPermitted(shown(name)))
        }
        (GeneralName::Ip(address), GeneralName::Ip(base)) => {
            hosts::address_within(address, base).ok_or(Fault::NameNotJudged)
        }
        _ => Err(Fault::NameNotJudged),
    }
}

/// A name for people.
fn shown(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::Mail(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => {
            format!("“{}”", text.chars().filter(|c| !c.is_control()).take(200).collect::<String>())
        }
        GeneralName::Directory(_) => "of its subject".to_owned(),
        GeneralName::Ip([a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
        GeneralName::Ip(octets) => octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(":"),
        _ => "of another kind".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const ACME: &[u8] = b"\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x0a\x13\x04Acme";
    const OTHER: &[u8] = b"\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x0a\x13\x04Else";

    fn constraints<'a>(permitted: &[&[GeneralName<'a>]], excluded: &[GeneralName<'a>]) -> Constraints<'a> {
        let permitted = permitted.iter().map(|level| level.to_vec()).collect();
        Constraints { permitted, excluded: excluded.to_vec(), comparisons: 0 }
    }

    #[test]
    fn each_kind_of_name_keeps_to_the_limits_of_its_kind() {
        use GeneralName::{Directory, Dns, Ip, Mail, Other, Unreadable};
        let limited = || {
            constraints(
                &[&[Dns("example.de"), Dns("example.com"), Directory(ACME)], &[Dns("www.example.de")]],
                &[Dns("secret.www.example.de"), Other { kind: b"\x2a\x03", value: b"" }],
            )
        };
        let judge = |name| limited().check_name(&name);
        assert_eq!(judge(Dns("www.example.de")), Ok(()));
        assert!(
            matches!(judge(Dns("example.de")), Err(Fault::NameNotPermitted(_))),
            "every authority has to permit it"
        );
        assert!(matches!(judge(Dns("www.example.com")), Err(Fault::NameNotPermitted(_))));
        assert!(matches!(judge(Dns("a.secret.www.example.de")), Err(Fault::NameNotPermitted(_))), "excluded");
        assert_eq!(judge(Directory(ACME)), Ok(()));
        assert!(matches!(judge(Directory(OTHER)), Err(Fault::NameNotPermitted(_))));
        assert_eq!(judge(Mail("erika@elsewhere.org")), Ok(()), "nothing is said about mail");
        assert_eq!(judge(Ip(&[192, 0, 2, 1])), Ok(()));
        assert_eq!(judge(Unreadable(0x82)), Err(Fault::NameNotJudged), "a dNSName that is none");
        assert_eq!(judge(Other { kind: b"\x2a\x03", value: b"x" }), Err(Fault::NameNotJudged));
        assert_eq!(judge(Other { kind: b"\x2a\x04", value: b"x" }), Ok(()));
    }

    #[test]
    fn limits_that_nobody_can_read_are_not_passed_over() {
        use GeneralName::{Ip, Unreadable, Uri};
        let mut odd = constraints(&[&[Ip(&[1, 2, 3])]], &[]);
        assert_eq!(odd.check_name(&Ip(&[192, 0, 2, 1])), Err(Fault::NameNotJudged));
        let mut odd = constraints(&[], &[Unreadable(0xa3)]);
        assert_eq!(odd.check_name(&Unreadable(0xa3)), Err(Fault::NameNotJudged));
        assert_eq!(odd.check_name(&Ip(&[192, 0, 2, 1])), Ok(()));
        let mut hosts = constraints(&[], &[Uri("example.de")]);
        assert!(matches!(hosts.check_name(&Uri("urn:isbn:1")), Err(Fault::NameNotPermitted(_))), "it has no host");
    }

    #[test]
    fn the_work_is_bounded() {
        let level = vec![GeneralName::Dns("example.de"); 4_096];
        let mut many = constraints(&[&level], &[]);
        let verdicts: Vec<_> = (0..300).map(|_| many.check_name(&GeneralName::Dns("www.example.de"))).collect();
        assert_eq!((verdicts.first(), verdicts.last()), (Some(&Ok(())), Some(&Err(Fault::TooManyNames))));
    }
}
