//! The four protocols and five suites that there are here. What is not in these two tables is never spoken.

use openssl::ssl::SslVersion;
use serde::Deserialize;

/// A protocol; TLS 1.3 is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Protocol {
    #[serde(rename = "ssl3")]
    Ssl3,
    #[serde(rename = "tls1.0")]
    Tls10,
    #[serde(rename = "tls1.1")]
    Tls11,
    #[serde(rename = "tls1.2")]
    Tls12,
}

impl Protocol {
    pub(crate) const ALL: [Protocol; 4] = [Protocol::Ssl3, Protocol::Tls10, Protocol::Tls11, Protocol::Tls12];

    /// As people write it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Protocol::Ssl3 => "SSL 3.0",
            Protocol::Tls10 => "TLS 1.0",
            Protocol::Tls11 => "TLS 1.1",
            Protocol::Tls12 => "TLS 1.2",
        }
    }

    pub(crate) fn version(self) -> SslVersion {
        match self {
            Protocol::Ssl3 => SslVersion::SSL3,
            Protocol::Tls10 => SslVersion::TLS1,
            Protocol::Tls11 => SslVersion::TLS1_1,
            Protocol::Tls12 => SslVersion::TLS1_2,
        }
    }
}

/// A cipher suite, by its name in RFC 5246 appendix C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum Suite {
    #[serde(rename = "TLS_RSA_WITH_AES_256_CBC_SHA256")]
    Aes256Sha256,
    #[serde(rename = "TLS_RSA_WITH_AES_128_CBC_SHA256")]
    Aes128Sha256,
    #[serde(rename = "TLS_RSA_WITH_AES_256_CBC_SHA")]
    Aes256Sha,
    #[serde(rename = "TLS_RSA_WITH_AES_128_CBC_SHA")]
    Aes128Sha,
    #[serde(rename = "TLS_RSA_WITH_3DES_EDE_CBC_SHA")]
    TripleDesSha,
}

impl Suite {
    /// The registered name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Suite::Aes256Sha256 => "TLS_RSA_WITH_AES_256_CBC_SHA256",
            Suite::Aes128Sha256 => "TLS_RSA_WITH_AES_128_CBC_SHA256",
            Suite::Aes256Sha => "TLS_RSA_WITH_AES_256_CBC_SHA",
            Suite::Aes128Sha => "TLS_RSA_WITH_AES_128_CBC_SHA",
            Suite::TripleDesSha => "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        }
    }

    /// The name that OpenSSL uses.
    pub(crate) fn openssl_name(self) -> &'static str {
        match self {
            Suite::Aes256Sha256 => "AES256-SHA256",
            Suite::Aes128Sha256 => "AES128-SHA256",
            Suite::Aes256Sha => "AES256-SHA",
            Suite::Aes128Sha => "AES128-SHA",
            Suite::TripleDesSha => "DES-CBC3-SHA",
        }
    }

    /// The suites with SHA-256 came with TLS 1.2.
    pub(crate) fn exists_in(self, protocol: Protocol) -> bool {
        protocol == Protocol::Tls12 || !matches!(self, Suite::Aes256Sha256 | Suite::Aes128Sha256)
    }
}
