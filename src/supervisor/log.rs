//! The supervisor's own log, and the tail of the server's.
//!
//! Invariant: both are plain files opened for appending; no pipe, so that no slow or dead reader ever blocks a writer.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Mutex;

use nix::fcntl::OFlag;
use tracing::level_filters::LevelFilter;

use crate::directory::Directory;
use crate::error::Result;
use crate::paths::SUPERVISOR_LOG;
use crate::supervisor::rotation::rotate;

/// Lines of a tail.
const LINES: usize = 20;

/// Bytes that a tail looks at.
const WINDOW: u64 = 16 << 10;

/// Sends our own log lines to the supervisor's log; `TEMPORAL_DEVSERVER_LOG` sets the level.
pub(crate) fn install(directory: &Directory) -> Result<()> {
    // A defect must not leave a supervisor half alive: it dies, the server with it, and the clients bring both back.
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!("the supervisor has a defect: {panic}");
        std::process::abort();
    }));
    let level = std::env::var("TEMPORAL_DEVSERVER_LOG")
        .ok()
        .and_then(|level| level.parse().ok());
    let file = open(directory, SUPERVISOR_LOG)?;
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_target(false)
        .with_max_level(level.unwrap_or(LevelFilter::INFO))
        .with_writer(Mutex::new(file));
    subscriber.try_init().ok();
    Ok(())
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
