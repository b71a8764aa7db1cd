//! The process ends: what is told of it, and whether another one follows.

use super::{Action, Cause, Input, Machine, Phase};
use crate::clock::seconds;
use crate::error::{Error, Problem};
use crate::process::server::Exit;
use crate::supervisor::budget::Verdict;
use crate::supervisor::transition::{Planned, Transition};

impl Machine {
    /// The process is killed and not gone yet: it works no more, and what it holds is not free.
    pub(super) fn killed(&mut self, exit: &Exit, now: f64) -> Vec<Action> {
        let planned = self.phase.planned();
        self.leave_ready(Phase::Replacing(planned));
        self.tell_end(exit, planned, now)
    }

    /// Tells how the process has ended, once.
    fn tell_end(&mut self, exit: &Exit, planned: Option<Planned>, now: f64) -> Vec<Action> {
        self.last_exit = Some(exit.clone());
        self.planned = planned;
        if std::mem::replace(&mut self.is_end_told, true) {
            return vec![];
        }
        vec![Action::Tell(Transition::Exited {
            pid: self.pid,
            cause: exit.clone(),
            lived: now - self.spawned_at,
            planned,
        })]
    }

    /// The process is gone: cleans up in the final stop, else tells of it and starts another one, or gives up.
    pub(super) fn ended(&mut self, input: Input, now: f64, dice: f64) -> Vec<Action> {
        let (exit, by_chance, error) = match input {
            Input::Exited(exit) => (exit, false, None),
            Input::ExitedByChance(exit) => (exit, true, None),
            Input::ExitedForGood(exit, error) => (exit, false, Some(error)),
            _ => return vec![],
        };
        let healthy_for = self.ready_at.take().map(|ready| now - ready);
        if self.phase == Phase::Stopping {
            self.last_exit = Some(exit);
            return vec![Action::CleanUp];
        }
        let planned = self.phase.planned();
        let cause = planned.map_or(Cause::Crash, Cause::Planned);
        let mut actions = self.tell_end(&exit, planned, now);
        self.leave_ready(Phase::Waiting);
        actions.extend(match error {
            _ if planned.is_some_and(Planned::is_exchange) => {
                self.phase = Phase::Exchanging;
                vec![Action::Exchange]
            }
            Some(error) => self.fail(error),
            None if planned == Some(Planned::Outage) => {
                self.start_after(Phase::Down, self.outage, cause)
            }
            None if planned.is_none_or(Planned::counts) => {
                let verdict = self.budget.exited(healthy_for, by_chance, now, dice);
                self.restart_or_fail(&verdict, &exit, cause)
            }
            None => self.restart_after(0.0, cause),
        });
        actions
    }

    /// A first start that fails is told at once; a restart is tried again, as after an exit.
    pub(super) fn spawn_failed(&mut self, error: Error, now: f64, dice: f64) -> Vec<Action> {
        if self.is_first() {
            return self.fail(error);
        }
        match self.budget.exited(None, true, now, dice) {
            Verdict::RestartAfter(delay) => self.restart_after(delay, Cause::SpawnFailed),
            Verdict::NeverReady | Verdict::TooOften { .. } => self.fail(error),
        }
    }

    fn restart_or_fail(&mut self, verdict: &Verdict, exit: &Exit, cause: Cause) -> Vec<Action> {
        match *verdict {
            Verdict::RestartAfter(delay) => self.restart_after(delay, cause),
            Verdict::NeverReady => self.fail(Error::ServerExited {
                exit: exit.to_string(),
                log_tail: vec![],
                remedy: Problem::ended("", exit)
                    .remedy("mend what its log complains about, then start it again"),
            }),
            Verdict::TooOften { restarts, window } => self.fail(Error::CrashLoop {
                restarts,
                window,
                reason: exit.to_string(),
                log_tail: vec![],
            }),
        }
    }

    fn restart_after(&mut self, delay: f64, cause: Cause) -> Vec<Action> {
        self.start_after(Phase::Waiting, Some(delay), cause)
    }

    pub(super) fn start_after(
        &mut self,
        phase: Phase,
        delay: Option<f64>,
        cause: Cause,
    ) -> Vec<Action> {
        self.phase = phase;
        let after = delay.map(seconds);
        vec![self.again(delay, cause), Action::RetryAfter(after)]
    }

    /// Counts and tells a restart.
    pub(super) fn again(&mut self, delay: Option<f64>, cause: Cause) -> Action {
        self.causes.add(cause);
        Action::Tell(Transition::Restarting {
            delay,
            restarts: self.restarts(),
            cause: self.last_exit.clone(),
            planned: self.planned,
        })
    }

    pub(super) fn fail(&mut self, error: Error) -> Vec<Action> {
        self.phase = Phase::Failed;
        if error.installable().is_some() {
            // Nobody has a server yet, and who wants one gets what is missing and starts again: no news for a log.
            return vec![Action::GiveUp(error)];
        }
        vec![
            Action::Tell(Transition::Failed {
                reason: error.to_string(),
                error: error.worded(),
            }),
            Action::GiveUp(error),
        ]
    }

    pub(super) fn begin_anew(&mut self, cause: Cause) -> Vec<Action> {
        self.budget.forget();
        self.restart_after(0.0, cause)
    }
}
