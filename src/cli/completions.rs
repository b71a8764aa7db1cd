//! `completions`: what a shell reads to complete our commands; derived from the commands themselves.

use clap::CommandFactory as _;
use clap_complete::generate;
use clap_complete::shells::{Bash, Fish, Zsh};

use crate::cli::PROGRAM;
use crate::cli::args::{Arguments, Shell};

/// Our name for the generator of bash's script (4.6), which spells one with a hyphen in two ways and then finds no command.
const BASH_NAME: &str = "temporal_devserver";

/// Returns the script for a shell.
pub(crate) fn completions(shell: Shell) -> String {
    let (mut command, mut script) = (Arguments::command(), vec![]);
    let out = &mut script;
    match shell {
        Shell::Bash => generate(Bash, &mut command, BASH_NAME, out),
        Shell::Zsh => generate(Zsh, &mut command, PROGRAM, out),
        Shell::Fish => generate(Fish, &mut command, PROGRAM, out),
    }
    let script = String::from_utf8_lossy(&script);
    // Where the shell is told whose completions they are.
    script.replace(&format!(" {BASH_NAME}\n"), &format!(" {PROGRAM}\n"))
}
