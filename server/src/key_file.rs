//! A software signer whose file is read when it is needed: a missing file or a wrong password keeps one signer down, with
//! its reason, and it comes up without a restart once the file is right.

use crate::config::SoftwareConfig;
use crate::secret;
use model::TokenSerial;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use token::{
    Fault, FoundKey, LoggedIn, LoginFailed, LoginLedger, LoginRefused, Pin, Session, SoftwareToken, Token, TokenInfo,
    VerifiedPin,
};

/// The token around one key file.
pub struct KeyFile {
    serial: TokenSerial,
    home: PathBuf,
    config: SoftwareConfig,
    loaded: OnceLock<SoftwareToken>,
}

impl KeyFile {
    /// For a signer of the configuration in `home`.
    pub fn new(config: &SoftwareConfig, home: &Path) -> Self {
        let serial = TokenSerial(format!("soft:{}", config.name.get_ref()).into());
        Self { serial, home: home.to_owned(), config: config.clone(), loaded: OnceLock::new() }
    }

    fn get(&self) -> Result<&SoftwareToken, Fault> {
        if let Some(token) = self.loaded.get() {
            return Ok(token);
        }
        let token = self.load().map_err(Fault::Request)?;
        Ok(self.loaded.get_or_init(|| token))
    }

    fn load(&self) -> Result<SoftwareToken, String> {
        let config = &self.config;
        let name = config.name.get_ref();
        let read = |path: &Path| {
            let path = self.home.join(path);
            std::fs::read(&path).map_err(|error| format!("{} cannot be read: {error}", path.display()))
        };
        let password = match (&config.password_file, &config.password_env) {
            (Some(file), _) => Some(secret::from_file(&self.home.join(file))?),
            (None, Some(variable)) => Some(secret::from_environment(variable)?),
            (None, None) => None,
        };
        let token = match (&config.pkcs12, &config.key, &config.certificates) {
            (Some(pkcs12), ..) => {
                let password = password.unwrap_or_else(|| SecretString::from(String::new()));
                SoftwareToken::from_pkcs12(name, &read(pkcs12)?, &password)
            }
            (None, Some(key), Some(certificates)) => {
                SoftwareToken::from_pem(name, &read(key)?, password.as_ref(), &read(certificates)?)
            }
            _ => return Err("neither pkcs12 nor key and certificates are given".to_owned()),
        };
        token.map_err(|error| error.to_string())
    }
}

impl Token for KeyFile {
    fn serial(&self) -> &TokenSerial {
        &self.serial
    }

    fn present(&self) -> Result<TokenInfo, Fault> {
        self.get()?.present()
    }

    fn login(&self, ledger: &dyn LoginLedger, pin: Pin) -> Result<(LoggedIn, VerifiedPin), LoginFailed<Pin>> {
        match self.get() {
            Ok(token) => token.login(ledger, pin),
            Err(fault) => Err(LoginFailed { refused: LoginRefused::Fault(fault), pin: Some(pin) }),
        }
    }

    fn login_again(
        &self,
        ledger: &dyn LoginLedger,
        pin: VerifiedPin,
    ) -> Result<(LoggedIn, VerifiedPin), LoginFailed<VerifiedPin>> {
        match self.get() {
            Ok(token) => token.login_again(ledger, pin),
            Err(fault) => Err(LoginFailed { refused: LoginRefused::Fault(fault), pin: Some(pin) }),
        }
    }

    fn keys(&self, proof: &LoggedIn) -> Result<Vec<FoundKey>, Fault> {
        self.get()?.keys(proof)
    }

    fn open_session(&self) -> Result<Box<dyn Session>, Fault> {
        self.get()?.open_session()
    }

    fn reset(&self) {}

    fn isolated(&self) -> bool {
        false
    }
}
