//! `sealmill timestamp`: time stamps over files, each in a file of its own.

use super::one_off::{self, COMMAND_LINE};
use super::submit::{self, Work};
use crate::cli::Timestamp;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the command.
pub fn run(arguments: &Timestamp, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut config = one_off::config(arguments.config.as_deref())?;
    let mut text = format!("[[profile]]\nname = {COMMAND_LINE:?}\nformat = \"timestamp\"\n");
    text += &one_off::add_stamps(&mut config, &arguments.stamps)?;
    let profile = one_off::profile(&text)?.resolve(&config.home, None).map_err(anyhow::Error::msg)?;
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
