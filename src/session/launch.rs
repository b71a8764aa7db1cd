//! Gets a lease: attaches to the supervisor of a directory, or spawns one. A step machine that never waits.
//!
//! The kernel facts: whoever holds `spawn.lock` is the only one who may spawn; whoever holds `supervisor.lock` is the only
//! supervisor; both locks go with their holder, however it ends. The socket only tells that somebody is there. So every
//! way in which the socket can fail ends in the locks: queue for `spawn.lock`, connect once more, wait until
//! `supervisor.lock` is free, spawn. The first lease travels with the spawn, so a spawner that dies leaves nothing.
//! One step has one effect on the world, so that a test can take the steps of all who take part in every order.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::clock::seconds;
use crate::control::message::{LeaseRequest, Welcome};
use crate::error::{Error, Result};
use crate::lock::FileLock;
use crate::paths::{SPAWN_LOCK, SUPERVISOR_LOCK, SUPERVISOR_LOG};
use crate::process::identity::describe;
use crate::session::link::{Connected, Link};
use crate::session::registered::Registered;
use crate::session::silence::{HANDSHAKE, Silence};
use crate::session::site::{Site, signal};
use crate::session::wait::{PAUSE, Wait};

/// Spawns that came to nothing before we give up.
const TRIES: u32 = 5;

/// What one step came to.
#[derive(Debug)]
pub(crate) enum Progress<L> {
    /// Call again at once.
    Again,
    /// Wait, then call again.
    Wait(Wait),
    /// A supervisor has answered.
    Leased(L, Welcome),
    /// The life that was to be brought back was ended on purpose meanwhile.
    Stopped,
}

/// A launch under way.
#[derive(Debug, Clone)]
pub(crate) struct Launch<L = Link, K = Registered<FileLock>> {
    pub request: LeaseRequest,
    /// The life that is to be brought back; none for a start.
    lost: Option<u64>,
    began: Instant,
    /// The start timeout, in seconds.
    limit: f64,
    deadline: Instant,
    pub step: Step<L>,
    /// Held from the failed connect until HELLO is answered.
    pub spawn_lock: Option<K>,
    tries: u32,
}

/// Where a launch is.
#[derive(Debug, Clone)]
pub(crate) enum Step<L> {
    /// Connect.
    Knock,
    /// Nobody listens: find out who is in the way.
    Queue,
    /// Nobody is: spawn, if the server is still wanted.
    Spawn,
    /// HELLO is said; its answer is awaited.
    Greet { link: L, silence: Silence },
}

impl<L, K> Launch<L, K> {
    /// Begins to launch: a server that is wanted, or again the one whose life `lost` ended by itself.
    pub(crate) fn new(request: LeaseRequest, lost: Option<u64>, now: Instant) -> Self {
        Self {
            limit: request.start_timeout,
            deadline: now + seconds(request.start_timeout),
            request,
            lost,
            began: now,
            step: Step::Knock,
            spawn_lock: None,
            tries: 0,
        }
    }

    /// Returns the connection on which HELLO was said, if so far: to give the lease up again.
    pub(crate) fn into_link(self) -> Option<L> {
        match self.step {
            Step::Greet { link, .. } => Some(link),
            _ => None,
        }
    }

    /// Does what can be done now: one effect.
    pub(crate) fn advance(
        &mut self,
        site: &mut impl Site<Link = L, Lock = K>,
    ) -> Result<Progress<L>> {
        if self.remaining(site).is_zero() {
            if let Step::Greet { link, .. } = &self.step {
                // One that only stands still would stand there for ever: it has to see that nobody wants it any more.
                site.signal(link, Signal::SIGCONT);
            }
            return Err(self.overdue(site));
        }
        match std::mem::replace(&mut self.step, Step::Knock) {
            Step::Knock => self.knock(site),
            Step::Queue => self.queue(site),
            Step::Spawn => self.spawn(site),
            Step::Greet { link, silence } => self.greet(site, link, silence),
        }
    }

    pub(crate) fn remaining(&self, site: &impl Site) -> Duration {
        self.deadline.saturating_duration_since(site.now())
    }

    fn overdue(&self, site: &impl Site) -> Error {
        // A launcher that stands still is somebody's program, and left alone; but it is named.
        let in_our_way = match self.spawn_lock {
            Some(_) => None,
            None => site.holders(SPAWN_LOCK).pop(),
        };
        let last_probe = in_our_way.map_or_else(
            || "no supervisor has answered yet".to_owned(),
            |holder| {
                let holder = describe(holder.pid);
                format!("{holder} is starting this server and does not get on")
            },
        );
        Error::StartTimeout {
            deadline: self.limit,
            last_probe,
            log_tail: vec![],
        }
    }

    fn knock(&mut self, site: &mut impl Site<Link = L, Lock = K>) -> Result<Progress<L>> {
        match site.connect()? {
            Connected::Yes(link) => Ok(self.say_hello(site, link)),
            Connected::Busy => Ok(Progress::Wait(Wait::pause(PAUSE))),
            Connected::No => {
                self.step = Step::Queue;
                Ok(Progress::Again)
            }
        }
    }

    fn queue(&mut self, site: &mut impl Site<Link = L, Lock = K>) -> Result<Progress<L>> {
        if self.spawn_lock.is_none() {
            self.spawn_lock = site.try_lock(SPAWN_LOCK)?;
            // With the lock, connect once more: the one before us may have spawned.
            return Ok(match self.spawn_lock {
                Some(_) => Progress::Again,
                None => Progress::Wait(Wait::pause(PAUSE)),
            });
        }
        if site.try_lock(SUPERVISOR_LOCK)?.is_some() {
            // Let go again. Nobody may spawn or remember a stop now: it stays free until our supervisor takes it.
            self.step = Step::Spawn;
            return Ok(Progress::Again);
        }
        // One that is ending, or one that hangs without a socket.
        let patience = 2 * HANDSHAKE + seconds(self.request.stop_timeout);
        if site.now().saturating_duration_since(self.began) > patience {
            // The kernel then ends its server.
            for holder in site.holders(SUPERVISOR_LOCK) {
                signal(Some(&holder), Signal::SIGKILL);
            }
        }
        Ok(Progress::Wait(Wait::pause(PAUSE)))
    }

    fn spawn(&mut self, site: &mut impl Site<Link = L, Lock = K>) -> Result<Progress<L>> {
        let stopped = |epoch| site.state().is_stopped(epoch);
        if self.lost.is_some_and(stopped) {
            return Ok(Progress::Stopped);
        }
        if self.tries == TRIES {
            // A package that is being upgraded is not there for a moment.
            return Err(Error::Supervisor {
                reason: format!(
                    "the supervisor of server `{}` ended {TRIES} times at its start",
                    self.request.name
                ),
                may_pass: true,
                remedy: format!(
                    "see that temporal-devserver is still installed and that no limit is in its way (`ulimit -a`), and look into {SUPERVISOR_LOG} in the server's directory"
                ),
            });
        }
        self.tries += 1;
        let hello = self.hello(site);
        let link = site.spawn(&hello)?;
        Ok(self.await_answer(site, link))
    }
}
