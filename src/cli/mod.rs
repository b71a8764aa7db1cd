//! The command line: what is typed, what is printed, and which code it ends with.
//!
//! Invariant: nothing prints outside this module. A mistake is one clear line on standard error that ends with what to do; a
//! reader that went away (`| head`) ends the command quietly.

mod args;
mod asked;
mod changed;
mod completions;
mod data;
mod doctor;
mod events;
mod logs;
mod namespaces;
mod options;
mod prometheus;
mod query;
mod run;
mod show;
mod since;
mod start;
mod terminal;
mod ui;
mod version;
mod wait;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};

use clap::Parser as _;
use clap::error::ErrorKind;
use serde_json::{Value, json};

use crate::cli::args::{Arguments, Command};
use crate::cli::completions::completions;
use crate::error::{Error, Problem};
use crate::session::Host;

/// What we are called.
const PROGRAM: &str = "temporal-devserver";

/// Exit codes, for scripts; a command run by `run` has its own.
pub(crate) const OK: u8 = 0;
/// Something went wrong.
const FAILED: u8 = 1;
/// The command line is wrong.
const USAGE: u8 = 2;
/// The server does not run.
const NOT_RUNNING: u8 = 3;
/// What is left as exit code where a signal ended it, plus the number of the signal.
const SIGNALLED: u8 = 128;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It cannot be done.
    Error(Error),
    /// Nobody reads any more, or the output cannot be written.
    Output(io::Error),
    /// The machine will not.
    System(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// What a command came to.
#[derive(Debug)]
pub enum Ended {
    /// It is over, with this exit code.
    Code(u8),
    /// What only Python can do is left: `{"install": {...}}`, as `args::Install` has it; or `{"missing": error}`, where a server
    /// has no executable and an installation would help.
    Left(Value),
}

/// Runs the command line (without the program's name).
pub fn run(arguments: &[OsString], host: Host) -> Ended {
    terminal::open_standard_streams();
    let named =
        std::iter::once(OsStr::new(PROGRAM)).chain(arguments.iter().map(OsString::as_os_str));
    let ended = match Arguments::try_parse_from(named) {
        Ok(parsed) => perform(parsed.command, host),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp => print(error.to_string().as_bytes()).map(|()| Ended::Code(OK)),
            ErrorKind::DisplayVersion => version::version(&host).map(Ended::Code),
            _ => {
                error.print().ok();
                return Ended::Code(USAGE);
            }
        },
    };
    let failure = match ended {
        Ok(ended) => return ended,
        Err(failure) => failure,
    };
    Ended::Code(match failure {
        Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => OK,
        Failure::Output(error) => remedied(
            &Problem::of("the output cannot be written", &error),
            "see where it goes",
        ),
        Failure::System(error) => remedied(
            &Problem::of("the machine refuses", &error),
            "see that no limit is in the way (`ulimit -a`)",
        ),
        Failure::Error(error) if error.installable().is_some() => {
            return Ended::Left(json!({ "missing": error.worded() }));
        }
        Failure::Error(error) => complain(&error, exit_code(&error)),
    })
}

fn perform(command: Command, host: Host) -> Result<Ended, Failure> {
    let code = match command {
        Command::Run(run) => run::run(&run, host),
        Command::Start(start) => start::start(&start, host),
        Command::Stop(stop) => query::stop(&stop),
        Command::Restart(which) => changed::restart(&which),
        Command::Status(which) => query::status(&which),
        Command::List(list) => query::list(&list),
        Command::Logs(which) => logs::logs(&which),
        Command::Doctor(asked) => doctor::doctor(asked.name, asked.json, host),
        Command::Events(which) => events::events(&which),
        Command::Ui(which) => ui::ui(&which),
        Command::Reset(reset) => data::reset(&reset),
        Command::Snapshot(snapshot) => data::snapshot(&snapshot),
        Command::Restore(restore) => data::restore(&restore),
        Command::Namespace(what) => namespaces::namespace(what),
        Command::Completions(which) => print(completions(which.shell).as_bytes()).map(|()| OK),
        Command::Install(install) => return Ok(Ended::Left(json!({ "install": install }))),
    };
    code.map(Ended::Code)
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

/// Tells a person of a problem with the machine, and what to do about it.
fn remedied(problem: &Problem, otherwise: &str) -> u8 {
    complain(&format!("{problem}; {}", problem.remedy(otherwise)), FAILED)
}

/// Tells a person what is wrong; a closed standard error is no reason to stop.
fn warn(problem: &dyn std::fmt::Display) {
    writeln!(io::stderr(), "temporal-devserver: {problem}").ok();
}

/// Prints one line.
pub(crate) fn say(line: &dyn std::fmt::Display) -> Result<(), Failure> {
    print(format!("{line}\n").as_bytes())
}

/// Prints this as it is.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(Failure::Output)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    const DOCUMENT: &str = include_str!("../../docs/cli.md");

    /// Every command that does something, with the words that name it.
    fn commands(above: &clap::Command, path: &str) -> Vec<(String, clap::Command)> {
        let below = above.get_subcommands().flat_map(|command| {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                commands(command, &path)
            } else {
                vec![(path, command.clone())]
            }
        });
        below.collect()
    }

    fn has_word(text: &str, word: &str) -> bool {
        let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
        text.split(is_end).any(|part| part == word)
    }

    #[test]
    fn every_command_and_every_flag_is_documented() {
        let all = commands(&Arguments::command(), PROGRAM);
        let options = DOCUMENT.split("## ").nth(1).unwrap();
        for (path, command) in &all {
            let begin = format!("| `{path} ");
            let row = DOCUMENT.lines().find(|line| line.starts_with(&begin));
            let row = row.unwrap_or_else(|| panic!("docs/cli.md has no line for {path}"));
            let place = if row.contains("[OPTIONS]") {
                format!("{row}{options}")
            } else {
                row.to_owned()
            };
            for flag in command.get_arguments().filter(|flag| !flag.is_positional()) {
                let long = format!("--{}", flag.get_long().unwrap());
                assert!(has_word(&place, &long), "docs/cli.md: {path} {long}");
                let short = flag.get_short().map(|short| format!("-{short}"));
                assert!(
                    short.is_none_or(|short| has_word(&place, &short)),
                    "{path} {long}"
                );
            }
        }
        let rows = DOCUMENT
            .lines()
            .filter(|line| line.starts_with("| `temporal-devserver "));
        // `--version` is no command.
        assert_eq!(rows.count(), all.len() + 1);
    }

    #[test]
    fn every_help_has_an_example_that_is_one_of_that_command() {
        let mut all = commands(&Arguments::command(), PROGRAM);
        all.push((PROGRAM.to_owned(), Arguments::command()));
        for (path, mut command) in all {
            let help = command.render_long_help().to_string();
            assert!(help.contains(&format!("Example: {path}")), "{path}: {help}");
            assert!(command.get_about().is_some(), "{path}");
            for argument in command.get_arguments() {
                assert!(argument.get_help().is_some(), "{path} {argument}");
            }
        }
    }

    #[test]
    fn every_exit_code_is_documented_and_told_in_the_help() {
        let codes = [OK, FAILED, USAGE, NOT_RUNNING, SIGNALLED];
        let (_, table) = DOCUMENT.split_once("| exit code | meaning |").unwrap();
        let rows = table
            .lines()
            .take_while(|line| !line.starts_with('#'))
            .filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
        let documented: Vec<&str> = rows
            .map(|(code, _)| code)
            .filter(|code| *code != "---")
            .collect();
        let expected = codes.map(|code| match code {
            SIGNALLED => format!("{SIGNALLED} + N"),
            code => code.to_string(),
        });
        assert_eq!(documented, expected);
        let help = Arguments::command().render_help().to_string();
        let (_, told) = help.split_once("Exit codes: ").unwrap();
        for code in expected {
            assert!(told.contains(&format!("{code} ")), "{code}: {told}");
        }
    }
}
