//! Short-lived children of the supervisor: run to their end, output read, never left behind.
//!
//! Invariant: they are spawned as the server is, so they die with the supervisor and inherit the same locks.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::time::Duration;

use nix::sys::memfd::{MFdFlags, memfd_create};
use tokio::time::timeout;

use super::server::{Exit, ServerCommand, ServerProcess};

use crate::failpoint;

/// Most output that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Runs a program to its end and returns how it ended and what it printed; killed after `limit`.
pub async fn run(
    program: &Path,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    inherit: Vec<BorrowedFd<'_>>,
    limit: Duration,
) -> io::Result<(Exit, String)> {
    failpoint::pass("oneshot.output")?;
    let mut output = File::from(memfd_create(c"output", MFdFlags::MFD_CLOEXEC)?);
    let command = ServerCommand {
        program,
        args,
        env,
        log: &output,
        inherit,
        umask: 0o077,
    };
    let mut child = ServerProcess::spawn(&command)?;
    let ended = timeout(limit, child.exited()).await;
    if ended.is_err() {
        child.kill_group();
        child.exited().await?;
    }
    let exit = child.reap().unwrap_or(Exit::Unknown);
    if ended.is_err() {
        return Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no end within {} s", limit.as_secs_f64()),
        ));
    }
    let mut text = Vec::new();
    failpoint::pass("oneshot.read")?;
    output.rewind()?;
    output.take(LONGEST).read_to_end(&mut text)?;
    Ok((exit, String::from_utf8_lossy(&text).into_owned()))
}
