//! The state machine of a supervised server: `State × Input → State × Actions`.
//!
//! Invariant: this file does no I/O and reads no clock: `now` (seconds, monotonic) and the dice for the jitter are given.
//! At most one process is asked for at any time: `Spawn` is answered only while there is none and none is asked for. Whoever
//! performs `Spawn` looks at [`Machine::is_spawning`] first if it took time: a stop may have come.

mod cause;
mod down;
mod end;
mod words;

use std::collections::BTreeMap;

pub use self::cause::Cause;
use self::cause::Causes;
pub use self::words::{Action, Input};
use crate::control::message::Kind;
use crate::options::{Health, Restart};
use crate::process::server::Exit;
use crate::supervisor::budget::Budget;
use crate::supervisor::transition::{Planned, Transition};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Before the first input.
    New,
    /// A process is asked for; first of all, what it needs is prepared.
    Spawning,
    /// A process that is not ready yet.
    Starting,
    Ready,
    Unhealthy {
        failures: u32,
        since: f64,
    },
    Paused {
        since: f64,
        /// Its failures and since when, if it did not work when it was paused.
        ill: Option<(u32, f64)>,
    },
    /// The process ends, for this reason of ours or killed by somebody else; another one is started when it is gone.
    Replacing(Option<Planned>),
    /// No process; one is started when the delay is over.
    Waiting,
    /// No process, on purpose; one is started when the outage is over.
    Down,
    /// No process; one is started when the database is exchanged.
    Exchanging,
    Failed,
    /// The process is being stopped for good.
    Stopping,
    Stopped,
}

impl Phase {
    /// Tells whether there is a process, and nobody is ending it.
    fn has_process(self) -> bool {
        use Phase::{Paused, Ready, Starting, Unhealthy};
        matches!(self, Starting | Ready | Unhealthy { .. } | Paused { .. })
    }

    /// Returns why we end the process, if it is us who do.
    fn planned(self) -> Option<Planned> {
        match self {
            Self::Replacing(why) => why,
            _ => None,
        }
    }

    /// Tells whether there is a process that may end by itself.
    fn may_exit(self) -> bool {
        self.has_process() || matches!(self, Self::Replacing(_) | Self::Stopping)
    }
}

/// The server as the supervisor sees it.
#[derive(Debug, Clone)]
pub struct Machine {
    address: String,
    health: Health,
    budget: Budget,
    phase: Phase,
    pid: i32,
    spawned_at: f64,
    /// Whether the end of the process was told: what kills it is seen before it is gone.
    is_end_told: bool,
    /// When it became ready, in this process' life.
    ready_at: Option<f64>,
    stopping_since: f64,
    /// How long the outage asked for lasts at the most.
    outage: Option<f64>,
    /// What around the ready server does not work, and since when; forgotten with `Ready`, for then it is told anew.
    degraded: Option<(String, f64)>,
    causes: Causes,
    last_exit: Option<Exit>,
    /// Why we ended it the last time, if we did.
    planned: Option<Planned>,
    /// What people should know of the database, told whenever it is ready.
    warning: Option<String>,
    /// What people should know of its dynamic configuration, told so, too.
    config_warnings: Vec<String>,
}

impl Machine {
    /// Returns the machine of a server that does not run yet.
    pub fn new(address: String, health: Health, restart: Restart) -> Self {
        Self {
            address,
            health,
            budget: Budget::new(restart),
            phase: Phase::New,
            pid: 0,
            spawned_at: 0.0,
            is_end_told: false,
            ready_at: None,
            stopping_since: 0.0,
            outage: None,
            degraded: None,
            causes: Causes::default(),
            last_exit: None,
            planned: None,
            warning: None,
            config_warnings: vec![],
        }
    }

    /// Has something told whenever the server becomes ready.
    pub fn warn(&mut self, warning: Option<String>) {
        self.warning = warning;
    }

    /// Has this told of the dynamic configuration whenever the server becomes ready.
    pub fn warn_of_config(&mut self, warnings: Vec<String>) {
        self.config_warnings = warnings;
    }

    /// Returns the stable state.
    pub fn state(&self) -> Kind {
        match self.phase {
            Phase::Spawning if !self.is_first() => Kind::Restarting,
            Phase::New | Phase::Spawning | Phase::Starting => Kind::Starting,
            Phase::Ready if self.degraded.is_some() => Kind::Degraded,
            Phase::Ready => Kind::Ready,
            Phase::Unhealthy { .. } => Kind::Unhealthy,
            Phase::Paused { .. } => Kind::Paused,
            Phase::Replacing(_) | Phase::Waiting | Phase::Down | Phase::Exchanging => {
                Kind::Restarting
            }
            Phase::Failed => Kind::Failed,
            Phase::Stopping => Kind::Stopping,
            Phase::Stopped => Kind::Stopped,
        }
    }

    /// Tells whether the server does its work.
    pub fn is_serving(&self) -> bool {
        self.phase == Phase::Ready
    }

    /// Tells whether a process is asked for and still wanted.
    pub fn is_spawning(&self) -> bool {
        self.phase == Phase::Spawning
    }

    /// Tells whether there is a process that is not ready yet.
    pub fn is_booting(&self) -> bool {
        self.phase == Phase::Starting
    }

    /// Tells whether no process was ever to be started again.
    fn is_first(&self) -> bool {
        self.restarts() == 0 && self.last_exit.is_none()
    }

    /// Tells whether liveness probes make sense now.
    pub fn is_probed(&self) -> bool {
        matches!(self.phase, Phase::Ready | Phase::Unhealthy { .. })
    }

    /// Returns how often the server was started again.
    pub fn restarts(&self) -> u32 {
        self.causes.total()
    }

    /// Returns the same by the name of what led to it.
    pub fn restart_causes(&self) -> BTreeMap<String, u32> {
        self.causes.by_name()
    }

    /// Returns how the server ended the last time.
    pub fn last_exit(&self) -> Option<&Exit> {
        self.last_exit.as_ref()
    }

    /// Returns what people should know of: what does not work around the server, where its database differs, and which
    /// dynamic configuration it does not use.
    pub fn warnings(&self) -> Vec<String> {
        let degraded = self.degraded.iter().map(|(reason, _)| reason);
        let lasting = self.warning.iter().chain(&self.config_warnings);
        degraded.chain(lasting).cloned().collect()
    }

    /// Returns when the server became ready, if it is.
    pub fn ready_at(&self) -> Option<f64> {
        self.ready_at
    }

    /// Takes one input; what does not fit the phase (a late probe, a second stop) changes nothing.
    pub fn step(&mut self, input: Input, now: f64, dice: f64) -> Vec<Action> {
        use Phase::{
            Down, Exchanging, Failed, New, Paused, Ready, Replacing, Spawning, Starting, Stopped,
            Stopping, Unhealthy, Waiting,
        };
        match (self.phase, input) {
            (New, Input::Begin)
            | (Waiting | Down, Input::RetryDue)
            | (Down, Input::Resume)
            | (Exchanging, Input::Exchanged(None)) => self.spawn(),
            (Exchanging, Input::Exchanged(Some(told))) => {
                [vec![Action::Tell(told)], self.spawn()].concat()
            }
            (Spawning, Input::Spawned(pid)) => self.spawned(pid, now),
            (Spawning, Input::Hopeless(error)) => self.fail(error),
            (Spawning, Input::SpawnFailed(error)) => self.spawn_failed(error, now, dice),
            (Starting, Input::Ready) => self.ready(now),
            (Starting, Input::BootTimedOut) => self.replace(Planned::NeverReady, Action::Kill),
            (Ready, Input::ProbeFailed(reason)) => self.first_failure(reason, now),
            (Unhealthy { failures, since }, Input::ProbeFailed(_)) => {
                self.further_failure(failures + 1, since)
            }
            (Unhealthy { since, .. }, Input::ProbePassed) => {
                self.phase = Ready;
                self.recovered(since, now)
            }
            (phase, Input::Killed(exit)) if phase.may_exit() && phase != Stopping => {
                self.killed(&exit, now)
            }
            (
                phase,
                input @ (Input::Exited(_) | Input::ExitedByChance(_) | Input::ExitedForGood(..)),
            ) if phase.may_exit() => self.ended(input, now, dice),
            (Stopping, Input::CleanedUp(warning)) => self.stopped(warning, now),
            (phase, Input::Kill) if phase.has_process() => {
                self.replace(Planned::Kill, Action::Kill)
            }
            (_, Input::Outage(outage)) if self.can_go_down() => self.take_down(outage),
            (Replacing(Some(Planned::Outage)), Input::Resume) => {
                self.outage = Some(0.0);
                vec![]
            }
            (_, Input::Exchange(why)) if self.can_exchange() => self.exchange(why),
            // It may be taking its time over an orderly end.
            (Replacing(_), Input::Kill) => vec![Action::Kill],
            (phase, Input::Restart) if phase.has_process() => {
                self.replace(Planned::Restart, Action::Terminate)
            }
            // It ends already; but the restart that follows is a wish now, which no budget refuses.
            (Replacing(why), Input::Restart) if !why.is_some_and(Planned::is_exchange) => {
                self.phase = Replacing(Some(Planned::Restart));
                vec![]
            }
            (Waiting | Down | Failed, Input::Restart) => {
                self.begin_anew(Cause::Planned(Planned::Restart))
            }
            (Failed, Input::Attach) => self.begin_anew(Cause::Start),
            (Ready, Input::Pause) => self.pause(None, now),
            (Unhealthy { failures, since }, Input::Pause) => {
                self.pause(Some((failures, since)), now)
            }
            (Paused { since, ill }, Input::Resume) => self.resume(since, ill, now),
            (Ready, Input::Degraded(reason)) if self.degraded.is_none() => {
                self.degraded = Some((reason.clone(), now));
                vec![Action::Tell(Transition::Degraded { reason })]
            }
            (Ready, Input::Mended) => match self.degraded.take() {
                Some((_, since)) => self.recovered(since, now),
                None => vec![],
            },
            (Stopping | Stopped, _) => vec![],
            (phase, Input::Stop(reason)) => self.stop(phase, reason, now),
            _ => vec![],
        }
    }

    fn spawn(&mut self) -> Vec<Action> {
        self.phase = Phase::Spawning;
        vec![Action::Spawn]
    }

    fn spawned(&mut self, pid: i32, now: f64) -> Vec<Action> {
        self.phase = Phase::Starting;
        self.pid = pid;
        self.spawned_at = now;
        self.is_end_told = false;
        self.ready_at = None;
        vec![Action::Tell(Transition::Starting { pid })]
    }

    fn ready(&mut self, now: f64) -> Vec<Action> {
        self.phase = Phase::Ready;
        self.ready_at = Some(now);
        let warnings = self.warnings();
        vec![Action::Tell(Transition::Ready {
            pid: self.pid,
            address: self.address.clone(),
            took: now - self.spawned_at,
            restarts: self.restarts(),
            warning: (!warnings.is_empty()).then(|| warnings.join("; ")),
        })]
    }

    fn recovered(&self, since: f64, now: f64) -> Vec<Action> {
        vec![Action::Tell(Transition::Recovered {
            pid: self.pid,
            after: now - since,
        })]
    }

    /// Changes to a phase in which nobody looks at what is around the server.
    fn leave_ready(&mut self, phase: Phase) {
        self.phase = phase;
        self.degraded = None;
    }

    fn first_failure(&mut self, reason: String, now: f64) -> Vec<Action> {
        let mut actions = vec![Action::Tell(Transition::Unhealthy {
            pid: self.pid,
            reason,
        })];
        actions.extend(self.further_failure(1, now));
        actions
    }

    fn further_failure(&mut self, failures: u32, since: f64) -> Vec<Action> {
        self.leave_ready(Phase::Unhealthy { failures, since });
        if failures < self.health.failures {
            return vec![];
        }
        self.replace(Planned::Unhealthy, Action::Kill)
    }

    fn pause(&mut self, ill: Option<(u32, f64)>, now: f64) -> Vec<Action> {
        self.leave_ready(Phase::Paused { since: now, ill });
        let told = Transition::Paused { pid: self.pid };
        vec![Action::Pause, Action::Tell(told)]
    }

    fn resume(&mut self, since: f64, ill: Option<(u32, f64)>, now: f64) -> Vec<Action> {
        self.phase = match ill {
            Some((failures, since)) => Phase::Unhealthy { failures, since },
            None => Phase::Ready,
        };
        let told = Transition::Resumed {
            pid: self.pid,
            after: now - since,
        };
        vec![Action::Resume, Action::Tell(told)]
    }

    fn replace(&mut self, why: Planned, how: Action) -> Vec<Action> {
        self.leave_ready(Phase::Replacing(Some(why)));
        vec![how]
    }

    fn stop(&mut self, phase: Phase, reason: String, now: f64) -> Vec<Action> {
        self.leave_ready(Phase::Stopping);
        self.stopping_since = now;
        let how = if phase.may_exit() {
            Action::Terminate
        } else {
            Action::CleanUp
        };
        vec![Action::Tell(Transition::Stopping { reason }), how]
    }

    fn stopped(&mut self, warning: Option<String>, now: f64) -> Vec<Action> {
        self.phase = Phase::Stopped;
        let took = now - self.stopping_since;
        let told = Transition::Stopped { took, warning };
        vec![Action::Tell(told), Action::End]
    }
}

#[cfg(test)]
mod tests;
