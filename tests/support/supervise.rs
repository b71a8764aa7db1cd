//! The supervisor as a program of its own, so that the core can be tested without any Python.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    temporal_devserver::supervisor::main(&arguments)
}
