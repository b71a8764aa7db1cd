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
use crate::control::message::{LeaseRequest, PROTOCOL, Reply, Welcome};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::lock::FileLock;
use crate::paths::{CONTROL_SOCKET, SPAWN_LOCK, SUPERVISOR_LOCK, SUPERVISOR_LOG, ServerDir};
use crate::process::detach::{environment, spawn_detached};
use crate::process::holders::{lock_holders_of, socket_holders_of};
use crate::process::identity::{ProcessIdentity, describe};
use crate::session::hello;
use crate::session::link::{Connected, Link, Received};
use crate::session::registered::Registered;
use crate::state_file::State;

/// Between two looks at a lock; nobody tells a process that does not block when a lock is free.
const PAUSE: Duration = Duration::from_millis(3);

/// How long a supervisor may take to answer HELLO, and then to answer after a SIGCONT, before it is replaced.
const HANDSHAKE: Duration = Duration::from_secs(5);

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
    request: LeaseRequest,
    /// The life that is to be brought back; none for a start.
    lost: Option<u64>,
    began: Instant,
    /// The start timeout, in seconds.
    limit: f64,
    deadline: Instant,
    step: Step,
    /// Held from the failed connect until HELLO is answered.
    spawn_lock: Option<Registered<FileLock>>,
    /// The inodes of the pair that the last spawn went with: our end and its.
    pair: Option<(u64, u64)>,
    tries: u32,
}

#[derive(Debug)]
enum Step {
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

    fn remaining(&self) -> Duration {
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

    fn say_hello(&mut self, mut link: Link) -> Progress {
        self.request.start_timeout = self.remaining().as_secs_f64();
        link.send(&hello(Some(self.request.clone())));
        let now = Instant::now();
        let supervisor = link
            .peer()
            .filter(|pid| *pid != std::process::id().cast_signed());
        let supervisor = supervisor.and_then(ProcessIdentity::of);
        let wait = link.wait(Some(now + HANDSHAKE));
        self.step = Step::Greet {
            link,
            supervisor,
            since: now,
            poked: None,
        };
        Progress::Wait(wait)
    }

    fn greet(
        &mut self,
        mut link: Link,
        supervisor: Option<ProcessIdentity>,
        since: Instant,
        poked: Option<Instant>,
    ) -> Result<Progress> {
        match link.receive() {
            Received::Reply(reply) => match *reply {
                Reply::Hello(welcome) if welcome.protocol == PROTOCOL => {
                    self.spawn_lock = None;
                    return Ok(Progress::Leased(link, welcome));
                }
                Reply::Hello(Welcome {
                    protocol, version, ..
                }) => {
                    return Err(Error::Protocol {
                        ours: PROTOCOL,
                        theirs: protocol,
                        version,
                    });
                }
                Reply::Error { error, .. } => return Err(error),
                // It is ending, or says what we do not know: ask again.
                _ => return Ok(Progress::Wait(Wait::pause(PAUSE))),
            },
            Received::End => return Ok(Progress::Wait(Wait::pause(PAUSE))),
            Received::Nothing => {}
        }
        let poked = match poked {
            // It had its time after the poke, however long we ourselves stood still before.
            Some(poked) if poked.elapsed() > HANDSHAKE => {
                signal(self.silent(supervisor.as_ref()).as_ref(), Signal::SIGKILL);
                return Ok(Progress::Wait(Wait::pause(PAUSE)));
            }
            None if since.elapsed() > HANDSHAKE => {
                // It may only be stopped.
                signal(self.silent(supervisor.as_ref()).as_ref(), Signal::SIGCONT);
                Some(Instant::now())
            }
            poked => poked,
        };
        let until = poked.unwrap_or(since) + HANDSHAKE;
        let wait = link.wait(Some(until + PAUSE));
        self.step = Step::Greet {
            link,
            supervisor,
            since,
            poked,
        };
        Ok(Progress::Wait(wait))
    }

    /// Returns who does not answer: the peer of the connection, or who was given the other end of the pair.
    fn silent(&self, peer: Option<&ProcessIdentity>) -> Option<ProcessIdentity> {
        let holder = || {
            let (ours, theirs) = self.pair?;
            socket_holders_of(theirs, ours).pop()
        };
        peer.cloned().or_else(holder)
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

/// Lets a supervisor go on that has said HELLO and only stands still, so that it sees that nobody waits for it any more.
pub(crate) fn wake(welcome: &Welcome) {
    let supervisor = ProcessIdentity::of(welcome.pid);
    let supervisor = supervisor.filter(|supervisor| supervisor.word() == welcome.identity);
    signal(supervisor.as_ref(), Signal::SIGCONT);
}

/// Signals a supervisor, unless a debugger has it.
fn signal(supervisor: Option<&ProcessIdentity>, signal: Signal) {
    if let Some(supervisor) = supervisor.filter(|supervisor| !supervisor.is_traced()) {
        supervisor.signal(signal).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    use crate::directory::Directory;
    use crate::paths::Locations;
    use serde_json::Map;

    /// A process in the place of a supervisor.
    struct Sleeper(Child);

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    fn launch(root: &std::path::Path) -> Launch {
        let root = Directory::make(root, "X").unwrap();
        let request = LeaseRequest {
            pid: 1,
            command: String::new(),
            name: "a".to_owned(),
            private: false,
            options: Map::new(),
            executable_variable: None,
            scripts: vec![],
            python: None,
            locations: Locations::from_environment(|_| None, None).unwrap(),
            data_dir: None,
            start_timeout: 60.0,
            stop_timeout: 1.0,
            linger: 0.0,
        };
        let launcher = Launcher {
            argv: vec![],
            environment: vec![],
        };
        let dir = Arc::new(ServerDir::open(&root, "a").unwrap());
        Launch::new(dir, launcher, request, None)
    }

    #[test]
    fn a_supervisor_gets_its_time_after_the_poke_however_long_we_stood_still() {
        let temp = tempfile::tempdir().unwrap();
        let mut launch = launch(&temp.path().join("d"));
        let mut sleeper = Sleeper(Command::new("sleep").arg("60").spawn().unwrap());
        let supervisor = ProcessIdentity::of(sleeper.0.id().cast_signed()).unwrap();
        let (ours, _theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let long_ago = |seconds| {
            Instant::now()
                .checked_sub(Duration::from_secs(seconds))
                .unwrap()
        };
        let greet = |launch: &mut Launch, since, poked| {
            launch.step = Step::Knock;
            let link = Link::over(ours.try_clone().unwrap());
            launch
                .greet(link, Some(supervisor.clone()), since, poked)
                .unwrap();
        };
        greet(&mut launch, long_ago(11), None);
        assert!(matches!(launch.step, Step::Greet { poked: Some(_), .. }));
        assert!(supervisor.is_alive());
        greet(&mut launch, long_ago(11), Some(long_ago(6)));
        assert!(matches!(launch.step, Step::Knock));
        sleeper.0.wait().unwrap();
    }
}
