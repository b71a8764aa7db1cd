//! `pause` and `outage`: a lease holds the server in a state in which it does not work.
//!
//! Invariant: the hold ends with the lease that asked for it, however that ends. One that was asked for by none (a terminal)
//! lasts until somebody ends it.

use serde_json::Value;

use crate::control::message::{Force, Kind};
use crate::error::{Error, Result};
use crate::options::config;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::state::Input;
use crate::supervisor::verbs::Answer;

impl Supervisor {
    /// Checks that the lease whose wish this is has not ended: what it asks for would have no end.
    fn check_held(&mut self, verb: &str, force: &Force) -> Result<()> {
        match force.lease {
            Some(lease) if self.leases.get_mut(lease).is_none() => Err(Error::supervisor(
                format!("the lease for which `{verb}` was asked has ended"),
                "start the server again, then try again",
            )),
            _ => Ok(()),
        }
    }

    /// Pauses for a lease: the pause ends with it. One that was asked for before stays that one's.
    pub(crate) fn pause(&mut self, force: &Force) -> Result<()> {
        self.check_held("pause", force)?;
        let was_paused = self.machine.state() == Kind::Paused;
        self.disturb("pause", force, Input::Pause)?;
        if self.machine.state() != Kind::Paused {
            // There is no process that could be told, or one that is not ready.
            return Err(self.not_running());
        }
        if !was_paused {
            self.held_by = force.lease;
        }
        Ok(())
    }

    /// Takes the server down for a lease: the outage ends with it, at the latest.
    pub(crate) fn outage(
        &mut self,
        id: u64,
        seconds: Option<f64>,
        force: &Force,
    ) -> Result<Answer> {
        if let Some(seconds) = seconds.filter(|seconds| !(0.0..=1e9).contains(seconds)) {
            let problem = format!("{seconds:?} is out of range");
            return Err(config(
                "seconds",
                &problem,
                "use a number from 0 to 1e9, or none",
            ));
        }
        self.check_held("outage", force)?;
        if !self.machine.can_go_down() {
            // It is being prepared, or has failed.
            return Err(self.not_running());
        }
        self.refuse_to_disturb("outage", force)?;
        self.held_by = force.lease;
        self.outage_waiters.push(id);
        self.step(Input::Outage(seconds));
        Ok(Answer::Later)
    }

    /// Answers those who wait until the server is down: it is, or will not be.
    pub(crate) fn tell_down(&mut self) {
        for id in std::mem::take(&mut self.outage_waiters) {
            let is_down = self.machine.is_down().then_some(Value::Null);
            self.fulfil(id, is_down.ok_or_else(|| self.not_running()));
        }
    }
}
