//! The TLS context: exactly the protocols and suites of the configuration, everything else off.

use crate::config::{ClientCertificate, Config};
use crate::protocol::{Protocol, Suite};
use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::ssl::{SslContext, SslContextBuilder, SslMethod, SslOptions, SslSessionCacheMode, SslVerifyMode};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Sessions that are remembered, so that an old client need not repeat the costly part on every connection.
const SESSIONS_MAX: i32 = 1024;

/// Length of the key file, in bytes.
const KEY_BYTES_MAX: u64 = 64 * 1024;

/// The context for the listener.
pub(crate) fn context(config: &Config) -> Result<SslContext, String> {
    let key = private_key(&config.key)?;
    let failed = |error: ErrorStack| format!("OpenSSL refuses the set-up: {error}");
    let mut builder = restricted(SslMethod::tls_server(), &config.protocols, &config.suites).map_err(failed)?;
    builder
        .set_certificate_chain_file(&config.certificate)
        .map_err(|error| format!("{} cannot be used: {error}", config.certificate.display()))?;
    let other = |_| format!("{} is not the key of {}", config.key.display(), config.certificate.display());
    builder.set_private_key(&key).and_then(|()| builder.check_private_key()).map_err(other)?;

    // Without a context name, OpenSSL resumes no session of a client that showed a certificate. Tickets did not exist
    // for half of these protocols, and would make the memory of sessions the clients' affair.
    builder.set_session_id_context(b"sealmill-legacy").map_err(failed)?;
    builder.set_session_cache_mode(SslSessionCacheMode::SERVER);
    builder.set_session_cache_size(SESSIONS_MAX);

    let ask = match config.client_certificate {
        ClientCertificate::Never => SslVerifyMode::NONE,
        ClientCertificate::Request => SslVerifyMode::PEER,
        ClientCertificate::Require => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
    };
    // That the client holds the key is proven by the handshake. Whether anybody believes the certificate is for the
    // server to say, which has the trust anchors and the revocation lists.
    builder.set_verify_callback(ask, |_, _| true);
    Ok(builder.build())
}

/// A context that speaks these protocols and suites and no other. A client made of it serves rehearsal and tests.
pub(crate) fn restricted(
    method: SslMethod,
    protocols: &[Protocol],
    suites: &[Suite],
) -> Result<SslContextBuilder, ErrorStack> {
    let mut builder = SslContextBuilder::new(method)?;
    // What these protocols sign with (MD5 and SHA-1) is below every level but this.
    builder.set_security_level(0);
    builder.set_min_proto_version(Some(Protocol::Ssl3.version()))?;
    builder.set_max_proto_version(Some(Protocol::Tls12.version()))?;
    let mut options = SslOptions::NO_TLSV1_3
        | SslOptions::NO_COMPRESSION
        | SslOptions::NO_RENEGOTIATION
        | SslOptions::NO_TICKET
        | SslOptions::CIPHER_SERVER_PREFERENCE;
    for protocol in Protocol::ALL.into_iter().filter(|protocol| !protocols.contains(protocol)) {
        options |= match protocol {
            Protocol::Ssl3 => SslOptions::NO_SSLV3,
            Protocol::Tls10 => SslOptions::NO_TLSV1,
            Protocol::Tls11 => SslOptions::NO_TLSV1_1,
            Protocol::Tls12 => SslOptions::NO_TLSV1_2,
        };
    }
    builder.set_options(options);
    let names: Vec<&str> = suites.iter().map(|suite| suite.openssl_name()).collect();
    builder.set_cipher_list(&names.join(":"))?;
    builder.set_ciphersuites("")?; // those of TLS 1.3
    Ok(builder)
}

fn private_key(path: &Path) -> Result<PKey<Private>, String> {
    let name = path.display();
    let about = std::fs::metadata(path).map_err(|error| format!("{name} cannot be read: {error}"))?;
    if about.permissions().mode() & 0o007 != 0 {
        return Err(format!("{name} holds a private key and can be read or changed by everybody"));
    }
    if about.len() > KEY_BYTES_MAX {
        return Err(format!("{name} is longer than {KEY_BYTES_MAX} bytes"));
    }
    let pem = std::fs::read(path).map_err(|error| format!("{name} cannot be read: {error}"))?;
    // With the callback nobody is asked for a password on a terminal.
    let key = PKey::private_key_from_pem_callback(&pem, |_| Ok(0))
        .map_err(|_| format!("{name} holds no PEM private key without a password"))?;
    if key.id() != Id::RSA {
        return Err(format!("{name} is no RSA key, and all suites of this listener need one"));
    }
    Ok(key)
}
