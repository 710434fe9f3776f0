//! `sealmill decrypt`: open encrypted files with whichever key of theirs is there.

use super::one_off::{self, COMMAND_LINE};
use super::submit::{self, Work};
use crate::cli::Decrypt;
use anyhow::bail;
use model::Profile;
use model::profile::Format;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the command.
pub fn run(arguments: &Decrypt, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut config = one_off::config(arguments.config.as_deref())?;
    let key = &arguments.key;
    if key.pkcs12.is_some() || key.token.is_some() {
        one_off::add_key(&mut config, key)?;
    } else if config.token.is_empty() && config.software.is_empty() {
        bail!("say whose key opens the files: --pkcs12 with --password-file, --token, or --config");
    }
    // Every key of a token may be the one, whatever its signers are; nobody signs here.
    config.token.iter_mut().for_each(|token| token.signer.clear());
    config.pool.clear();
    let work = Work {
        config,
        profile: Arc::new(Profile::plain(COMMAND_LINE, COMMAND_LINE, Format::Decrypted)),
        files: arguments.files.clone(),
        together: false,
        original: None,
        output: arguments.output.clone(),
    };
    submit::run(work, as_json)
}
