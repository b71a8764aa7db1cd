//! The command line: what is typed, what is printed, and which code it ends with.
//!
//! Invariant: nothing prints outside this module. A mistake is one clear line on standard error that ends with what to do; a
//! reader that went away (`| head`) ends the command quietly.

mod args;
mod doctor;
mod logs;
mod query;
mod run;
mod show;
mod wait;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};

use clap::Parser as _;
use clap::error::ErrorKind;
use serde_json::{Value, json};

use crate::cli::args::{Arguments, Command};
use crate::error::Error;
use crate::session::Host;

/// Exit codes, for scripts; a command run by `run` has its own.
pub(crate) const OK: u8 = 0;
/// Something went wrong.
const FAILED: u8 = 1;
/// The command line is wrong.
const USAGE: u8 = 2;
/// The server does not run.
const NOT_RUNNING: u8 = 3;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It cannot be done.
    Error(Error),
    /// Nobody reads any more, or the output cannot be written.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// What a command came to.
#[derive(Debug)]
pub enum Ended {
    /// It is over, with this exit code.
    Code(u8),
    /// What only Python can do is left: `{"install": {...}}`, as [`args::Install`] has it; or `{"missing": error}`, where a server
    /// has no executable and an installation would help.
    Left(Value),
}

/// Runs the command line (without the program's name).
pub fn run(arguments: &[OsString], host: Host) -> Ended {
    let named = std::iter::once(OsStr::new("temporal-devserver"))
        .chain(arguments.iter().map(OsString::as_os_str));
    let parsed = match Arguments::try_parse_from(named) {
        Ok(parsed) => parsed,
        Err(error) => {
            let is_wanted = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            error.print().ok();
            return Ended::Code(if is_wanted { OK } else { USAGE });
        }
    };
    let ended = match parsed.command {
        Command::Run(run) => run::run(&run, host),
        Command::Status(which) => query::status(&which),
        Command::List(list) => query::list(&list),
        Command::Stop(stop) => query::stop(&stop),
        Command::Logs(which) => logs::logs(&which),
        Command::Doctor(asked) => doctor::doctor(asked.name, asked.json, host),
        Command::Install(install) => return Ended::Left(json!({ "install": install })),
    };
    Ended::Code(match ended {
        Ok(code) => code,
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => OK,
        Err(Failure::Output(error)) => complain(&error, FAILED),
        Err(Failure::Error(error)) if error.installable().is_some() => {
            return Ended::Left(json!({ "missing": error.worded() }));
        }
        Err(Failure::Error(error)) => complain(&error, exit_code(&error)),
    })
}

/// Returns the exit code that stands for an error.
fn exit_code(error: &Error) -> u8 {
    match error {
        Error::Config { .. } => USAGE,
        Error::NotRunning { .. } => NOT_RUNNING,
        _ => FAILED,
    }
}

fn complain(problem: &dyn std::fmt::Display, code: u8) -> u8 {
    warn(problem);
    code
}

/// Tells a person what is wrong; a closed standard error is no reason to stop.
fn warn(problem: &dyn std::fmt::Display) {
    writeln!(io::stderr(), "temporal-devserver: {problem}").ok();
}

/// Prints one line.
pub(crate) fn say(line: &dyn std::fmt::Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
