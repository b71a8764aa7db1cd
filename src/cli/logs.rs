//! `logs`: shows the server's log, and follows it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;

use crate::cli::args::Logs;
use crate::cli::query::{ask, existing};
use crate::cli::since::{Since, written_at};
use crate::cli::wait::{Signals, end_at_ctrl_c, wait};
use crate::cli::{Failure, OK};
use crate::control::message::Request;
use crate::error::Error;
use crate::paths::SERVER_LOG;
use crate::session::Wait;

/// Between two looks at a log that is followed; a file does not tell when it grows.
const PAUSE: Duration = Duration::from_millis(200);

/// Shows the log of a server.
pub(crate) fn logs(which: &Logs) -> Result<u8, Failure> {
    let dir = existing(&which.name)?;
    let failed = |error| Failure::Error(dir.directory().failure(SERVER_LOG, &error));
    let open = || dir.directory().open_file(SERVER_LOG, OFlag::O_RDONLY);
    end_at_ctrl_c()?;
    let mut file = open().map_err(failed)?;
    let mut out = io::stdout().lock();
    if let Some(since) = which.since {
        skip_until(&mut file, since)?;
    }
    if let Some(lines) = which.tail {
        skip_to_last(&mut file, lines)?;
    }
    io::copy(&mut file, &mut out).map_err(Failure::Output)?;
    out.flush().map_err(Failure::Output)?;
    if which.follow {
        let signals = Signals::take(&[Signal::SIGINT, Signal::SIGTERM])?;
        let mut is_over = false;
        while signals.next().is_none() {
            let copied = io::copy(&mut file, &mut out).map_err(Failure::Output)?;
            out.flush().map_err(Failure::Output)?;
            if copied > 0 {
                continue;
            }
            // Looked at once more after the end was seen: what the server wrote last is shown, too.
            if is_over {
                break;
            }
            is_over = ask(Arc::clone(&dir), &which.name, Request::Status).is_err_and(|error| {
                matches!(
                    error,
                    Error::NotRunning { .. } | Error::SupervisorLost { .. }
                )
            });
            // One that has grown large was cut.
            if file.metadata()?.len() < file.stream_position()? {
                file.rewind()?;
                continue;
            }
            match open() {
                Ok(newer) if newer.metadata()?.ino() != file.metadata()?.ino() => file = newer,
                _ => wait(Some(&signals), &[Wait::pause(PAUSE)])?,
            }
        }
    }
    Ok(OK)
}

/// Goes to the first line that was written at that time or later; what follows without a time of its own belongs to it.
fn skip_until(file: &mut File, since: Since) -> io::Result<()> {
    let start = file.stream_position()?;
    let is_late = |line: &[u8]| written_at(line).is_some_and(|time| time >= since.0);
    let mut skipped = 0;
    for_each_line(BufReader::new(&*file), |line| {
        let is_found = is_late(line);
        skipped += if is_found { 0 } else { line.len() as u64 };
        !is_found
    })?;
    file.seek(SeekFrom::Start(start + skipped))?;
    Ok(())
}

/// Goes to the last lines of what is left.
fn skip_to_last(file: &mut File, lines: usize) -> io::Result<()> {
    let start = file.stream_position()?;
    let mut total = 0;
    for_each_line(BufReader::new(&*file), |_| {
        total += 1;
        true
    })?;
    file.seek(SeekFrom::Start(start))?;
    let (mut skipped, mut left) = (0, total - lines.min(total));
    for_each_line(BufReader::new(&*file), |line| {
        if left > 0 {
            left -= 1;
            skipped += line.len() as u64;
        }
        left > 0
    })?;
    file.seek(SeekFrom::Start(start + skipped))?;
    Ok(())
}

/// Shows each line, its end included, until that is enough.
fn for_each_line(
    mut reader: impl BufRead,
    mut goes_on: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let mut line = vec![];
    while reader.read_until(b'\n', &mut line)? > 0 && goes_on(&line) {
        line.clear();
    }
    Ok(())
}
