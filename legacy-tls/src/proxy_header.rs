//! The header that goes ahead of each stream: PROXY protocol version 2, as HAProxy's `proxy-protocol.txt` defines it
//! (section 2.2), with the TLV for TLS and one of our own for the client's certificate. Pure: data in, bytes out.

use std::net::SocketAddr;

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Version 2, command PROXY.
const VERSION_AND_COMMAND: u8 = 0x21;
const TCP_OVER_IPV4: u8 = 0x11;
const TCP_OVER_IPV6: u8 = 0x21;

const TYPE_SSL: u8 = 0x20;
const SUBTYPE_VERSION: u8 = 0x21;
const SUBTYPE_COMMON_NAME: u8 = 0x22;
const SUBTYPE_CIPHER: u8 = 0x23;
/// The first of the types that are left to applications.
const TYPE_CERTIFICATE: u8 = 0xE0;

const CLIENT_SSL: u8 = 0x01;
const CLIENT_CERTIFICATE_HERE: u8 = 0x02;
const CLIENT_CERTIFICATE_IN_SESSION: u8 = 0x04;
/// This program judges no certificate; zero would claim that it did.
const NOT_VERIFIED: u32 = 1;

/// What is told about a connection.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) client: SocketAddr,
    pub(crate) listener: SocketAddr,
    /// OpenSSL's name of the protocol: `SSLv3`, `TLSv1`, `TLSv1.1`, `TLSv1.2`.
    pub(crate) version: &'a str,
    /// OpenSSL's name of the suite.
    pub(crate) cipher: &'a str,
    pub(crate) certificate: Option<Certificate>,
}

/// A certificate whose key the client has proven to hold.
#[derive(Debug)]
pub(crate) struct Certificate {
    pub(crate) der: Vec<u8>,
    pub(crate) common_name: Option<Vec<u8>>,
    /// Shown when the session was made, not on this connection.
    pub(crate) resumed: bool,
}

/// The header; `None` if the certificate is too large for one.
pub(crate) fn header(told: &Told<'_>) -> Option<Vec<u8>> {
    let (family, mut body) = match (told.client, told.listener) {
        (SocketAddr::V4(client), SocketAddr::V4(listener)) => {
            (TCP_OVER_IPV4, [client.ip().octets(), listener.ip().octets()].concat())
        }
        (client, listener) => (TCP_OVER_IPV6, [wide(client), wide(listener)].concat()),
    };
    body.extend(told.client.port().to_be_bytes());
    body.extend(told.listener.port().to_be_bytes());

    let mut ssl = vec![client_bits(told.certificate.as_ref())];
    ssl.extend(NOT_VERIFIED.to_be_bytes());
    append(&mut ssl, SUBTYPE_VERSION, told.version.as_bytes())?;
    append(&mut ssl, SUBTYPE_CIPHER, told.cipher.as_bytes())?;
    if let Some(name) = told.certificate.as_ref().and_then(|certificate| certificate.common_name.as_ref()) {
        append(&mut ssl, SUBTYPE_COMMON_NAME, name)?;
    }
    append(&mut body, TYPE_SSL, &ssl)?;
    if let Some(certificate) = &told.certificate {
        append(&mut body, TYPE_CERTIFICATE, &certificate.der)?;
    }

    let mut header = SIGNATURE.to_vec();
    header.extend([VERSION_AND_COMMAND, family]);
    header.extend(u16::try_from(body.len()).ok()?.to_be_bytes());
    header.extend(body);
    Some(header)
}

fn client_bits(certificate: Option<&Certificate>) -> u8 {
    match certificate {
        None => CLIENT_SSL,
        Some(certificate) if certificate.resumed => CLIENT_SSL | CLIENT_CERTIFICATE_IN_SESSION,
        Some(_) => CLIENT_SSL | CLIENT_CERTIFICATE_HERE | CLIENT_CERTIFICATE_IN_SESSION,
    }
}

/// IPv4 as it is written within IPv6.
fn wide(address: SocketAddr) -> [u8; 16] {
    match address {
        SocketAddr::V4(address) => address.ip().to_ipv6_mapped().octets(),
        SocketAddr::V6(address) => address.ip().octets(),
    }
}

fn append(to: &mut Vec<u8>, kind: u8, value: &[u8]) -> Option<()> {
    to.push(kind);
    to.extend(u16::try_from(value.len()).ok()?.to_be_bytes());
    to.extend(value);
    Some(())
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn told(certificate: Option<Certificate>) -> Told<'static> {
        let client = "192.0.2.7:40001".parse().unwrap();
        let listener = "198.51.100.2:25443".parse().unwrap();
        Told { client, listener, version: "SSLv3", cipher: "DES-CBC3-SHA", certificate }
    }

    fn certificate(length: usize) -> Certificate {
        Certificate { der: vec![0x30; length], common_name: Some(b"Kasse 1".to_vec()), resumed: false }
    }

    #[test]
    fn a_connection_without_a_certificate_is_these_bytes() {
        let mut expected = b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec();
        expected.extend([0, 12 + 3 + 5 + 8 + 15]);
        expected.extend([192, 0, 2, 7, 198, 51, 100, 2, 0x9C, 0x41, 0x63, 0x63]);
        expected.extend([0x20, 0, 5 + 8 + 15, 0x01, 0, 0, 0, 1]);
        expected.extend(b"\x21\0\x05SSLv3\x23\0\x0CDES-CBC3-SHA");
        assert_eq!(header(&told(None)).unwrap(), expected);
    }

    #[test]
    fn addresses_of_both_families_share_the_wide_form() {
        let mut told = told(None);
        told.client = "[2001:db8::9]:40001".parse().unwrap();
        let header = header(&told).unwrap();
        assert_eq!(header[13], 0x21);
        assert_eq!(header[16 + 16..16 + 32], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 198, 51, 100, 2]);
    }

    #[test]
    fn a_certificate_that_does_not_fit_makes_no_header() {
        assert!(header(&told(Some(certificate(60_000)))).is_some());
        assert!(header(&told(Some(certificate(65_500)))).is_none());
        assert!(header(&told(Some(certificate(70_000)))).is_none());
    }

    #[test]
    fn a_resumed_session_says_that_the_certificate_is_of_an_earlier_connection() {
        let resumed = Certificate { resumed: true, ..certificate(100) };
        assert_eq!(header(&told(Some(resumed))).unwrap()[16 + 12 + 3], 0x05);
        assert_eq!(header(&told(Some(certificate(100)))).unwrap()[16 + 12 + 3], 0x07);
    }
}
