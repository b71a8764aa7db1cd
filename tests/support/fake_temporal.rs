//! A server that looks like `temporal server start-dev` and misbehaves on demand, so that faults can be tested.
//!
//! Invariant: what it does unasked is what the real one does; `the_fake_behaves_like_the_real_server` compares the two.
//! Faults are asked for by the variable `FAKE_TEMPORAL` (see [`fake::misbehaviour`]), for the real one has no such flags.

use std::process::ExitCode;

use std::io::{self, Write as _};

mod fake;

use fake::arguments::{self, Command};

fn main() -> ExitCode {
    match arguments::parse(std::env::args().skip(1)) {
        Ok(Command::Version) => print("temporal version 9.9.9 (Server 9.9.9, UI 9.9.9)"),
        Ok(Command::Help) => print(&arguments::help()),
        Ok(Command::Serve(options)) => fake::run(options).unwrap_or_else(|error| refuse(&error)),
        // Why, the manual, and why again.
        Err(error) => {
            refuse(&error);
            print(&arguments::help());
            refuse(&error)
        }
    }
}

fn print(line: &str) -> ExitCode {
    match writeln!(io::stdout(), "{line}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn refuse(error: &str) -> ExitCode {
    drop(writeln!(io::stderr(), "Error: {error}"));
    ExitCode::FAILURE
}
