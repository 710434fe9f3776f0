//! `sealmill sign`: sign files now and say what became of each.

use super::one_off::{self, COMMAND_LINE, quoted};
use super::submit::{self, Work};
use crate::assemble;
use crate::cli::{DigestName, ExistingName, FormatName, LevelName, ShapeName, Sign, SignatureName};
use crate::config::Config;
use anyhow::bail;
use model::Profile;
use model::profile::ExistingSignatures;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the command.
pub fn run(arguments: &Sign, as_json: bool) -> anyhow::Result<ExitCode> {
    let (config, profile) = plan(arguments)?;
    if arguments.original.is_some() {
        if arguments.files.len() > 1 {
            bail!("--original belongs to one detached signature; give one file");
        }
        if profile.existing == ExistingSignatures::Wrap {
            bail!("--original is for adding a signature to a detached one: with --existing parallel or counter");
        }
    }
    let work = Work {
        config,
        profile,
        files: arguments.files.clone(),
        together: arguments.together,
        original: arguments.original.clone(),
        output: arguments.output.clone(),
    };
    submit::run(work, as_json)
}

/// The configuration to run with and the profile to sign with.
fn plan(arguments: &Sign) -> anyhow::Result<(Config, Arc<Profile>)> {
    let mut config = one_off::config(arguments.config.as_deref())?;
    if let Some(name) = &arguments.profile {
        let profile = assemble::profile(&config, name)?;
        return Ok((config, profile));
    }
    let pool = one_off::add_key(&mut config, &arguments.key)?;
    let mut text = profile(arguments, &pool);
    if arguments.level != LevelName::BB {
        text += &one_off::add_stamps(&mut config, &arguments.stamps)?;
    }
    let profile = one_off::profile(&text)?.resolve(&config.home, None).map_err(anyhow::Error::msg)?;
    Ok((config, Arc::new(profile)))
}

fn profile(arguments: &Sign, pool: &str) -> String {
    let format = match arguments.format {
        Some(FormatName::Cms) => "cms",
        Some(FormatName::Cades) => "cades",
        Some(FormatName::Pdf) => "pdf",
        // PDFs inside, everything else beside: what `make run` does, too.
        Some(FormatName::Pades) | None => "pades",
        Some(FormatName::Xmldsig) => "xmldsig",
        Some(FormatName::Xades) => "xades",
        Some(FormatName::AsicS) => "asic-s",
        Some(FormatName::AsicE) => "asic-e",
    };
    let digest = match arguments.digest {
        DigestName::Sha256 => "SHA-256",
        DigestName::Sha384 => "SHA-384",
        DigestName::Sha512 => "SHA-512",
    };
    let existing = match arguments.existing {
        ExistingName::Wrap => "wrap",
        ExistingName::Parallel => "parallel",
        ExistingName::Counter => "counter",
    };
    // Without a format everything can be signed, so documents that are no PDF get a signature beside them.
    let detached = arguments.detached || arguments.format.is_none();
    let padding = if arguments.pss { "pss" } else { "pkcs1" };
    let level = one_off::level(arguments.level);
    let mut text = format!(
        "[[profile]]\nname = {COMMAND_LINE:?}\npool = {}\nformat = \"{format}\"\ndetached = {detached}\n\
         digest = \"{digest}\"\npadding = \"{padding}\"\nlevel = \"{level}\"\nexisting = \"{existing}\"\n\
         post_quantum = {}\n",
        quoted(pool),
        arguments.post_quantum
    );
    match arguments.format {
        None => text += "otherwise = \"cades\"\n",
        Some(FormatName::Xmldsig | FormatName::Xades) => {
            let shape = match arguments.shape {
                ShapeName::Enveloped => "enveloped",
                ShapeName::Enveloping => "enveloping",
                ShapeName::Detached => "detached",
            };
            text += &format!("shape = \"{shape}\"\n");
        }
        Some(FormatName::AsicS | FormatName::AsicE) => {
            let signature = match arguments.signature {
                SignatureName::Cades => "cades",
                SignatureName::Xades => "xades",
            };
            text += &format!("signature = \"{signature}\"\n");
        }
        Some(FormatName::Cms | FormatName::Cades | FormatName::Pdf | FormatName::Pades) => {}
    }
    text
}
