//! `sealmill encrypt`: encrypt files for recipients' certificates. Needs no key.

use super::one_off::{self, COMMAND_LINE};
use super::submit::{self, Work};
use crate::certificates;
use crate::cli::{CipherName, Encrypt, RsaName};
use formats::envelope::Recipients;
use model::profile::{ContentCipher, EncryptionOptions, Format, RsaKeyTransport};
use model::{Clock, Profile, SystemClock};
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the command.
pub fn run(arguments: &Encrypt, as_json: bool) -> anyhow::Result<ExitCode> {
    let options = options(arguments)?;
    // Known before the first file is touched: nothing can be encrypted for an unfit or expired certificate.
    Recipients::new(&options)?.begin(0, SystemClock.now())?;
    let mut config = one_off::config(arguments.config.as_deref())?;
    // No key is needed, so none is asked for.
    config.token.clear();
    config.software.clear();
    config.pool.clear();
    let profile =
        Profile { encryption: Some(options), ..Profile::plain(COMMAND_LINE, COMMAND_LINE, Format::Encrypted) };
    let work = Work {
        config,
        profile: Arc::new(profile),
        files: arguments.files.clone(),
        together: false,
        original: None,
        output: arguments.output.clone(),
    };
    submit::run(work, as_json)
}

fn options(arguments: &Encrypt) -> anyhow::Result<EncryptionOptions> {
    let mut recipients = Vec::new();
    for file in &arguments.recipients {
        recipients.extend(certificates::from_file(file).map_err(anyhow::Error::msg)?);
    }
    let cipher = match arguments.cipher {
        CipherName::Aes128Cbc => ContentCipher::Aes128Cbc,
        CipherName::Aes256Cbc => ContentCipher::Aes256Cbc,
        CipherName::Aes128Gcm => ContentCipher::Aes128Gcm,
        CipherName::Aes256Gcm => ContentCipher::Aes256Gcm,
    };
    let rsa = match arguments.rsa {
        RsaName::Oaep => RsaKeyTransport::Oaep,
        RsaName::Pkcs1 => RsaKeyTransport::Pkcs1,
    };
    Ok(EncryptionOptions { recipients, cipher, rsa })
}
