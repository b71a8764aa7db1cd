//! Whether a person is there: colours, questions, and the three streams that every program counts on.
//!
//! The kernel fact: a new descriptor is the lowest number that is free. Where we are started with standard output closed, a
//! socket of ours would be it, and what is printed would go to the supervisor.

use std::fs::OpenOptions;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::os::fd::{AsRawFd as _, IntoRawFd as _};

use crate::cli::Failure;

/// Opens what is closed of the three standard streams.
pub(crate) fn open_standard_streams() {
    while let Ok(null) = OpenOptions::new().read(true).write(true).open("/dev/null") {
        if null.as_raw_fd() > 2 {
            return;
        }
        // Stays open, as a stream does.
        let _stream = null.into_raw_fd();
    }
}

/// Tells whether what is printed may have colours.
pub(crate) fn has_colours() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// Tells whether somebody can be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question whose answer is no unless it is yes.
pub(crate) fn ask(question: &str) -> Result<bool, Failure> {
    write!(io::stderr(), "{question} [y/N] ")?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// A colour of a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Colour {
    Green = 32,
    Yellow = 33,
    Red = 31,
}

/// Returns text in a colour.
pub(crate) fn coloured(text: &str, colour: Colour) -> String {
    format!("\x1b[{}m{text}\x1b[0m", colour as u8)
}
