//! Addresses in From and Sender (RFC 5322 section 3.4), and where readers would not agree about who is meant. That is
//! what mails live on that pretend to be from somebody else.

use super::entity::{Entity, Field};
use model::Reason;
use model::limits::MAIL_ADDRESSES_MAX;

/// Who a mail says that it is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Originators {
    /// The addresses in From.
    pub(super) from: Vec<String>,
    /// The addresses in Sender that are not in From.
    pub(super) sender: Vec<String>,
    /// What makes it unclear who is meant.
    pub(super) faults: Vec<Reason>,
}

impl Originators {
    /// Reads the header of a message.
    pub(super) fn of(message: &Entity<'_>) -> Self {
        let mut read = Self::default();
        let from: Vec<Field<'_>> = message.all("from").collect();
        if from.len() > 1 {
            read.fault(
                "mail-several-from",
                "the mail has several From fields; programs show different senders".to_owned(),
            );
        }
        for field in from.iter().take(MAIL_ADDRESSES_MAX) {
            let mut list = List::read(&field.unfolded());
            read.from.append(&mut list.addresses);
            for what in list.oddities {
                read.fault("mail-from-ambiguous", format!("the sender of the mail is ambiguous: {what}"));
            }
        }
        let senders: Vec<Field<'_>> = message.all("sender").collect();
        if senders.len() > 1 {
            read.fault("mail-several-from", "the mail has several Sender fields".to_owned());
        }
        for field in senders.iter().take(MAIL_ADDRESSES_MAX) {
            let mut list = List::read(&field.unfolded());
            list.addresses.retain(|address| !read.from.iter().any(|known| same(known, address)));
            read.sender.append(&mut list.addresses);
        }
        if read.from.len() > 1 && senders.is_empty() {
            let sentence =
                "the mail is from several addresses and does not say who sent it; programs show different senders";
            read.fault("mail-from-ambiguous", sentence.to_owned());
        }
        read
    }

    fn fault(&mut self, code: &'static str, sentence: String) {
        if self.faults.len() < MAIL_ADDRESSES_MAX {
            self.faults.push(Reason::new(code, sentence));
        }
    }

    /// All of them, From first.
    pub(super) fn all(&self) -> Vec<String> {
        self.from.iter().chain(&self.sender).cloned().collect()
    }
}

/// Whether two addresses are one. Nobody in practice tells the case of local parts apart.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || a.to_lowercase() == b.to_lowercase()
}

/// The value of one field.
#[derive(Debug, Default)]
struct List {
    addresses: Vec<String>,
    oddities: Vec<&'static str>,
}

/// One mailbox on the way.
#[derive(Default)]
struct Mailbox {
    /// What stands outside of angle brackets.
    outside: String,
    /// A part of that was quoted.
    quoted: String,
    /// What stands inside of them.
    inside: Option<String>,
    comment: String,
}

impl List {
    fn read(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value);
        let mut list = Self::default();
        if text.chars().any(|c| c.is_control() && c != '\t') {
            list.odd("it contains control characters");
        }
        let mut mailbox = Mailbox::default();
        let (mut quoted, mut comments, mut angle) = (false, 0_usize, false);
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' if quoted || comments > 0 => {
                    let escaped = letters.next();
                    if comments > 0 { mailbox.comment.extend(escaped) } else { mailbox.quoted.extend(escaped) }
                }
                '"' if comments == 0 => {
                    if angle {
                        list.odd("an address has quotes in it");
                    }
                    quoted = !quoted;
                }
                _ if quoted => mailbox.quoted.push(letter),
                '(' => comments += 1,
                ')' if comments > 0 => comments -= 1,
                _ if comments > 0 => mailbox.comment.push(letter),
                '<' if angle || mailbox.inside.is_some() => list.odd("there are several addresses for one name"),
                '<' => {
                    angle = true;
                    mailbox.inside = Some(String::new());
                }
                '>' if angle => angle = false,
                '>' => list.odd("its brackets do not match"),
                _ if angle => mailbox.inside.get_or_insert_default().push(letter),
                ',' => list.finish(std::mem::take(&mut mailbox)),
                ':' | ';' => {
                    list.odd("it is a group, not a person");
                    match letter {
                        ':' => mailbox = Mailbox::default(),
                        _ => list.finish(std::mem::take(&mut mailbox)),
                    }
                }
                _ => mailbox.outside.push(letter),
            }
            if list.addresses.len() > MAIL_ADDRESSES_MAX {
                list.odd("it has too many addresses");
                return list;
            }
        }
        if quoted || angle || comments > 0 {
            list.odd("its quotes or brackets do not match");
        }
        list.finish(mailbox);
        if list.addresses.is_empty() {
            list.odd("it has no address");
        }
        list
    }

    fn odd(&mut self, what: &'static str) {
        if !self.oddities.contains(&what) {
            self.oddities.push(what);
        }
    }

    fn finish(&mut self, mailbox: Mailbox) {
        let outside = mailbox.outside.trim();
        let (address, display) = match mailbox.inside {
            Some(inside) => (inside.trim().to_owned(), format!("{} {outside}", mailbox.quoted)),
            // `"local part"@domain`
            None if !mailbox.quoted.is_empty() => (format!("{}{outside}", mailbox.quoted), String::new()),
            None => (outside.to_owned(), String::new()),
        };
        if address.is_empty() {
            if !display.trim().is_empty() {
                self.odd("it has a name without an address");
            }
            return;
        }
        let well_formed = address.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !address.contains(char::is_whitespace)
        });
        if !well_formed {
            self.odd("it is not an address");
        }
        if address.contains("=?") {
            self.odd("an address is encoded as text");
        }
        let shown = words(&display);
        if addresses_in(&shown).any(|shown| !same(shown, &address)) {
            self.odd("the name that is shown looks like the address of somebody else");
        }
        if addresses_in(&mailbox.comment).any(|shown| !same(shown, &address)) {
            self.odd("a comment looks like the address of somebody else");
        }
        if shown.contains('\0') || shown.contains('\n') {
            self.odd("the name that is shown contains control characters");
        }
        if well_formed {
            self.addresses.push(address);
        }
    }
}

/// What looks like an address to a person.
fn addresses_in(text: &str) -> impl Iterator<Item = &str> {
    let is_edge =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | '[' | ']' | '"' | '\'' | ',' | ';' | ':');
    text.split(is_edge)
        .map(|word| word.trim_matches('.'))
        .filter(|word| word.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.')))
}

/// Encoded words (RFC 2047) decoded, as far as what is in them can hold an address: anything but ASCII may come out
/// wrong.
fn words(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, from)) = rest.split_once("=?") {
        out.push_str(before);
        let mut fields = from.splitn(4, '?');
        let (_charset, kind, body) = (fields.next(), fields.next(), fields.next());
        let behind = fields.next().and_then(|behind| behind.strip_prefix('='));
        let decoded = match (kind, body) {
            (Some("Q" | "q"), Some(body)) => {
                super::decode::decoded(body.replace('_', " ").as_bytes(), "quoted-printable")
                    .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            }
            (Some("B" | "b"), Some(body)) => super::decode::decoded(body.as_bytes(), "base64")
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            _ => None,
        };
        match (decoded, behind) {
            (Some(decoded), Some(behind)) => {
                out.push_str(&decoded);
                rest = behind.strip_prefix(' ').filter(|next| next.starts_with("=?")).unwrap_or(behind);
            }
            _ => {
                out.push_str("=?");
                rest = from;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn check(header: &str, addresses: &[&str], is_faulty: bool) {
        let message = format!("{header}\r\n\r\n");
        let read = Originators::of(&Entity::read(message.as_bytes()).unwrap());
        assert_eq!(read.all(), addresses, "{header}");
        assert_eq!(!read.faults.is_empty(), is_faulty, "{header}: {:?}", read.faults);
    }

    #[test]
    fn ordinary_senders_are_clear() {
        check("From: a@b.de", &["a@b.de"], false);
        check("From: \"Bob, A.\" <bob@b.de> (Vertrieb)", &["bob@b.de"], false);
        check("From: =?ISO-8859-1?Q?Armin_H=E4berling?= <armin@b.de>", &["armin@b.de"], false);
        check("From: bob@b.de <Bob@B.de>", &["Bob@B.de"], false);
        check("From: Bob\r\n <bob@b.de>\r\nSender: secretary@b.de", &["bob@b.de", "secretary@b.de"], false);
        check("From: <bob@b.de>\r\nSender: Bob <bob@b.de>", &["bob@b.de"], false);
        check("From: a@b.de, c@d.de\r\nSender: a@b.de", &["a@b.de", "c@d.de"], false);
        check("Subject: x", &[], false);
    }

    #[test]
    fn tricks_with_the_sender_are_faults() {
        check("From: a@b.de\r\nFrom: c@d.de", &["a@b.de", "c@d.de"], true);
        check("From: a@b.de, c@d.de", &["a@b.de", "c@d.de"], true);
        check("From: \"ceo@firm.de\" <evil@e.de>", &["evil@e.de"], true);
        check("From: ceo@firm.de <evil@e.de>", &["evil@e.de"], true);
        check("From: =?utf-8?B?Y2VvQGZpcm0uZGU=?= <evil@e.de>", &["evil@e.de"], true);
        check("From: =?utf-8?Q?ceo=40firm=2Ede?= <evil@e.de>", &["evil@e.de"], true);
        check("From: evil@e.de (ceo@firm.de)", &["evil@e.de"], true);
        check("From: <ceo@firm.de> <evil@e.de>", &["ceo@firm.de"], true);
        check("From: board: a@b.de;", &["a@b.de"], true);
        check("From: Bob <bob@b.de", &["bob@b.de"], true);
        check("From: Bob", &[], true);
        check("From: ceo@firm.de\0 <evil@e.de>", &["evil@e.de"], true);
    }
}
