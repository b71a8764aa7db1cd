//! The server process: spawned by the supervisor's main thread, bound to it for life and death.
//!
//! Invariant: the group is signalled only while its leader is unreaped, for the unreaped leader pins the group's number:
//! pidfd readable, then `killpg`, then reap. The death signal follows the *thread* that spawned, hence the main thread.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd, BorrowedFd};
use std::path::Path;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use super::death::{self, Death};
use super::identity::{ProcessIdentity, stat};
use crate::failpoint;
use crate::sys::{self, Bond, Program};

/// How much sooner than its neighbours the server is taken when memory runs out: sooner than supervisor and user's tests.
const OOM_SCORE: i32 = 300;

/// What to run, and what it may keep of the supervisor.
#[derive(Debug)]
pub struct ServerCommand<'a> {
    /// Absolute path of the executable.
    pub program: &'a Path,
    /// Its arguments, without the program itself.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub env: Vec<(OsString, OsString)>,
    /// File opened for appending that becomes its standard output and error.
    pub log: &'a File,
    /// Locks that must be held for as long as it lives; all other descriptors are closed.
    pub inherit: Vec<BorrowedFd<'a>>,
    /// File mode creation mask of the user.
    pub umask: u32,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// It was killed by the signal of this name.
    Signal(String),
    /// It is gone, but somebody else took its status.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(name) => write!(f, "killed by {name}"),
            Self::Unknown => f.write_str("exit status unknown"),
        }
    }
}

/// A spawned server. Dropping it kills the whole group.
#[derive(Debug)]
#[must_use]
pub struct ServerProcess {
    identity: ProcessIdentity,
    leader: Pid,
    death: Death,
    exit: Option<Exit>,
}

impl ServerProcess {
    /// Spawns the server in a process group of its own; on the main thread, within the runtime.
    pub fn spawn(command: &ServerCommand<'_>) -> io::Result<Self> {
        let mut argv = vec![command.program.as_os_str().to_owned()];
        argv.extend_from_slice(&command.args);
        let program = Program::new(&argv, &command.env)?;
        failpoint::pass("server.open_null")?;
        let null = File::open("/dev/null")?;
        let log = command.log.as_fd();
        let keep: Vec<_> = command.inherit.iter().map(AsRawFd::as_raw_fd).collect();
        let bond = Bond::Child {
            umask: command.umask,
        };
        let leader = sys::spawn(&program, [null.as_fd(), log, log], &keep, bond)?;
        let identity = failpoint::pass("server.identify").ok();
        let identity = identity.and_then(|()| ProcessIdentity::of_child(leader.as_raw()));
        let Some(identity) = identity else {
            drop(kill_and_reap(leader));
            return Err(io::Error::other("/proc does not show our own child"));
        };
        prefer_for_oom(leader);
        Ok(Self {
            identity,
            leader,
            death: Death::of_child(leader),
            exit: None,
        })
    }

    /// Returns who the leader is: the process that was spawned.
    pub fn identity(&self) -> &ProcessIdentity {
        &self.identity
    }

    /// Tells whether a debugger is attached, so that it may stand still.
    pub(crate) fn is_traced(&self) -> bool {
        self.identity.is_traced()
    }

    /// Tells whether the leader was stopped by a signal; one that a debugger holds is not.
    pub(crate) fn is_stopped(&self) -> bool {
        stat(self.pid()).is_some_and(|stat| stat.state == 'T')
    }

    /// Returns the leader's pid, which is the group's number.
    pub fn pid(&self) -> i32 {
        self.leader.as_raw()
    }

    /// Returns once the leader is dead. It is not reaped yet: call [`Self::reap`].
    ///
    /// # Cancel safety
    /// Cancel safe: death is a state, not an event.
    pub async fn exited(&self) -> io::Result<()> {
        if self.exit.is_some() {
            return Ok(());
        }
        self.death.wait().await
    }

    /// Kills whatever is left of the group, reaps the leader and returns how it ended; None while the leader lives.
    pub fn reap(&mut self) -> Option<Exit> {
        if self.exit.is_none() && death::is_dead(self.leader) {
            self.exit = Some(kill_and_reap(self.leader));
        }
        self.exit.clone()
    }

    /// Sends SIGKILL to the group.
    pub fn kill_group(&self) {
        self.signal(Signal::SIGKILL);
    }

    /// Asks the group to end: SIGTERM, then SIGCONT, for a stopped process takes no SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
        self.signal(Signal::SIGCONT);
    }

    /// Stops the group.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets the group go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Signals the group, unless the leader was reaped: then the number may be another's.
    fn signal(&self, signal: Signal) {
        failpoint::pass("server.signal").ok();
        if self.exit.is_none() {
            // An empty group (ESRCH) or one of other users (EPERM, a set-uid wrapper) is no affair of ours.
            killpg(self.leader, signal).ok();
        }
    }
}

impl Drop for ServerProcess {
    /// Kills; the reaping is left to [`super::strays::reap_strays`] or to the end of the supervisor.
    fn drop(&mut self) {
        self.kill_group();
    }
}

/// Kills the group of an unreaped leader, then reaps the leader.
fn kill_and_reap(leader: Pid) -> Exit {
    failpoint::pass("server.kill").ok();
    killpg(leader, Signal::SIGKILL).ok();
    failpoint::pass("server.reap").ok();
    loop {
        return match waitid(Id::Pid(leader), WaitPidFlag::WEXITED) {
            Err(nix::Error::EINTR) => continue,
            Ok(WaitStatus::Exited(_, code)) => Exit::Code(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => Exit::Signal(signal.as_str().to_owned()),
            _ => Exit::Unknown,
        };
    }
}

/// Raises the out-of-memory score above ours; best effort, raising needs no privilege.
fn prefer_for_oom(pid: Pid) {
    let path = format!("/proc/{pid}/oom_score_adj");
    let inherited = fs::read_to_string(&path).unwrap_or_default();
    if let Ok(score) = inherited.trim().parse::<i32>() {
        fs::write(&path, (score + OOM_SCORE).min(1000).to_string()).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn an_exit_reads_well() {
        assert_eq!(Exit::Code(1).to_string(), "exit code 1");
        let killed = Exit::Signal("SIGKILL".to_owned());
        assert_eq!(killed.to_string(), "killed by SIGKILL");
        assert_eq!(
            serde_json::to_string(&killed).unwrap(),
            r#"{"signal":"SIGKILL"}"#
        );
    }
}
