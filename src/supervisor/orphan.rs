//! Ends what a killed predecessor left alive, so that its locks become ours.
//!
//! The kernel fact: an inherited flock stays held until the last process that has the open file is gone. So whoever holds
//! `server.lock` while we hold `supervisor.lock` is an orphan of our own; it is found by the lock's inode, never by a name.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::time::sleep;

use crate::error::{Error, Result};
use crate::lock::FileLock;
use crate::paths::ServerDir;
use crate::process::holders::lock_holders_of;
use crate::process::identity::describe;

/// How long a dying process may keep a lock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Between two tries; the kernel does not tell when a lock is free without blocking the thread.
pub(crate) const PAUSE: Duration = Duration::from_millis(5);

/// Takes the lock, killing whoever still holds it.
pub(crate) async fn take_lock(dir: &ServerDir, name: &str) -> Result<FileLock> {
    let began = Instant::now();
    loop {
        if let Some(lock) = dir.try_exclusive(name)? {
            return Ok(lock);
        }
        let (device, inode) = dir.directory().inode(name)?;
        for orphan in lock_holders_of(device, inode) {
            tracing::warn!(
                pid = orphan.pid,
                "killing an orphan that still holds the server's lock"
            );
            orphan.signal(Signal::SIGKILL).ok();
        }
        if began.elapsed() > PATIENCE {
            let holders = lock_holders_of(device, inode);
            let holders: Vec<String> = holders.iter().map(|holder| describe(holder.pid)).collect();
            return Err(Error::StateDir {
                path: dir.path().display().to_string(),
                problem: format!("`{name}` is still held by {}", holders.join(", ")),
                remedy: "end that process".to_owned(),
            });
        }
        sleep(PAUSE).await;
    }
}
