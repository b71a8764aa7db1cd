//! Gets a lease: attaches to the supervisor of a directory, or spawns one. A step machine that never waits.
//!
//! The kernel facts: whoever holds `spawn.lock` is the only one who may spawn; whoever holds `supervisor.lock` is the only
//! supervisor; both locks go with their holder, however it ends. The socket only tells that somebody is there. So every
//! way in which the socket can fail ends in the locks: queue for `spawn.lock`, connect once more, wait until
//! `supervisor.lock` is free, spawn. The first lease travels with the spawn, so a spawner that dies leaves nothing.

use std::ffi::OsString;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::sys::stat::fstat;

use crate::clock::seconds;
use crate::control::message::{LeaseRequest, Welcome};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::lock::FileLock;
use crate::paths::{CONTROL_SOCKET, SPAWN_LOCK, SUPERVISOR_LOCK, SUPERVISOR_LOG, ServerDir};
use crate::process::detach::{environment, spawn_detached};
use crate::process::holders::lock_holders_of;
use crate::process::identity::{ProcessIdentity, describe};
use crate::session::greet::{HANDSHAKE, signal};
use crate::session::link::{Connected, Link};
use crate::session::registered::Registered;
use crate::state_file::State;

/// Between two looks at a lock; nobody tells a process that does not block when a lock is free.
pub(crate) const PAUSE: Duration = Duration::from_millis(3);

/// Spawns that came to nothing before we give up.
const TRIES: u32 = 5;

/// What to wait for before the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Until this descriptor is readable.
    pub fd: Option<RawFd>,
    /// At the latest until then.
    pub until: Option<Instant>,
}

impl Wait {
    /// Waits for a time.
    pub(crate) fn pause(duration: Duration) -> Self {
        Self {
            fd: None,
            until: Some(Instant::now() + duration),
        }
    }
}

/// What one step came to.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Wait, then call again.
    Wait(Wait),
    /// A supervisor has answered.
    Leased(Link, Welcome),
    /// The life that was to be brought back was ended on purpose meanwhile.
    Stopped,
}

/// How to make a supervisor.
#[derive(Debug, Clone)]
pub(crate) struct Launcher {
    /// Program and arguments; the directory and the lease's descriptor are appended.
    pub argv: Vec<OsString>,
    /// Added to its environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// A launch under way.
#[derive(Debug)]
pub(crate) struct Launch {
    dir: Arc<ServerDir>,
    launcher: Launcher,
    pub request: LeaseRequest,
    /// The life that is to be brought back; none for a start.
    lost: Option<u64>,
    began: Instant,
    /// The start timeout, in seconds.
    limit: f64,
    deadline: Instant,
    pub step: Step,
    /// Held from the failed connect until HELLO is answered.
    pub spawn_lock: Option<Registered<FileLock>>,
    /// The inodes of the pair that the last spawn went with: our end and its.
    pub pair: Option<(u64, u64)>,
    tries: u32,
}

/// Where a launch is.
#[derive(Debug)]
pub(crate) enum Step {
    /// Connect, or find out who is in the way.
    Knock,
    /// HELLO is said; its answer is awaited.
    Greet {
        link: Link,
        supervisor: Option<ProcessIdentity>,
        since: Instant,
        /// When it was told to go on, because it did not answer.
        poked: Option<Instant>,
    },
}

impl Launch {
    /// Begins to launch: a server that is wanted, or again the one whose life `lost` ended by itself.
    pub(crate) fn new(
        dir: Arc<ServerDir>,
        launcher: Launcher,
        request: LeaseRequest,
        lost: Option<u64>,
    ) -> Self {
        let began = Instant::now();
        let deadline = began + seconds(request.start_timeout);
        Self {
            dir,
            launcher,
            limit: request.start_timeout,
            request,
            lost,
            began,
            deadline,
            step: Step::Knock,
            spawn_lock: None,
            pair: None,
            tries: 0,
        }
    }

    /// Returns the connection on which HELLO was said, if so far: to give the lease up again.
    pub(crate) fn into_link(self) -> Option<Link> {
        match self.step {
            Step::Greet { link, .. } => Some(link),
            Step::Knock => None,
        }
    }

    /// Does what can be done now.
    pub(crate) fn advance(&mut self) -> Result<Progress> {
        if self.remaining().is_zero() {
            if let Step::Greet { supervisor, .. } = &self.step {
                // One that only stands still would stand there for ever: it has to see that nobody wants it any more.
                signal(self.silent(supervisor.as_ref()).as_ref(), Signal::SIGCONT);
            }
            return Err(self.overdue());
        }
        match std::mem::replace(&mut self.step, Step::Knock) {
            Step::Knock => self.knock(),
            Step::Greet {
                link,
                supervisor,
                since,
                poked,
            } => self.greet(link, supervisor, since, poked),
        }
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn overdue(&self) -> Error {
        let last_probe = self.in_our_way().map_or_else(
            || "no supervisor has answered yet".to_owned(),
            |holder| format!("{holder} is starting this server and does not get on"),
        );
        Error::StartTimeout {
            deadline: self.limit,
            last_probe,
            log_tail: vec![],
        }
    }

    /// Names who has the lock that we still wait for: a launcher that stands still is somebody's program, and left alone.
    fn in_our_way(&self) -> Option<String> {
        if self.spawn_lock.is_some() {
            return None;
        }
        let (device, inode) = self.dir.directory().inode(SPAWN_LOCK).ok()?;
        let holder = lock_holders_of(device, inode).pop()?;
        Some(describe(holder.pid))
    }

    fn knock(&mut self) -> Result<Progress> {
        let failure = |error| self.dir.directory().failure(CONTROL_SOCKET, &error);
        match Link::connect(&self.dir).map_err(failure)? {
            Connected::Yes(link) => {
                self.pair = None;
                return Ok(self.say_hello(link));
            }
            Connected::Busy => return Ok(Progress::Wait(Wait::pause(PAUSE))),
            Connected::No => {}
        }
        if self.spawn_lock.is_none() {
            self.spawn_lock = self.dir.try_exclusive(SPAWN_LOCK)?.map(Registered::new);
            // With the lock, connect once more: the one before us may have spawned.
            let pause = if self.spawn_lock.is_some() {
                Duration::ZERO
            } else {
                PAUSE
            };
            return Ok(Progress::Wait(Wait::pause(pause)));
        }
        if let Some(free) = self.dir.try_exclusive(SUPERVISOR_LOCK)? {
            // Nobody may spawn or remember a stop now: what the file says holds until our supervisor has the lock.
            drop(free);
            if self.is_stopped() {
                return Ok(Progress::Stopped);
            }
            return self.spawn();
        }
        // One that is ending, or one that hangs without a socket.
        let patience = 2 * HANDSHAKE + seconds(self.request.stop_timeout);
        if self.began.elapsed() > patience {
            self.replace_holder()?;
        }
        Ok(Progress::Wait(Wait::pause(PAUSE)))
    }

    /// Tells whether the life that is to be brought back was ended on purpose. Asked under `spawn.lock`.
    fn is_stopped(&self) -> bool {
        let stopped = |epoch| State::read(self.dir.directory()).is_stopped(epoch);
        self.lost.is_some_and(stopped)
    }

    fn spawn(&mut self) -> Result<Progress> {
        if self.tries == TRIES {
            return Err(Error::Supervisor {
                reason: format!(
                    "the supervisor of server `{}` ended {TRIES} times at its start",
                    self.request.name
                ),
                remedy: format!(
                    "look into {}",
                    self.dir.path().join(SUPERVISOR_LOG).display()
                ),
            });
        }
        self.tries += 1;
        let failed = |error: std::io::Error| {
            Error::Supervisor {
            reason: format!("the supervisor cannot be started: {error}"),
            remedy: "see that this interpreter can still be run, and that there are processes and descriptors left"
                .to_owned(),
        }
        };
        failpoint::pass("launch.pair").map_err(failed)?;
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        let theirs = Registered::new(theirs);
        ours.set_nonblocking(true).map_err(failed)?;
        let inode = |end: &UnixStream| fstat(end).map(|status| status.st_ino);
        self.pair = inode(&ours).ok().zip(inode(&theirs).ok());
        let link = Link::over(ours);
        let mut argv = self.launcher.argv.clone();
        argv.push(self.dir.path().into());
        argv.push(theirs.as_raw_fd().to_string().into());
        failpoint::pass("launch.hello").map_err(failed)?;
        let progress = self.say_hello(link);
        // Of a name that is there twice, the first value would win.
        let added = &self.launcher.environment;
        let is_kept = |(name, _): &(OsString, OsString)| added.iter().all(|(own, _)| own != name);
        let inherited = environment().into_iter().filter(is_kept);
        let env: Vec<_> = inherited.chain(added.iter().cloned()).collect();
        spawn_detached(&argv, &env, &[theirs.as_raw_fd()]).map_err(failed)?;
        Ok(progress)
    }

    /// Ends a supervisor that holds its lock but neither answers nor ends; the kernel then ends its server.
    fn replace_holder(&self) -> Result<()> {
        if let Some(free) = self.dir.try_exclusive(SUPERVISOR_LOCK)? {
            drop(free);
            return Ok(());
        }
        let (device, inode) = self.dir.directory().inode(SUPERVISOR_LOCK)?;
        for holder in lock_holders_of(device, inode) {
            signal(Some(&holder), Signal::SIGKILL);
        }
        Ok(())
    }
}
