//! Performs what the state machine asks for, and turns what happens to the server into its inputs.

use std::path::Path;
use std::time::Duration;

use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::clock::unix_now;
use crate::control::message::Reply;
use crate::database::Kind as DatabaseKind;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::paths::SERVER_LOG;
use crate::process::listeners::listener_of;
use crate::process::server::{Exit, ServerCommand, ServerProcess};
use crate::process::strays::reap_strays;
use crate::state_file::{Hints, State};
use crate::supervisor::command_line::{Durability, Ports, arguments};
use crate::supervisor::drive::Supervisor;
use crate::supervisor::environment::environment;
use crate::supervisor::finish::STRAYS;
use crate::supervisor::prepare::{Prepared, Throwaway, prepare};
use crate::supervisor::state::{Action, Input};
use crate::supervisor::transition::Transition;
use crate::supervisor::watch::{self, Answer, Subject};
use crate::supervisor::{Message, internal, log};
use crate::sweep::sweep;
use crate::temporal::{Connection, Probe};

/// How long a boot may take when no lease allows for more.
const BOOT: Duration = Duration::from_secs(60);

impl Supervisor {
    /// Performs one action.
    pub(crate) fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn if self.prepared.is_some() => self.spawn(),
            Action::Spawn => self.begin_to_prepare(),
            Action::Kill => self.signal(ServerProcess::kill_group),
            Action::Terminate if self.is_throwaway() => self.signal(ServerProcess::kill_group),
            Action::Terminate => {
                self.signal(ServerProcess::terminate);
                self.after(self.stop_timeout, Message::KillNow(self.boot));
            }
            Action::Pause => self.signal(ServerProcess::pause),
            Action::Resume => self.signal(ServerProcess::resume),
            Action::RetryAfter(delay) if delay.is_zero() => self.step(Input::RetryDue),
            Action::RetryAfter(delay) => {
                self.timer = Some(self.after(delay, Message::Due(self.boot, Input::RetryDue)));
            }
            Action::Tell(transition) => self.tell(&transition),
            Action::GiveUp(error) => self.give_up(error),
            Action::CleanUp => self.is_cleaning = true,
            Action::End => {
                failpoint::pass("supervisor.end").ok();
                self.end();
            }
        }
    }

    /// Signals the server's group, if there is a server.
    pub(crate) fn signal(&self, how: fn(&ServerProcess)) {
        if let Some(server) = &self.server {
            how(server);
        }
    }

    fn is_throwaway(&self) -> bool {
        self.prepared
            .as_ref()
            .is_none_or(|prepared| prepared.database.kind == DatabaseKind::Throwaway)
    }

    fn begin_to_prepare(&mut self) {
        let (plan, inbox) = (self.plan.clone(), self.inbox.clone());
        self.watching = Some(
            spawn_local(async move {
                let prepared = prepare(plan).await;
                inbox.send(Message::Prepared(Box::new(prepared))).await.ok();
            })
            .abort_handle(),
        );
    }

    /// Takes what was prepared; the first process is spawned.
    pub(crate) fn prepared(&mut self, prepared: Result<Prepared>) {
        match prepared {
            Ok(prepared) => {
                self.identity.executable = Some(prepared.executable.clone());
                self.identity.version = Some(prepared.facts.version.clone());
                self.prepared = Some(prepared);
                if self.machine.is_spawning() {
                    self.spawn();
                }
            }
            Err(error) => self.step(Input::Hopeless(error)),
        }
    }

    fn spawn(&mut self) {
        match self.try_spawn() {
            Ok(server) => {
                let pid = server.pid();
                self.server = Some(server);
                self.boot += 1;
                self.started_at = unix_now();
                self.look_after(pid);
                self.step(Input::Spawned(pid));
                // While it boots, which costs nobody any time, and before anybody can count on it.
                self.write_hints();
            }
            Err(error) => self.step(Input::Hopeless(error)),
        }
    }

    fn try_spawn(&mut self) -> Result<ServerProcess> {
        let Some(prepared) = &self.prepared else {
            return Err(internal(
                &"it was to spawn a server before all was prepared",
            ));
        };
        let log = log::open(self.dir.directory(), SERVER_LOG)?;
        self.log_offset = log::size(self.dir.directory(), SERVER_LOG);
        let durability = match prepared.database.kind {
            DatabaseKind::Throwaway => Durability::Throwaway,
            DatabaseKind::Kept => Durability::Kept,
        };
        let port = Option::unwrap_or_default;
        let ports = Ports {
            grpc: port(self.identity.port),
            http: port(self.identity.http_port),
            metrics: port(self.identity.metrics_port),
            ui: self.identity.ui_port,
        };
        let (path, facts) = (&prepared.database.path, &prepared.facts);
        let command = ServerCommand {
            program: &prepared.executable,
            args: arguments(
                &self.identity,
                &self.additive,
                ports,
                path,
                durability,
                facts,
            ),
            env: environment(self.events.identity()),
            log: &log,
            inherit: prepared.inherit(&self.server_lock),
            umask: self.plan.umask,
        };
        ServerProcess::spawn(&command).map_err(|error| Error::Start {
            reason: format!("{} cannot be run: {error}", prepared.executable.display()),
            log_tail: vec![],
            remedy: "look at that file, or name another one by `executable=`".to_owned(),
        })
    }

    /// Climbs the readiness ladder of a new process, within the boot's time.
    fn look_after(&mut self, pid: i32) {
        let subject = self.subject(pid);
        let climb = watch::climb(subject, self.last_failure.clone(), self.inbox.clone());
        self.watching = Some(spawn_local(climb).abort_handle());
        let limit = BOOT.max(self.leases.longest_start());
        self.timer = Some(self.after(limit, Message::Due(self.boot, Input::BootTimedOut)));
    }

    fn subject(&self, pid: i32) -> Subject {
        Subject {
            boot: self.boot,
            pid,
            ip: self.identity.ip,
            port: self.identity.port.unwrap_or_default(),
            additive: self.additive.clone(),
        }
    }

    /// Takes the good news of the ladder; from now on the server is probed.
    pub(crate) fn climbed(&mut self, probes: Vec<Probe>, connection: Connection) {
        let Some(pid) = self.server.as_ref().map(ServerProcess::pid) else {
            return;
        };
        self.probes = probes;
        self.supplied = self.additive.clone();
        self.forget_timers();
        let probing = watch::probe(
            self.subject(pid),
            self.identity.health,
            connection,
            self.inbox.clone(),
        );
        self.watching = Some(spawn_local(probing).abort_handle());
        failpoint::pass("supervisor.ready").ok();
        self.step(Input::Ready);
        self.write_hints();
        if self.boot == 1 {
            // Now, when nobody waits for it: what total kills have left of other servers.
            for removed in sweep(&self.plan.locations) {
                tracing::info!(path = %removed.display(), "removed what a killed server had left");
            }
        }
    }

    /// Takes the answer of a liveness probe; none counts while the server is paused, traced or we were stalled.
    pub(crate) fn probed(&mut self, answer: Answer) {
        if !self.machine.is_probed() || answer.stalled {
            return;
        }
        let traced = self
            .server
            .as_ref()
            .is_some_and(|server| server.identity().is_traced());
        match answer.climb {
            Ok(probes) => {
                self.note(probes);
                self.step(Input::ProbePassed);
                if !self.has_left_hints {
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

    /// The kernel says that the server's process has ended.
    pub(crate) async fn server_exited(&mut self) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        failpoint::pass("supervisor.exited").ok();
        let exit = server.reap().unwrap_or(Exit::Unknown);
        self.forget_timers();
        self.boot += 1;
        timeout(STRAYS, reap_strays(&[])).await.ok();
        let lines = log::tail(self.dir.directory(), SERVER_LOG, self.log_offset);
        let port_taken = exit == Exit::Code(1)
            && lines
                .iter()
                .any(|line| line.contains("address already in use"));
        // Only then: looking for the holder of each port reads the kernel's whole tables, 10 ms each.
        let thief = if port_taken { self.thief() } else { None };
        self.step(match thief {
            Some(thief) => Input::ExitedForGood(exit, thief),
            None if port_taken => Input::ExitedByChance(exit),
            None => Input::Exited(exit),
        });
    }

    /// Names who listens on one of our ports while our server is gone.
    fn thief(&self) -> Option<Error> {
        self.identity.ports().into_iter().find_map(|(role, port)| {
            let port = port?;
            let listener = listener_of(port)?;
            Some(Error::PortInUse {
                port,
                role: role.to_owned(),
                holder: listener.description,
            })
        })
    }

    fn forget_timers(&mut self) {
        for handle in [self.watching.take(), self.timer.take()]
            .into_iter()
            .flatten()
        {
            handle.abort();
        }
    }

    /// Makes an event of a transition and sends it to every lease, and to who is just giving one up.
    fn tell(&mut self, transition: &Transition) {
        let event = self.events.push(transition);
        tracing::info!("{}", event.message);
        for id in self
            .leases
            .ids()
            .into_iter()
            .chain(self.leaving.iter().copied())
        {
            if let Some(connection) = self.connections.get(&id) {
                connection.send_event(&event, || self.events.lost());
            }
        }
    }

    /// Refuses everybody who still waits for the server.
    fn give_up(&mut self, mut error: Error) {
        if let Error::Start { log_tail, .. }
        | Error::ServerExited { log_tail, .. }
        | Error::CrashLoop { log_tail, .. } = &mut error
            && log_tail.is_empty()
        {
            *log_tail = log::tail(self.dir.directory(), SERVER_LOG, self.log_offset);
        }
        for id in self.leases.waiting() {
            self.send(id, &error.clone().into());
            self.end_lease(id);
        }
    }

    fn end(&mut self) {
        for id in std::mem::take(&mut self.stop_waiters) {
            self.send(
                id,
                &Reply::Done {
                    value: serde_json::Value::Null,
                },
            );
        }
        self.is_ended = true;
    }

    /// Leaves what people and an heir of this life want to know; this life never depends on it.
    fn write_hints(&mut self) {
        let prepared = self.prepared.as_ref();
        let data_dir = prepared
            .and_then(|prepared| prepared.data_dir.as_ref())
            .and_then(Throwaway::path);
        let json = |identity: &_| serde_json::to_value(identity).ok();
        let hints = Hints {
            server: self
                .server
                .as_ref()
                .and_then(|server| json(server.identity())),
            supervisor: crate::process::identity::ProcessIdentity::current()
                .as_ref()
                .and_then(json),
            address: self
                .identity
                .port
                .map(|port| format!("{}:{port}", self.identity.ip)),
            data_dir: data_dir.map(Path::to_owned),
            configuration: serde_json::to_value((&self.identity, &self.additive)).ok(),
            started_at: Some(self.started_at),
        };
        let written = State::write_hints(self.dir.directory(), self.epoch, hints);
        self.has_left_hints = written.is_ok();
        match written {
            Ok(()) => self.step(Input::Mended),
            Err(error) => self.step(Input::Degraded(format!(
                "its state cannot be written: {error}"
            ))),
        }
    }
}
