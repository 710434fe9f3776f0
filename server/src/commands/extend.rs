//! `sealmill extend`: lift files that are signed already, by anyone, to a higher level.

use super::one_off::{self, COMMAND_LINE};
use super::submit::{self, Work};
use crate::cli::Extend;
use anyhow::bail;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the command.
pub fn run(arguments: &Extend, as_json: bool) -> anyhow::Result<ExitCode> {
    if arguments.original.is_some() && arguments.files.len() > 1 {
        bail!("--original belongs to one detached signature; give one file");
    }
    let mut config = one_off::config(arguments.config.as_deref())?;
    let level = one_off::level(arguments.level);
    let mut text = format!("[[profile]]\nname = {COMMAND_LINE:?}\nformat = \"extended\"\nlevel = \"{level}\"\n");
    text += &one_off::add_stamps(&mut config, &arguments.stamps)?;
    let profile = one_off::profile(&text)?.resolve(&config.home, None).map_err(anyhow::Error::msg)?;
    let work = Work {
        config,
        profile: Arc::new(profile),
        files: arguments.files.clone(),
        together: false,
        original: arguments.original.clone(),
        output: arguments.output.clone(),
    };
    submit::run(work, as_json)
}
