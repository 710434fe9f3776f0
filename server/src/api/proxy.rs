//! The header by which `sealmill-legacy-tls` hands a connection over: PROXY protocol, version 2.
//!
//! | what | where |
//! |---|---|
//! | the client's address | TCP over IPv4 or IPv6; UNSPEC and LOCAL: the program itself calls, for a health check |
//! | protocol and suite | `PP2_TYPE_SSL` (0x20) with `PP2_SUBTYPE_SSL_VERSION` (0x21) and `PP2_SUBTYPE_SSL_CIPHER` (0x23) |
//! | the client's certificate | 0xE0, of the range for own use (0xE0 to 0xEF): DER, only if the client has shown its key |
//!
//! Reads foreign bytes within bounds; whether the certificate counts is decided elsewhere.

use model::limits;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The type of the field that carries the client's certificate.
pub const TYPE_CLIENT_CERTIFICATE: u8 = 0xE0;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
const TYPE_SSL: u8 = 0x20;
const SUBTYPE_SSL_VERSION: u8 = 0x21;
const SUBTYPE_SSL_CIPHER: u8 = 0x23;
/// `PP2_CLIENT_CERT_CONN` or `PP2_CLIENT_CERT_SESS`: the client has shown a certificate.
const CLIENT_CERTIFICATE_SHOWN: u8 = 0x02 | 0x04;
const CLIENT_TLS: u8 = 0x01;

/// Whom a connection was handed over for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The client's address; `None`: the program that hands over speaks for itself.
    pub address: Option<IpAddr>,
    /// TLS version, as the other program names it.
    pub version: Option<String>,
    /// Suite, as the other program names it.
    pub cipher: Option<String>,
    /// DER of the client's certificate.
    pub certificate: Option<Arc<[u8]>>,
}

impl Handover {
    /// Version and suite, for logs.
    pub fn protocol(&self) -> Option<String> {
        let version = self.version.as_deref()?;
        Some(format!("{version} {}", self.cipher.as_deref().unwrap_or("unknown suite")))
    }
}

/// A header that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The stream ended or failed.
    #[error("the header of the handover does not come: {0}")]
    Stream(#[from] std::io::Error),
    /// It is no header of this protocol, or one of another version.
    #[error("the header of the handover is wrong: {0}")]
    Wrong(&'static str),
}

/// Reads the header, and nothing behind it.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Handover, Fault> {
    let mut fixed = [0; 16];
    stream.read_exact(&mut fixed).await?;
    let length = usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if length > limits::PROXY_HEADER_BYTES_MAX {
        return Err(Fault::Wrong("longer than allowed"));
    }
    let mut rest = vec![0; length];
    if !fixed.starts_with(SIGNATURE) {
        return Err(Fault::Wrong("no PROXY protocol"));
    }
    stream.read_exact(&mut rest).await?;
    parse(fixed[12], fixed[13], &rest).map_err(Fault::Wrong)
}

/// What the bytes behind the signature say.
fn parse(version_and_command: u8, family: u8, mut rest: &[u8]) -> Result<Handover, &'static str> {
    if version_and_command >> 4 != 2 {
        return Err("another version than 2");
    }
    let is_local = match version_and_command & 0x0f {
        0 => true,
        1 => false,
        _ => return Err("unknown command"),
    };
    let address = match family {
        0x11 => Some(IpAddr::V4(Ipv4Addr::from(*addresses::<4, 12>(&mut rest)?))),
        0x21 => Some(IpAddr::V6(Ipv6Addr::from(*addresses::<16, 36>(&mut rest)?))),
        0x00 if is_local => None,
        _ => return Err("another address than TCP over IPv4 or IPv6"),
    };
    if is_local {
        // Whatever else it says is to be ignored (section 2.2).
        return Ok(Handover { address: None, version: None, cipher: None, certificate: None });
    }
    let mut handover = Handover { address, version: None, cipher: None, certificate: None };
    let (mut shown, mut certificate) = (false, None);
    while let Some((kind, value)) = field(&mut rest)? {
        match kind {
            TYPE_SSL => shown |= read_ssl(value, &mut handover)?,
            TYPE_CLIENT_CERTIFICATE if certificate.is_some() => return Err("two certificates"),
            TYPE_CLIENT_CERTIFICATE if value.len() > limits::CLIENT_CERTIFICATE_BYTES_MAX => {
                return Err("the certificate is too long");
            }
            TYPE_CLIENT_CERTIFICATE => certificate = Some(Arc::from(value)),
            _ => {} // section 2.2: unknown types are skipped
        }
    }
    if certificate.is_some() && !shown {
        return Err("a certificate that the client has not shown");
    }
    handover.certificate = certificate;
    Ok(handover)
}

/// The client's address, which stands first of `ALL` bytes of addresses and ports.
fn addresses<'b, const ONE: usize, const ALL: usize>(rest: &mut &'b [u8]) -> Result<&'b [u8; ONE], &'static str> {
    let (all, behind) = rest.split_first_chunk::<ALL>().ok_or("addresses are cut off")?;
    *rest = behind;
    all.first_chunk::<ONE>().ok_or("addresses are cut off")
}

/// The next type, length and value.
fn field<'b>(rest: &mut &'b [u8]) -> Result<Option<(u8, &'b [u8])>, &'static str> {
    if rest.is_empty() {
        return Ok(None);
    }
    let ([kind, high, low], behind) = rest.split_first_chunk::<3>().ok_or("a field is cut off")?;
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let (value, behind) = behind.split_at_checked(length).ok_or("a field is cut off")?;
    *rest = behind;
    Ok(Some((*kind, value)))
}

/// Whether the client has shown a certificate whose key it holds.
fn read_ssl(value: &[u8], handover: &mut Handover) -> Result<bool, &'static str> {
    let ([client, _verify @ ..], mut rest) = value.split_first_chunk::<5>().ok_or("the TLS field is cut off")?;
    while let Some((kind, value)) = field(&mut rest)? {
        let text =
            || value.iter().take(64).filter(|byte| byte.is_ascii_graphic()).map(|byte| char::from(*byte)).collect();
        match kind {
            SUBTYPE_SSL_VERSION => handover.version = Some(text()),
            SUBTYPE_SSL_CIPHER => handover.cipher = Some(text()),
            _ => {}
        }
    }
    // "verify" says whether the other side believes the certificate. Ours believes none and never says 0; that the client
    // holds the key is said by the bits.
    Ok(client & CLIENT_TLS != 0 && client & CLIENT_CERTIFICATE_SHOWN != 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
        let mut out = vec![kind];
        out.extend((value.len() as u16).to_be_bytes());
        out.extend(value);
        out
    }

    fn ssl(client: u8, verify: u32) -> Vec<u8> {
        let mut value = vec![client];
        value.extend(verify.to_be_bytes());
        value.extend(tlv(SUBTYPE_SSL_VERSION, b"SSLv3"));
        value.extend(tlv(SUBTYPE_SSL_CIPHER, b"DES-CBC3-SHA"));
        tlv(TYPE_SSL, &value)
    }

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut out = SIGNATURE.to_vec();
        out.extend([0x20 | command, family]);
        out.extend((rest.len() as u16).to_be_bytes());
        out.extend(rest);
        out
    }

    const FOUR: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x1f, 0x90, 0x62, 0x0c];

    fn check(bytes: &[u8]) -> Result<Handover, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { read(&mut &bytes[..]).await.map_err(|fault| fault.to_string()) })
    }

    #[test]
    fn address_suite_and_certificate_come_over() {
        let rest = [&FOUR[..], &ssl(0x03, 0), &tlv(0xE0, b"certificate"), &tlv(0xEA, b"unknown")].concat();
        let mut bytes = header(1, 0x11, &rest);
        bytes.extend(b"POST / HTTP/1.1\r\n");
        let handover = check(&bytes).unwrap();
        assert_eq!(handover.address, Some(IpAddr::from([192, 0, 2, 7])));
        assert_eq!(handover.protocol().as_deref(), Some("SSLv3 DES-CBC3-SHA"));
        assert_eq!(handover.certificate.as_deref(), Some(&b"certificate"[..]));
        let six = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[9], &[0; 16], &[0, 1, 0, 2]].concat();
        assert_eq!(check(&header(1, 0x21, &six)).unwrap().address, Some("2001:db8::9".parse().unwrap()));
    }

    #[test]
    fn a_local_connection_speaks_for_nobody() {
        let rest = [&FOUR[..], &ssl(0x03, 0), &tlv(0xE0, b"certificate")].concat();
        for bytes in [header(0, 0x00, &[]), header(0, 0x11, &rest)] {
            let handover = check(&bytes).unwrap();
            assert_eq!((handover.address, handover.certificate), (None, None));
        }
    }

    #[test]
    fn a_certificate_counts_only_if_its_key_was_shown() {
        for client in [0x00, 0x01, 0x02] {
            let rest = [&FOUR[..], &ssl(client, 1), &tlv(0xE0, b"certificate")].concat();
            assert!(check(&header(1, 0x11, &rest)).unwrap_err().contains("has not shown"), "{client}");
        }
        // Shown on this connection, or when its session was made; not judged by the other side.
        for client in [0x03, 0x05, 0x07] {
            let rest = [&FOUR[..], &ssl(client, 1), &tlv(0xE0, b"certificate")].concat();
            assert!(check(&header(1, 0x11, &rest)).unwrap().certificate.is_some(), "{client}");
        }
        let without = [&FOUR[..], &tlv(0xE0, b"certificate")].concat();
        assert!(check(&header(1, 0x11, &without)).unwrap_err().contains("has not shown"));
    }

    #[test]
    fn what_is_wrong_is_refused_with_a_reason() {
        let good = header(1, 0x11, &[&FOUR[..], &ssl(0x03, 0), &tlv(0xE0, b"certificate")].concat());
        for length in 0..good.len() {
            assert!(check(&good[..length]).is_err(), "cut at {length}");
        }
        let two = [&FOUR[..], &ssl(3, 0), &tlv(0xE0, b"a"), &tlv(0xE0, b"b")].concat();
        for (bytes, why) in [
            (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(), "no PROXY protocol"),
            ([&SIGNATURE[..], &[0x11, 0x11, 0, 0]].concat(), "another version"),
            (header(2, 0x11, &FOUR), "unknown command"),
            (header(1, 0x31, &[0; 216]), "another address"),
            (header(1, 0x12, &FOUR), "another address"),
            (header(1, 0x00, &[]), "another address"),
            (header(1, 0x11, &FOUR[..11]), "addresses are cut off"),
            (header(1, 0x11, &[&FOUR[..], &[0xE0, 0, 9, 1]].concat()), "a field is cut off"),
            (header(1, 0x11, &two), "two certificates"),
            (header(1, 0x11, &[&FOUR[..], &tlv(TYPE_SSL, &[1, 0])].concat()), "the TLS field is cut off"),
        ] {
            let said = check(&bytes).unwrap_err();
            assert!(said.contains(why), "{said} instead of {why}");
        }
    }
}
