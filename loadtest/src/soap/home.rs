//! The server's home for one run: keys, TLS, a user with a certificate and the right to sign, nothing else.

use super::Soap;
use super::client::Target;
use crate::home::parent;
use crate::key::{PASSWORD, SigningKey};
use crate::server::Running;
use anyhow::{Context, Result, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::pki::{Identity, KeyKind};
use testkit::world::{Order, Purpose, World};

/// A home that is removed with this value, unless it is to be kept.
pub(super) struct SoapHome {
    folder: tempfile::TempDir,
    api: SocketAddr,
    world: World,
    client: Identity,
}

impl SoapHome {
    /// Makes folders, keys, configuration and the user.
    pub(super) fn make(arguments: &Soap, key: &SigningKey, program: &Path) -> Result<Self> {
        let parent = parent(arguments.home.as_deref())?;
        let mut folder = tempfile::Builder::new().prefix("sealmill-loadtest-").tempdir_in(&parent)?;
        folder.disable_cleanup(arguments.keep);
        let world = World::offline()?;
        let server = world.issue(&Order::new(Purpose::TlsServer, KeyKind::P256, "localhost"))?;
        let client = world.issue(&Order::new(Purpose::TlsClient, KeyKind::P256, "ERP"))?;
        // The server binds it a moment later; nobody else asks for it in between.
        let api = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let home = Self { folder, api, world, client };
        std::fs::create_dir(home.path("keys"))?;
        std::fs::write(home.path("keys/seal.p12"), key.pkcs12())?;
        std::fs::write(home.path("keys/seal.password"), PASSWORD)?;
        std::fs::write(home.path("keys/api.pem"), server.chain_pem()?)?;
        std::fs::write(home.path("keys/api.key.pem"), server.key_pem()?)?;
        std::fs::write(home.path("keys/client.pem"), home.client.certificate_pem()?)?;
        std::fs::copy(home.world.ca_pem(), home.path("keys/clients-ca.pem"))?;
        std::fs::write(home.configuration(), home.text(arguments))?;
        home.make_user(program)?;
        Ok(home)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.path("sealmill.toml")
    }

    /// Where the server's log goes.
    pub(super) fn log(&self) -> PathBuf {
        self.path("server.log")
    }

    fn text(&self, arguments: &Soap) -> String {
        let mut text = String::from("[store]\npath = \"sealmill.sqlite\"\n\n[metrics]\nlisten = \"\"\n");
        let _ = write!(
            text,
            "\n[api]\nlisten = [\"{}\"]\ncertificate = \"keys/api.pem\"\nkey = \"keys/api.key.pem\"\n\
             client_certificates = \"required\"\nclient_authorities = [\"keys/clients-ca.pem\"]\n\
             requests_max = {max}\nrequests_per_tenant_max = {max}\nrequests_per_user_max = {max}\n",
            self.api,
            max = arguments.requests_max,
        );
        let mut signers = Vec::new();
        for number in 1..=arguments.tokens {
            let _ = writeln!(text, "\n[[software]]\nname = \"seal-{number}\"\npkcs12 = \"keys/seal.p12\"");
            let _ = writeln!(text, "password_file = \"keys/seal.password\"\nsessions = 1");
            signers.push(format!("\"seal-{number}\""));
        }
        let _ = writeln!(text, "\n[[pool]]\nname = \"load\"\nsigners = [{}]", signers.join(", "));
        text += "\n[[profile]]\nname = \"load\"\npool = \"load\"\nformat = \"cms\"\n";
        text
    }

    /// The user of the clients: she may sign with the one profile and nothing else.
    fn make_user(&self, program: &Path) -> Result<()> {
        let certificate = self.path("keys/client.pem");
        let certificate = certificate.to_str().context("the home's path is UTF-8")?;
        for arguments in [
            vec!["user", "create", "erp"],
            vec!["user", "certificate", "add", "erp", certificate],
            vec!["group", "create", "applications"],
            vec!["group", "add", "applications", "erp"],
            vec!["grant", "add", "applications", "sign:load"],
        ] {
            let output = Command::new(program).args(&arguments).arg("--config").arg(self.configuration()).output()?;
            if !output.status.success() {
                bail!("sealmill {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
            }
        }
        Ok(())
    }

    /// How the clients reach the server: TLS 1.3, its certificate checked, with one of their own.
    pub(super) fn target(&self) -> Result<Target> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(self.world.root_der()))?;
        let chain = self.client.chain_der().into_iter().map(CertificateDer::from).collect();
        let key = PrivateKeyDer::from_pem_slice(&self.client.key_pem()?).map_err(|error| anyhow::anyhow!("{error}"))?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)?;
        Ok(Target { address: self.api, tls: Arc::new(tls) })
    }

    /// Until the server takes connections.
    pub(super) fn wait_until_ready(&self, server: &mut Running) -> Result<()> {
        let started = Instant::now();
        while TcpStream::connect(self.api).is_err() {
            server.check(started.elapsed() < PATIENCE)?;
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// The signature in an answer, inline or as an attachment.
pub(super) fn signature_in(body: &[u8]) -> Result<Vec<u8>> {
    let find = |from: usize, what: &[u8]| {
        let rest = body.get(from..).unwrap_or_default();
        rest.windows(what.len()).position(|window| window == what).map(|at| from + at)
    };
    let missing = || format!("no signature in {}", String::from_utf8_lossy(body.get(..500).unwrap_or(body)));
    if let Some(start) = find(0, b"<Signature>").map(|at| at + b"<Signature>".len())
        && let Some(end) = find(start, b"</Signature>")
        && body.get(start) != Some(&b'<')
    {
        return Ok(base64_simd::STANDARD.decode_to_vec(&body[start..end])?);
    }
    // The last part of the message, between its head and the boundary behind it.
    let boundary_end = body.strip_prefix(b"\r\n").unwrap_or(body);
    let boundary = boundary_end.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut parts = Vec::new();
    let mut at = 0;
    while let Some(found) = find(at, boundary).filter(|_| boundary.starts_with(b"--")) {
        parts.push(found);
        at = found + boundary.len();
    }
    let [.., start, end] = parts[..] else { bail!(missing()) };
    let head_end = find(start, b"\r\n\r\n").with_context(missing)? + 4;
    let signature = body.get(head_end..end).with_context(missing)?;
    Ok(signature.strip_suffix(b"\r\n").unwrap_or(signature).to_vec())
}

const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::signature_in;

    #[test]
    fn a_signature_is_found_inline_and_as_an_attachment() {
        let inline = b"<e:Body><signResponse><Signature>MIIB</Signature></signResponse></e:Body>";
        assert_eq!(signature_in(inline).unwrap(), [0x30, 0x82, 0x01]);
        let attached =
            b"--b\r\nContent-Type: application/xop+xml\r\n\r\n<Signature><xop:Include/></Signature>\r\n--b\r\n\
                         Content-ID: <1>\r\n\r\n\x30\x82\r\n\x01\r\n--b--\r\n";
        assert_eq!(signature_in(attached).unwrap(), [0x30, 0x82, b'\r', b'\n', 0x01]);
        assert!(signature_in(b"<fault/>").is_err());
    }
}
