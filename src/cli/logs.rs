//! `logs`: shows the server's log, and follows it.

use std::io::{self, BufRead as _, BufReader, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::signal::Signal;

use crate::cli::args::Logs;
use crate::cli::query::{ask, existing};
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
    if let Some(lines) = which.tail {
        let total = BufReader::new(&file).split(b'\n').count();
        file.rewind()?;
        let last = BufReader::new(&file)
            .split(b'\n')
            .skip(total.saturating_sub(lines));
        for line in last {
            out.write_all(&line?)?;
            out.write_all(b"\n")?;
        }
    } else {
        io::copy(&mut file, &mut out)?;
    }
    out.flush()?;
    if which.follow {
        let signals = Signals::take(&[Signal::SIGINT, Signal::SIGTERM])?;
        let mut is_over = false;
        while signals.next().is_none() {
            let copied = io::copy(&mut file, &mut out)?;
            out.flush()?;
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
