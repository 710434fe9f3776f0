//! A handshake of each protocol before the first stranger comes: an OpenSSL that was built without SSL 3.0 accepts every
//! setting and then refuses every client, and a certificate may not suit the suites.

use crate::config::Config;
use crate::protocol::Protocol;
use crate::tls;
use openssl::ssl::{Ssl, SslContext, SslContextRef, SslMethod, SslVerifyMode};
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// More than any machine needs; a bound so that a start never hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails with the name of the first protocol that does not come about.
pub(crate) fn every_protocol(config: &Config, context: &SslContext) -> Result<(), String> {
    for protocol in &config.protocols {
        rehearse(config, context, *protocol)
            .map_err(|error| format!("{} does not come about in a rehearsal: {error}", protocol.title()))?;
    }
    Ok(())
}

fn rehearse(config: &Config, context: &SslContext, protocol: Protocol) -> io::Result<()> {
    let mut client = tls::restricted(SslMethod::tls_client(), &[protocol], &config.suites)?;
    client.set_verify(SslVerifyMode::NONE);
    let (near, far) = pair()?;
    let client = client.build();
    let client = std::thread::Builder::new().spawn(move || {
        Ssl::new(&client).map_err(io::Error::from).and_then(|ssl| ssl.connect(far).map_err(io::Error::other)).map(drop)
    })?;
    let served = server(context)?.accept(near);
    let _ = client.join(); // what went wrong is told better by the server's side
    let version = served.map_err(io::Error::other)?.ssl().version2();
    if version == Some(protocol.version()) { Ok(()) } else { Err(io::Error::other("another protocol was spoken")) }
}

/// As for a stranger, but nobody has to show a certificate.
fn server(context: &SslContextRef) -> io::Result<Ssl> {
    let mut ssl = Ssl::new(context)?;
    ssl.set_verify(SslVerifyMode::NONE);
    Ok(ssl)
}

fn pair() -> io::Result<(UnixStream, UnixStream)> {
    let (near, far) = UnixStream::pair()?;
    for end in [&near, &far] {
        end.set_read_timeout(Some(PATIENCE))?;
        end.set_write_timeout(Some(PATIENCE))?;
    }
    Ok((near, far))
}
