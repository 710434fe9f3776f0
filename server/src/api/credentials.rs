//! What a request shows before its body: HTTP Basic, the tenant, the certificate of its connection.
//!
//! Reads and checks the form; whether it is right is not decided here.

use super::connection::Peer;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use base64_simd::STANDARD;
use model::{TenantId, UserName};
use secrecy::SecretString;
use std::sync::Arc;

/// What a request shows.
#[derive(Debug)]
pub struct Presented {
    /// The tenant that it names.
    pub tenant: Option<TenantId>,
    /// User and password.
    pub basic: Option<(UserName, SecretString)>,
    /// DER of the certificate whose key the client holds.
    pub certificate: Option<Arc<[u8]>>,
}

/// A header that cannot be what it should be. Says nothing of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// `Authorization`.
    #[error("the header Authorization is there twice, or is no HTTP Basic with a user and a password")]
    Authorization,
    /// `X-AuthorizeOrg`.
    #[error("the header X-AuthorizeOrg is there twice, or is not base64 of a tenant's short name")]
    Tenant,
}

/// The header by which clients of the dialect say whose user they are.
const TENANT: HeaderName = HeaderName::from_static("x-authorizeorg");

/// Longest name or password that is looked at, in characters of base64.
const TEXT_MAX: usize = 4_096;

impl Presented {
    /// Reads the headers of a request.
    pub fn read(headers: &HeaderMap, peer: &Peer) -> Result<Self, BadHeader> {
        let one = |name: &HeaderName, fault: BadHeader| {
            let mut values = headers.get_all(name);
            let first = values.next().map(|value| value.to_str().map_err(|_| fault)).transpose()?;
            if values.next().is_some() { Err(fault) } else { Ok(first) }
        };
        let basic = one(&AUTHORIZATION, BadHeader::Authorization)?;
        let tenant = one(&TENANT, BadHeader::Tenant)?.map(str::trim).filter(|tenant| !tenant.is_empty());
        Ok(Self {
            basic: basic.map(|value| read_basic(value).ok_or(BadHeader::Authorization)).transpose()?,
            tenant: tenant.map(|value| read_tenant(value).ok_or(BadHeader::Tenant)).transpose()?,
            certificate: peer.certificate.clone(),
        })
    }
}

fn read_basic(value: &str) -> Option<(UserName, SecretString)> {
    let (scheme, rest) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = decode(rest.trim())?;
    let (user, password) = text.split_once(':')?;
    Some((UserName::new(user).ok()?, SecretString::from(password)))
}

fn read_tenant(value: &str) -> Option<TenantId> {
    // Short names were written in any case before.
    TenantId::new(&decode(value)?.trim().to_ascii_lowercase()).ok()
}

fn decode(base64: &str) -> Option<String> {
    if base64.len() > TEXT_MAX {
        return None;
    }
    let bytes = STANDARD.decode_to_vec(base64).ok()?;
    // RFC 7617 leaves the encoding open: today UTF-8, before that ISO 8859-1.
    Some(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(other) => other.into_bytes().into_iter().map(char::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::api::connection::Door;
    use actix_web::http::header::HeaderValue;
    use secrecy::ExposeSecret;
    use std::net::{IpAddr, Ipv4Addr};

    fn read(fields: &[(&'static str, &str)]) -> Result<Presented, BadHeader> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        Presented::read(&headers, &Peer::new(Door::Plain, IpAddr::V4(Ipv4Addr::LOCALHOST), None, None))
    }

    fn basic(bytes: &[u8]) -> Option<(String, String)> {
        let value = format!("Basic {}", STANDARD.encode_to_string(bytes));
        let (user, password) = read(&[("authorization", &value)]).ok()?.basic?;
        Some((user.as_str().to_owned(), password.expose_secret().to_owned()))
    }

    #[test]
    fn user_and_password_are_read_in_both_encodings() {
        let pair = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(basic(b"erp:geheim"), pair("erp", "geheim"));
        assert_eq!(basic("Müller:a:b:ü".as_bytes()), pair("Müller", "a:b:ü"));
        assert_eq!(basic(b"M\xfcller:\xfc"), pair("Müller", "ü"));
        assert_eq!(basic(b"erp:"), pair("erp", ""));
    }

    #[test]
    fn what_is_no_basic_is_refused() {
        for bytes in [&b"erp"[..], b":geheim", b" erp:x", b"e\nrp:x", &[b'a'; 4_000]] {
            assert_eq!(basic(bytes), None, "{bytes:?}");
        }
        for value in ["Basic", "Basic !!", "Bearer abc", "Digest username=\"x\"", "ZXJwOng="] {
            assert_eq!(read(&[("authorization", value)]).unwrap_err(), BadHeader::Authorization, "{value}");
        }
        let twice = [("authorization", "Basic ZXJwOng="), ("authorization", "Basic ZXJwOng=")];
        assert_eq!(read(&twice).unwrap_err(), BadHeader::Authorization);
    }

    #[test]
    fn the_tenant_is_read_in_any_case() {
        let tenant = |text: &str| read(&[("x-authorizeorg", &STANDARD.encode_to_string(text))]).map(|read| read.tenant);
        assert_eq!(tenant("acme").unwrap().unwrap().as_str(), "acme");
        assert_eq!(tenant("ACME-2").unwrap().unwrap().as_str(), "acme-2");
        assert_eq!(read(&[]).unwrap().tenant, None);
        for bad in ["../acme", "a' OR 1=1", "ä"] {
            assert_eq!(tenant(bad).unwrap_err(), BadHeader::Tenant, "{bad}");
        }
        assert_eq!(read(&[("x-authorizeorg", "acme!")]).unwrap_err(), BadHeader::Tenant);
    }
}
