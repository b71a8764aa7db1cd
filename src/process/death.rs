//! Waits for the death of a child of ours, told by the kernel and without reaping it.
//!
//! A pidfd becomes readable when its process has died, zombie included, and stays so. Where pidfds are refused, SIGCHLD
//! takes their place. In both cases `waitid` with WNOWAIT has the last word, so a spurious wake-up means nothing.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};

use crate::sys;

/// A watch over one unreaped child.
#[derive(Debug)]
pub(crate) struct Death {
    pid: Pid,
    pidfd: Option<AsyncFd<OwnedFd>>,
}

impl Death {
    /// Watches a child; must be called within the runtime.
    pub(crate) fn of_child(pid: Pid) -> Self {
        // Whatever goes wrong here, the child runs and must be watched.
        let pidfd = sys::pidfd_open(pid.as_raw()).and_then(sys::watch_readable);
        let pidfd = pidfd.ok();
        Self { pid, pidfd }
    }

    /// Watches a child by SIGCHLD alone, as where pidfds are refused.
    #[cfg(test)]
    fn by_signal(pid: Pid) -> Self {
        Self { pid, pidfd: None }
    }

    /// Returns once the child is dead; it stays a zombie.
    ///
    /// # Cancel safety
    /// Cancel safe: death is a state, not an event.
    pub(crate) async fn wait(&self) -> io::Result<()> {
        if let Some(pidfd) = &self.pidfd {
            drop(pidfd.readable().await?);
            if is_dead(self.pid) {
                return Ok(());
            }
        }
        // Before the first look, so that no death falls between look and wait.
        let mut deaths = signal(SignalKind::child())?;
        while !is_dead(self.pid) {
            deaths.recv().await;
        }
        Ok(())
    }
}

/// Tells whether a child of ours has died, or is not ours any more. Does not reap it.
pub(crate) fn is_dead(pid: Pid) -> bool {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(pid), look), Ok(WaitStatus::StillAlive))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    async fn sees_the_death(watch: impl Fn(Pid) -> Death) {
        let mut child = Command::new("sleep").arg("300").spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let death = watch(pid);
        let early = tokio::time::timeout(Duration::from_millis(50), death.wait()).await;
        assert!(early.is_err(), "a living child was called dead");
        child.kill().unwrap();
        for _ in 0..2 {
            let late = tokio::time::timeout(Duration::from_secs(10), death.wait()).await;
            late.unwrap().unwrap();
        }
        assert!(!child.wait().unwrap().success(), "it was reaped");
    }

    #[tokio::test]
    async fn a_pidfd_tells_the_death() {
        sees_the_death(Death::of_child).await;
    }

    #[tokio::test]
    async fn without_pidfds_the_signal_tells_it() {
        sees_the_death(Death::by_signal).await;
    }
}
