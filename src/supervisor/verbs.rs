//! The verbs that clients say after HELLO.
//!
//! Invariant: a verb that disturbs others is refused while others hold leases, unless it is forced. A stop is remembered
//! in the state file before it begins, and told on every lease before it ends: no client takes it for a crash.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::control::line::misunderstood;
use crate::control::message::{Force, Kind, Request, Status};
use crate::error::{Error, Result};
use crate::options::{check_namespace, config};
use crate::state_file::State;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::exchange::Successor;
use crate::supervisor::files::Files;
use crate::supervisor::state::Input;
use crate::supervisor::watch::connect;
use crate::supervisor::{Message, unanswered, watch};
use crate::temporal::namespaces::SYSTEM;
use crate::temporal::proto::DEFAULT_NAMESPACE;
use crate::temporal::{Connection, namespaces};

/// How long the server may take to answer a verb: less than who asked waits for us.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// What a verb is answered.
pub(crate) enum Answer {
    /// This, at once.
    Now(Value),
    /// The status.
    Status(Box<Status>),
    /// Something, when it is done.
    Later,
}

impl Supervisor {
    /// Does what a verb says.
    pub(crate) fn answer(&mut self, id: u64, request: Request) -> Result<Answer> {
        let now = |()| Ok(Answer::Now(Value::Null));
        match request {
            Request::Hello(_) => Err(misunderstood(
                "HELLO was answered already",
                "say it once, or on another connection",
            )),
            Request::Status => Ok(Answer::Status(Box::new(self.status()))),
            Request::Events { since, follow } => {
                if follow {
                    self.followers.insert(id);
                }
                Ok(Answer::Now(json!(self.events.since(since.as_ref()))))
            }
            Request::Stop(force) => self.stop(id, &force),
            Request::Release => {
                // Where it was the last lease, its holder is the one to be told how the server ends.
                self.leaving.insert(id);
                self.end_lease(id);
                Ok(Answer::Now(json!({ "last": self.is_stopping() })))
            }
            Request::Kill(force) => self.disturb("kill", &force, Input::Kill).and_then(now),
            Request::Restart(force) => self
                .disturb("restart", &force, Input::Restart)
                .and_then(now),
            Request::Pause(force) => {
                self.pause(&force)?;
                now(())
            }
            Request::Outage { seconds, force } => self.outage(id, seconds, &force),
            Request::Snapshot { path } => self.snapshot(id, path),
            Request::Restore { path, force } => {
                self.refuse_to_disturb("restore", &force)?;
                self.begin_exchange(id, Successor::Snapshot(path))
            }
            Request::Reset(force) => {
                self.refuse_to_disturb("reset", &force)?;
                self.begin_exchange(id, Successor::Template)
            }
            Request::Resume => {
                self.step(Input::Resume);
                now(())
            }
            Request::CreateNamespace { name, retention } => {
                check_namespace(&name)?;
                let retention = retention.map(kept_for).transpose()?;
                Ok(self.create_namespace(id, name, retention))
            }
            Request::ListNamespaces => Ok(self.ask(id, async |server| {
                Ok(json!(namespaces::list(&server).await?))
            })),
            Request::DeleteNamespace { name } => {
                check_deletable(&name)?;
                let inbox = self.inbox.clone();
                Ok(self.ask(id, async move |server| {
                    namespaces::delete(&server, &name).await?;
                    inbox.send(Message::Deleted(name)).await.ok();
                    Ok(Value::Null)
                }))
            }
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        matches!(self.machine.state(), Kind::Stopping | Kind::Stopped)
    }

    fn stop(&mut self, id: u64, force: &Force) -> Result<Answer> {
        if !self.is_stopping() {
            self.refuse_to_disturb("stop", force)?;
            State::remember_stop(self.dir.directory(), self.epoch)?;
            self.step(Input::Stop("as `stop` asked".to_owned()));
        }
        self.stop_waiters.push(id);
        Ok(Answer::Later)
    }

    pub(crate) fn disturb(&mut self, verb: &str, force: &Force, input: Input) -> Result<()> {
        if self.is_stopping() {
            return Err(self.not_running());
        }
        self.refuse_to_disturb(verb, force)?;
        self.step(input);
        Ok(())
    }

    /// Returns what work on the database needs.
    pub(crate) fn files_in_use(&self) -> Result<Files> {
        let files = self.files().filter(|_| !self.is_stopping());
        files.ok_or_else(|| self.not_running())
    }

    /// A namespace is no more: no restart brings it back.
    pub(crate) fn deleted(&mut self, name: &str) {
        for known in [&mut self.additive, &mut self.supplied] {
            known.namespaces.retain(|namespace| namespace != name);
        }
    }

    pub(crate) fn not_running(&self) -> Error {
        Error::NotRunning {
            name: self.name.clone(),
        }
    }

    pub(crate) fn refuse_to_disturb(&self, verb: &str, force: &Force) -> Result<()> {
        let holders = self.leases.others(force.lease);
        if force.force || holders.is_empty() {
            return Ok(());
        }
        Err(Error::SharedServer {
            name: self.name.clone(),
            verb: verb.to_owned(),
            holders,
        })
    }

    /// Creates a namespace, with the search attributes that every namespace has.
    fn create_namespace(&self, id: u64, name: String, retention: Option<Duration>) -> Answer {
        let all = self.additive.clone();
        self.ask(id, async move |server| {
            let created = namespaces::create(&server, &name, retention).await?;
            watch::attributes_of(&server, &name, &all).await?;
            Ok(json!(created))
        })
    }

    /// Asks the server something on a connection of its own, and answers when it has.
    fn ask<F>(&self, id: u64, question: impl FnOnce(Connection) -> F + 'static) -> Answer
    where
        F: Future<Output = Result<Value>> + 'static,
    {
        let (address, inbox) = (self.grpc_address(), self.inbox.clone());
        spawn_local(async move {
            let answer = answer_of(address, question).await;
            inbox.send(Message::Answer(id, answer)).await.ok();
        });
        Answer::Later
    }

    /// Returns the address that reaches the server from here.
    pub(crate) fn grpc_address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.identity.port.unwrap_or_default()))
    }
}

/// Asks the server something on a connection of its own.
pub(crate) async fn answer_of<T, F>(
    server: SocketAddr,
    question: impl FnOnce(Connection) -> F,
) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    let answer = async { question(connect(server).await?).await };
    timeout(PATIENCE, answer)
        .await
        .unwrap_or_else(|_| Err(unanswered(format_args!("it was silent for {PATIENCE:?}"))))
}

/// Refuses to delete what the server cannot do without.
fn check_deletable(name: &str) -> Result<()> {
    if ![DEFAULT_NAMESPACE, SYSTEM].contains(&name) {
        return Ok(());
    }
    Err(Error::Namespace {
        namespace: name.to_owned(),
        problem: "every server has it, and it cannot be deleted".to_owned(),
        remedy: "delete other namespaces, or end the workflows in it".to_owned(),
    })
}

/// Returns how long closed workflows are to be kept.
fn kept_for(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| {
        let problem = format!("{seconds} s cannot be: {error}");
        config(
            "retention",
            &problem,
            "give a number of seconds, like 86400",
        )
    })
}
