//! The server without a process on purpose: in an outage, or while its database is exchanged.

use super::{Action, Cause, Machine, Phase};
use crate::supervisor::transition::Planned;

impl Machine {
    /// Tells whether the server is kept down.
    pub fn is_down(&self) -> bool {
        self.phase == Phase::Down
    }

    /// Tells whether the process is being ended, for the server to be kept down.
    pub fn is_going_down(&self) -> bool {
        self.phase == Phase::Replacing(Some(Planned::Outage))
    }

    /// Tells whether the server can be taken down, or is.
    pub fn can_go_down(&self) -> bool {
        match self.phase {
            Phase::Replacing(why) => !why.is_some_and(Planned::is_exchange),
            Phase::Waiting | Phase::Down => true,
            phase => phase.has_process(),
        }
    }

    /// Tells whether the database can be exchanged.
    pub fn can_exchange(&self) -> bool {
        self.can_go_down() || self.phase == Phase::Failed
    }

    /// Ends the process, or whatever keeps the next one waiting, and keeps the server down.
    pub(super) fn take_down(&mut self, outage: Option<f64>) -> Vec<Action> {
        self.outage = outage;
        match self.phase {
            Phase::Waiting | Phase::Down => {
                self.start_after(Phase::Down, outage, Cause::Planned(Planned::Outage))
            }
            _ => self.replace(Planned::Outage, Action::Kill),
        }
    }

    /// Ends the process, or whatever keeps the next one waiting, and has the database exchanged.
    pub(super) fn exchange(&mut self, why: Planned) -> Vec<Action> {
        match self.phase {
            Phase::Waiting | Phase::Down => {
                self.phase = Phase::Exchanging;
                vec![Action::Exchange]
            }
            Phase::Failed => {
                self.budget.forget();
                self.phase = Phase::Exchanging;
                vec![self.again(Some(0.0), Cause::Planned(why)), Action::Exchange]
            }
            // It has nothing to save.
            _ => self.replace(why, Action::Kill),
        }
    }
}
