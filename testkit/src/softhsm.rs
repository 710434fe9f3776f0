//! PKCS#11 tokens made of SoftHSM in a temporary folder: real C_Login, real C_Sign, no card.
//!
//! Owns the folder; its tokens are gone when it is dropped. A process finds them by `SOFTHSM2_CONF`, nothing else:
//! give it to a child process ([`crate::tools::again_in_child`]), since no test may change its own environment.

use crate::pki::{Identity, KeyKind};
use crate::tools;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A SoftHSM installation of its own, with any number of tokens.
pub struct SoftHsm {
    folder: tempfile::TempDir,
    module: PathBuf,
}

impl SoftHsm {
    /// An installation without tokens.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("testkit-softhsm-").tempdir()?;
        std::fs::create_dir(folder.path().join("tokens"))?;
        std::fs::create_dir(folder.path().join("away"))?;
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = true\n",
            folder.path().join("tokens").display()
        );
        std::fs::write(folder.path().join("softhsm2.conf"), text)?;
        Ok(Self { folder, module: module()? })
    }

    /// One installation with one token that holds these signers; what most tests want.
    pub fn with_token(label: &str, signers: &[&Identity]) -> Result<(Self, Token)> {
        let hsm = Self::new()?;
        let token = hsm.token(label)?;
        for signer in signers {
            token.import(signer)?;
        }
        Ok((hsm, token))
    }

    /// Initialises a token; user PIN and security officer PIN are made from its label.
    pub fn token(&self, label: &str) -> Result<Token> {
        let tokens = self.folder.path().join("tokens");
        let before = folders(&tokens)?;
        let (pin, so_pin) = (format!("pin-{label}"), format!("so-{label}"));
        self.tool("softhsm2-util", &["--init-token", "--free", "--label", label, "--pin", &pin, "--so-pin", &so_pin])?;
        let name = folders(&tokens)?.into_iter().find(|name| !before.contains(name));
        let name = name.context("softhsm2-util made no token folder")?;
        let serial = serial_of(&self.tool("softhsm2-util", &["--show-slots"])?, label)?;
        Ok(Token {
            label: label.to_owned(),
            serial,
            pin,
            so_pin,
            folder: tokens.join(&name),
            away: self.folder.path().join("away").join(&name),
            configuration: self.configuration(),
            module: self.module.clone(),
        })
    }

    /// Path of libsofthsm2.so.
    pub fn module(&self) -> &Path {
        &self.module
    }

    /// Path of softhsm2.conf: the value of `SOFTHSM2_CONF`.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    /// The environment of a process that shall see these tokens.
    pub fn environment(&self) -> [(&'static str, OsString); 1] {
        [("SOFTHSM2_CONF", self.configuration().into_os_string())]
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> Result<String> {
        tools::ok(program, Command::new(program).args(arguments).envs(self.environment()))
    }
}

/// One initialised token.
#[derive(Clone, Debug)]
pub struct Token {
    label: String,
    serial: String,
    pin: String,
    so_pin: String,
    folder: PathBuf,
    away: PathBuf,
    configuration: PathBuf,
    module: PathBuf,
}

impl Token {
    /// Its label.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its serial number, as C_GetTokenInfo gives it without the padding.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// The user PIN.
    pub fn pin(&self) -> &str {
        &self.pin
    }

    /// The security officer's PIN.
    pub fn so_pin(&self) -> &str {
        &self.so_pin
    }

    /// Puts the key and the certificate of a signer on the token, both with the same id and the signer's name as label.
    pub fn import(&self, signer: &Identity) -> Result<()> {
        self.import_key(signer)?;
        self.import_certificate(signer)
    }

    /// Puts the private (and public) key alone on the token.
    pub fn import_key(&self, signer: &Identity) -> Result<()> {
        let file = self.scratch(&signer.key_pem()?)?;
        let (id, label, path) = (id_of(signer), signer.common_name(), file.path().to_string_lossy().into_owned());
        let arguments = ["--import", &path, "--token", &self.label, "--label", &label, "--id", &id, "--pin", &self.pin];
        self.tool("softhsm2-util", &arguments)
    }

    /// Puts somebody who can be encrypted for on the token: a key that may decrypt (RSA) or derive (EC) and not sign.
    pub fn import_recipient(&self, recipient: &Identity) -> Result<()> {
        let file = self.scratch(&recipient.key_pkcs8_der()?)?;
        let (id, label, path) = (id_of(recipient), recipient.common_name(), file.path().to_string_lossy().into_owned());
        let module = self.module.to_string_lossy().into_owned();
        let usage = match recipient.kind() {
            KeyKind::Rsa2048 | KeyKind::Rsa3072 | KeyKind::Rsa4096 => "--usage-decrypt",
            _ => "--usage-derive",
        };
        let login = ["--module", &module, "--token-label", &self.label, "--login", "--pin", &self.pin];
        let object = ["--write-object", &path, "--type", "privkey", usage, "--id", &id, "--label", &label];
        self.tool("pkcs11-tool", &[&login[..], &object[..]].concat())?;
        self.import_certificate(recipient)
    }

    /// Puts the certificate alone on the token.
    pub fn import_certificate(&self, signer: &Identity) -> Result<()> {
        let file = self.scratch(&signer.certificate_der())?;
        let (id, label, path) = (id_of(signer), signer.common_name(), file.path().to_string_lossy().into_owned());
        let module = self.module.to_string_lossy().into_owned();
        let login = ["--module", &module, "--token-label", &self.label, "--login", "--pin", &self.pin];
        let object = ["--write-object", &path, "--type", "cert", "--id", &id, "--label", &label];
        self.tool("pkcs11-tool", &[&login[..], &object[..]].concat())
    }

    /// Takes the token out of its slot: the folder is moved away, as when a card is pulled.
    pub fn move_away(&self) -> Result<()> {
        std::fs::rename(&self.folder, &self.away).with_context(|| format!("move token {} away", self.serial))
    }

    /// Puts the token back.
    pub fn move_back(&self) -> Result<()> {
        std::fs::rename(&self.away, &self.folder).with_context(|| format!("move token {} back", self.serial))
    }

    fn scratch(&self, content: &[u8]) -> Result<tempfile::NamedTempFile> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), content)?;
        Ok(file)
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(program);
        tools::ok(program, command.args(arguments).env("SOFTHSM2_CONF", &self.configuration)).map(drop)
    }
}

/// Where distributions put SoftHSM's library.
pub fn module() -> Result<PathBuf> {
    let places = [
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/local/lib/softhsm/libsofthsm2.so",
    ];
    let found = places.iter().map(PathBuf::from).find(|path| path.exists());
    found.context("libsofthsm2.so is not installed; `make test` installs what the tests need")
}

/// The CKA_ID that [`Token::import`] gives, in hexadecimal: it differs for each signer.
fn id_of(signer: &Identity) -> String {
    let digest = openssl::sha::sha256(&signer.certificate_der());
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn folders(parent: &Path) -> Result<Vec<OsString>> {
    let entries: Result<Vec<_>, _> = std::fs::read_dir(parent)?.map(|entry| entry.map(|e| e.file_name())).collect();
    Ok(entries?)
}

/// Reads `softhsm2-util --show-slots`: within a slot, "Serial number:" stands above "Label:".
fn serial_of(listing: &str, label: &str) -> Result<String> {
    let mut serial = "";
    for line in listing.lines() {
        match line.trim().split_once(':') {
            Some(("Serial number", value)) => serial = value.trim(),
            Some(("Label", value)) if value.trim() == label => return Ok(serial.to_owned()),
            _ => {}
        }
    }
    bail!("softhsm2-util lists no token {label}: {listing}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pki::Pki;

    fn objects(hsm: &SoftHsm, token: &Token) -> Result<String> {
        let module = hsm.module().to_string_lossy().into_owned();
        let arguments = ["--module", &module, "--token-label", token.label(), "--login", "--pin", token.pin(), "-O"];
        hsm.tool("pkcs11-tool", &arguments)
    }

    #[test]
    fn tokens_take_every_key_kind_that_sealmill_signs_with() {
        let pki = Pki::shared();
        let hsm = SoftHsm::new().unwrap();
        let token = hsm.token("Siegel 1").unwrap();
        assert_eq!(token.serial().len(), 16, "{}", token.serial());
        for kind in KeyKind::ALL {
            token.import(&pki.signer(kind).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", kind.name()));
        }
        let listed = objects(&hsm, &token).unwrap();
        assert_eq!(listed.matches("Private Key Object").count(), KeyKind::ALL.len(), "{listed}");
        assert_eq!(listed.matches("Certificate Object").count(), KeyKind::ALL.len(), "{listed}");
    }

    #[test]
    fn a_token_that_is_moved_away_is_gone_and_comes_back() {
        let signer = Pki::shared().signer(KeyKind::P256).unwrap();
        let (hsm, token) = SoftHsm::with_token("Karte", &[&signer]).unwrap();
        let other = hsm.token("Andere").unwrap();
        assert_ne!(token.serial(), other.serial());
        token.move_away().unwrap();
        assert!(objects(&hsm, &token).is_err());
        assert!(objects(&hsm, &other).is_ok());
        token.move_back().unwrap();
        assert!(objects(&hsm, &token).unwrap().contains("Private Key Object"));
    }
}
