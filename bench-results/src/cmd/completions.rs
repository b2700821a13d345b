//! `gclab completions`: a completion script for a shell.

use anyhow::Result;
use clap::{Args, Command};
use clap_complete::{Shell, generate};

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gclab completions bash > ~/.local/share/bash-completion/completions/gclab")]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn run(arguments: Arguments, mut program: Command) -> Result<()> {
    let mut script = Vec::new();
    generate(arguments.shell, &mut program, "gclab", &mut script);
    super::print(&String::from_utf8_lossy(&script))
}
