//! Performs what the state machine asks for, and turns what happens to the server into its inputs.

use std::collections::BTreeSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::control::message::{Level, Reply};
use crate::database::Kind as DatabaseKind;
use crate::error::{Error, Result};
use crate::failpoint;
use crate::options::config;
use crate::paths::SERVER_LOG;
use crate::process::listeners::listener_of;
use crate::process::server::{Exit, ServerProcess};
use crate::process::strays::{STRAYS, reap_strays};
use crate::state_file::{Hints, State};
use crate::supervisor::drive::Supervisor;
use crate::supervisor::prepare::{Prepared, Throwaway, prepare};
use crate::supervisor::state::{Action, Input};
use crate::supervisor::transition::Transition;
use crate::supervisor::{Message, log};

impl Supervisor {
    /// Performs one action.
    pub(crate) fn perform(&mut self, action: Action) {
        match action {
            Action::Spawn if self.is_prepared() => self.spawn(),
            Action::Spawn => self.begin_to_prepare(),
            Action::Kill => self.signal(ServerProcess::kill_group),
            Action::Terminate if self.is_throwaway() => self.signal(ServerProcess::kill_group),
            Action::Terminate => {
                self.signal(ServerProcess::terminate);
                self.after(self.stop_timeout, Message::KillNow(self.boot));
            }
            Action::Pause => {
                // A probe under way says nothing any more.
                self.forget_timers();
                self.signal(ServerProcess::pause);
            }
            Action::Resume => {
                self.signal(ServerProcess::resume);
                self.probe(None);
            }
            Action::RetryAfter(delay) => {
                self.tell_down();
                self.retry_after(delay);
            }
            Action::Exchange => self.exchange(),
            Action::Tell(Transition::Failed { error, .. }) => {
                let error = self.with_log(error);
                let reason = error["message"].as_str().unwrap_or_default().to_owned();
                self.tell(&Transition::Failed { reason, error });
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

    fn retry_after(&mut self, delay: Option<Duration>) {
        // What was set before may be sooner.
        self.forget_timers();
        match delay {
            Some(Duration::ZERO) => self.step(Input::RetryDue),
            Some(delay) => {
                self.timer = Some(self.after(delay, Message::Due(self.boot, Input::RetryDue)));
            }
            None => {}
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

    /// Tells whether a process can be spawned at once. A database that was removed meanwhile is never created in place.
    fn is_prepared(&mut self) -> bool {
        let is_gone = |prepared: &mut Prepared| !prepared.database.path.exists();
        if let Some(prepared) = self.prepared.take_if(is_gone) {
            tracing::warn!(
                path = %prepared.database.path.display(),
                "the database was removed while it was in use; a new one is made"
            );
        }
        self.prepared.is_some()
    }

    fn begin_to_prepare(&mut self) {
        let (plan, inbox) = (self.plan.clone(), self.inbox.clone());
        let server_lock = Rc::clone(&self.server_lock);
        self.watching = Some(
            spawn_local(async move {
                let prepared = prepare(plan, server_lock).await;
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
                self.machine.warn(prepared.warning.clone());
                self.prepared = Some(prepared);
                if self.machine.is_spawning() {
                    self.spawn();
                }
            }
            Err(error) => self.step(Input::Hopeless(error)),
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
        let lines = self.log_tail();
        if exit == Exit::Code(1)
            && let Some(why) = log::refusal(&lines)
            && log::names_one_of(why, &self.identity.extra_args)
        {
            let error = self.refused_arguments(why);
            self.step(Input::ExitedForGood(exit, error));
            return;
        }
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

    /// Returns the error for extra arguments that the server refuses, as it will each time.
    fn refused_arguments(&self, why: &str) -> Error {
        let version = self.identity.version.as_deref().unwrap_or_default();
        config(
            "extra_args",
            &format!("{why}, says temporal {version}"),
            "correct it, or leave it out; `temporal server start-dev --help` lists the flags",
        )
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

    /// Forgets what was set for the process that was.
    pub(crate) fn forget_timers(&mut self) {
        for handle in [self.watching.take(), self.timer.take()]
            .into_iter()
            .flatten()
        {
            handle.abort();
        }
    }

    /// Makes an event of a transition and sends it to every lease, to who is just giving one up, and to who follows the events.
    fn tell(&mut self, transition: &Transition) {
        let event = self.events.push(transition);
        let (kind, sentence) = (event.kind.name(), &event.message);
        match event.level {
            Level::Error => tracing::error!(event = %kind, "{sentence}"),
            Level::Warning => tracing::warn!(event = %kind, "{sentence}"),
            Level::Info => tracing::info!(event = %kind, "{sentence}"),
        }
        let leases = self.leases.ids();
        let told: BTreeSet<&u64> = leases
            .iter()
            .chain(&self.leaving)
            .chain(&self.followers)
            .collect();
        for id in told {
            if let Some(connection) = self.connections.get(id) {
                connection.send_event(&event, || self.events.lost());
            }
        }
    }

    /// Returns an error as it is told, with the end of the log.
    fn with_log(&self, told: Value) -> Value {
        match serde_json::from_value::<Error>(told.clone()) {
            Ok(mut error) => {
                error.complete(|| self.log_tail());
                error.worded()
            }
            Err(_) => told,
        }
    }

    fn log_tail(&self) -> Vec<String> {
        log::tail(self.dir.directory(), SERVER_LOG, self.log_offset)
    }

    /// Refuses everybody who still waits for the server.
    fn give_up(&mut self, mut error: Error) {
        error.complete(|| self.log_tail());
        if error.installable().is_some() {
            tracing::warn!(%error, "there is no executable; whoever asked for the server may get one");
        }
        for id in self.leases.waiting() {
            self.send(id, &error.clone().into());
            self.end_lease(id);
        }
    }

    fn end(&mut self) {
        for id in std::mem::take(&mut self.stop_waiters) {
            self.send(id, &Reply::Done { value: Value::Null });
        }
        self.is_ended = true;
    }

    /// Leaves what people and an heir of this life want to know; this life never depends on it.
    pub(crate) fn write_hints(&mut self) {
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
        match State::write_hints(self.dir.directory(), self.epoch, hints) {
            Ok(()) => self.step(Input::Mended),
            Err(error) => self.step(Input::Degraded(format!(
                "its state cannot be written: {error}"
            ))),
        }
    }
}
