//! What liveness probes of a ready server come to.

use tokio::task::spawn_local;

use crate::control::message::Kind;
use crate::process::server::ServerProcess;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::state::Input;
use crate::supervisor::watch::{self, Answer};
use crate::temporal::{Connection, Probe};

impl Supervisor {
    /// Probes the live server from now on, on this connection as long as it serves.
    pub(crate) fn probe(&mut self, connection: Option<Connection>) {
        let Some(pid) = self.server.as_ref().map(ServerProcess::pid) else {
            return;
        };
        let probing = watch::probe(
            self.subject(pid),
            self.identity.health,
            connection,
            self.inbox.clone(),
        );
        self.watching = Some(spawn_local(probing).abort_handle());
    }

    /// Takes the answer of a liveness probe; none counts while the server is paused, traced or we were stalled.
    pub(crate) fn probed(&mut self, answer: Answer) {
        if !self.machine.is_probed() || answer.stalled {
            return;
        }
        let traced = self.server.as_ref().is_some_and(ServerProcess::is_traced);
        match answer.climb {
            Ok(probes) => {
                self.note(probes);
                let was_ready = self.machine.state() == Kind::Ready;
                self.step(Input::ProbePassed);
                if !was_ready {
                    // What was in the way (a full disk) may be gone.
                    self.write_hints();
                }
            }
            Err(_) if traced => {}
            Err(probes) => {
                let failed = probes.last().and_then(|probe| probe.error.clone());
                self.note(probes);
                self.step(Input::ProbeFailed(failed.unwrap_or_default()));
            }
        }
    }

    /// Remembers the last answer of each layer.
    fn note(&mut self, probes: Vec<Probe>) {
        for probe in probes {
            match self
                .probes
                .iter_mut()
                .find(|known| known.layer == probe.layer)
            {
                Some(known) => *known = probe,
                None => self.probes.push(probe),
            }
        }
    }
}
