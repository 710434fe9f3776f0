//! The header with the caller's name and password (WS-Security UsernameToken profile 1.0): read, not believed.
//!
//! Whoever believes it checks that it is fresh and was not seen before, and the password.

use crate::fault::Fault;
use crate::read::base64::Base64;
use crate::value::{Moment, Secret};
use model::Time;
use std::time::Duration;

/// A name and a password from the header of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct UsernameToken {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret,
    /// Bytes that are never the same twice.
    pub nonce: Option<Vec<u8>>,
    /// When the token was made.
    pub created: Option<Moment>,
    /// When the message was made, as its own time stamp says.
    pub message_created: Option<Moment>,
    /// When the message ends.
    pub message_expires: Option<Moment>,
}

impl UsernameToken {
    /// How far the caller's clock may be off, and for how long a nonce has to be remembered, twice over.
    pub const WINDOW: Duration = Duration::from_secs(300);

    /// Whether the token was made now, as far as it says when.
    pub fn check_fresh(&self, now: Time) -> Result<(), Fault> {
        let expired =
            || Err(Fault::security("MessageExpired", "the message is too old, or the clocks differ too much"));
        let far = |moment: &Moment| moment.0.since(now) > Self::WINDOW || now.since(moment.0) > Self::WINDOW;
        if self.created.iter().chain(&self.message_created).any(far) {
            return expired();
        }
        match self.message_expires {
            Some(expires) if now.since(expires.0) > Self::WINDOW => expired(),
            _ => Ok(()),
        }
    }

    /// What must not be seen twice within [`Self::WINDOW`] before and after: name, nonce and time. `None`: the token has no
    /// nonce.
    pub fn replay_key(&self) -> Option<(String, Vec<u8>, Option<Moment>)> {
        self.nonce.clone().map(|nonce| (self.user.clone(), nonce, self.created))
    }
}

/// Of WS-Security.
pub(super) const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
/// Of its utilities.
pub(super) const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const PASSWORD_TEXT: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordText";
const NONCE_BASE64: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

const TEXT_BYTES_MAX: usize = 4_096;
const NONCE_BYTES_MAX: usize = 256;

/// Reads one header.
#[derive(Debug, Default)]
pub(super) struct Security {
    open: Vec<Place>,
    text: String,
    token: Option<Fields>,
    stamp: Option<(Option<Moment>, Option<Moment>)>,
}

#[derive(Debug, Default)]
struct Fields {
    user: Option<String>,
    password: Option<Secret>,
    nonce: Option<Vec<u8>>,
    created: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Token,
    Stamp,
    User,
    Password,
    Nonce,
    Created,
    Expires,
}

impl Security {
    /// Enters an element of the header; `kind`: what its attribute says about its value.
    pub(super) fn enter(&mut self, namespace: &str, local: &str, kind: Option<&str>) -> Result<(), Fault> {
        self.text.clear();
        let place = match (self.open.as_slice(), namespace, local) {
            ([], WSSE, "UsernameToken") => {
                if self.token.replace(Fields::default()).is_some() {
                    return Err(invalid("there is more than one name and password"));
                }
                Place::Token
            }
            ([], WSU, "Timestamp") => {
                if self.stamp.replace((None, None)).is_some() {
                    return Err(invalid("there is more than one time stamp"));
                }
                Place::Stamp
            }
            ([], _, _) => {
                let sentence = "only a name and password is understood as a security token";
                return Err(Fault::security("UnsupportedSecurityToken", sentence));
            }
            ([Place::Token], WSSE, "Username") => Place::User,
            ([Place::Token], WSSE, "Password") => {
                if kind.is_some_and(|kind| kind != PASSWORD_TEXT) {
                    let sentence = "a digest of a password cannot be checked; send the password as text over TLS";
                    return Err(Fault::security("UnsupportedSecurityToken", sentence));
                }
                Place::Password
            }
            ([Place::Token], WSSE, "Nonce") => {
                if kind.is_some_and(|kind| kind != NONCE_BASE64) {
                    return Err(invalid("the nonce is not in base64"));
                }
                Place::Nonce
            }
            ([Place::Token] | [Place::Stamp], WSU, "Created") => Place::Created,
            ([Place::Stamp], WSU, "Expires") => Place::Expires,
            _ => return Err(invalid("there is an element that is not expected")),
        };
        self.open.push(place);
        Ok(())
    }

    /// Takes text.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Fault> {
        if self.text.len() + text.len() > TEXT_BYTES_MAX {
            return Err(invalid("a text is too long"));
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Leaves an element of the header.
    pub(super) fn leave(&mut self) -> Result<(), Fault> {
        let text = std::mem::take(&mut self.text);
        let place = self.open.pop();
        let in_stamp = self.open.last() == Some(&Place::Stamp);
        let twice = match (place, &mut self.token, &mut self.stamp) {
            (Some(Place::User), Some(token), _) => token.user.replace(text).is_some(),
            (Some(Place::Password), Some(token), _) => token.password.replace(Secret::new(&text)).is_some(),
            (Some(Place::Nonce), Some(token), _) => token.nonce.replace(nonce(&text)?).is_some(),
            (Some(Place::Created), _, Some((created, _))) if in_stamp => created.replace(moment(&text)?).is_some(),
            (Some(Place::Created), Some(token), _) => token.created.replace(moment(&text)?).is_some(),
            (Some(Place::Expires), _, Some((_, expires))) => expires.replace(moment(&text)?).is_some(),
            _ => false,
        };
        if twice { Err(invalid("an element is there twice")) } else { Ok(()) }
    }

    /// What the header says. `None`: nothing about who calls.
    pub(super) fn finish(self) -> Result<Option<UsernameToken>, Fault> {
        let Some(token) = self.token else { return Ok(None) };
        let (message_created, message_expires) = self.stamp.unwrap_or_default();
        let user = token.user.ok_or_else(|| invalid("the name is missing"))?;
        let password = token.password.ok_or_else(|| invalid("the password is missing"))?;
        let (nonce, created) = (token.nonce, token.created);
        Ok(Some(UsernameToken { user, password, nonce, created, message_created, message_expires }))
    }
}

fn nonce(text: &str) -> Result<Vec<u8>, Fault> {
    let mut base64 = Base64::default();
    let mut bytes = Vec::new();
    base64.push::<Fault>(text.as_bytes(), &mut |more| {
        bytes.extend_from_slice(more);
        Ok(())
    })?;
    base64.finish()?;
    let fits = !bytes.is_empty() && bytes.len() <= NONCE_BYTES_MAX;
    if fits { Ok(bytes) } else { Err(invalid("the nonce is empty or too long")) }
}

fn moment(text: &str) -> Result<Moment, Fault> {
    Moment::parse(text.trim()).ok_or_else(|| invalid("a time is not one"))
}

fn invalid(sentence: &str) -> Fault {
    Fault::security("InvalidSecurity", format!("the security header is malformed: {sentence}"))
}
