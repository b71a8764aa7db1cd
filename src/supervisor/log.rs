//! The supervisor's own log, and the tail of the server's.
//!
//! Invariant: both are plain files opened for appending; no pipe, so that no slow or dead reader ever blocks a writer.

use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Mutex;

use nix::fcntl::OFlag;
use tracing::field::Field;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::directory::Directory;
use crate::error::Result;
use crate::log_choice::{LogChoice, VARIABLE};
use crate::paths::SUPERVISOR_LOG;
use crate::supervisor::rotation::rotate;

/// Lines of a tail.
const LINES: usize = 20;

/// Bytes that a tail looks at.
const WINDOW: u64 = 16 << 10;

/// Sends our own log lines to the supervisor's log; [`VARIABLE`] says which, and how.
pub(crate) fn install(directory: &Directory) -> Result<()> {
    // A defect must not leave a supervisor half alive: it dies, the server with it, and the clients bring both back.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!("the supervisor has a defect: {panic}");
        std::process::abort();
    }));
    let file = Mutex::new(open(directory, SUPERVISOR_LOG)?);
    // Who started us has looked at it; should it be another one by now, no server is worth less for that.
    let (choice, wrong) = match LogChoice::of(std::env::var_os(VARIABLE).as_deref()) {
        Ok(choice) => (choice, None),
        Err(error) => (LogChoice::default(), Some(error)),
    };
    let targets = Targets::new()
        .with_default(choice.level)
        .with_targets(choice.parts.clone());
    let lines = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(file);
    if choice.is_json {
        let lines = lines.json().flatten_event(true);
        let lines = lines.with_current_span(false).with_span_list(false);
        lines.finish().with(targets).try_init().ok();
    } else {
        let lines = lines.with_ansi(false).fmt_fields(debug_fn(write_field));
        // Whoever singles out parts wants to know which part says what.
        let lines = lines.with_target(!choice.parts.is_empty());
        lines.finish().with(targets).try_init().ok();
    }
    if let Some(error) = wrong {
        tracing::warn!(%error, "what is to be logged could not be understood");
    }
    Ok(())
}

/// Writes one field of a line of text, the sentence first. What an event is called is for programs: the sentence says it.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        "event" => Ok(()),
        name => write!(writer, " {name}={value:?}"),
    }
}

/// Opens a log for appending.
pub(crate) fn open(directory: &Directory, name: &str) -> Result<File> {
    rotate(directory, name);
    directory.open_log(name)
}

/// Returns the last lines of a log, none from before `offset`.
pub(crate) fn tail(directory: &Directory, name: &str, offset: u64) -> Vec<String> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = directory.open_file(name, OFlag::O_RDONLY)?;
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(
            end.saturating_sub(WINDOW).max(offset.min(end)),
        ))?;
        let mut bytes = vec![];
        file.take(WINDOW).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = String::from_utf8_lossy(&read().unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(LINES)..]
        .iter()
        .map(ToString::to_string)
        .collect()
}
