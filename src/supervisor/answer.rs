//! Answers who comes: HELLO, leases asked for, granted and refused.
//!
//! Invariant: a lease is granted only when the server is ready and everything that was asked for exists; its holder is
//! told so exactly once. Options are compared before anything is done for a lease. Every line is answered: one that is no
//! request by an error, which is the last line of a connection that did not begin with HELLO.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tokio::task::spawn_local;
use tokio::time::timeout;

use crate::clock::{seconds, unix_now};
use crate::control::line::{TooLong, decode, misunderstood, request};
use crate::control::message::{Granted, Kind, LeaseRequest, PROTOCOL, Reply, Request, Welcome};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::options::{Additive, Options};
use crate::paths::SERVER_LOG;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::prepare::Throwaway;
use crate::supervisor::state::Input;
use crate::supervisor::verbs::{Answer, PATIENCE};
use crate::supervisor::{Message, log, unanswered, watch};

impl Supervisor {
    /// Takes one line of a client.
    pub(crate) fn line(&mut self, id: u64, line: std::result::Result<Vec<u8>, TooLong>) {
        let Some(protocol) = self.connections.get(&id).map(|known| known.protocol) else {
            return;
        };
        let line = match line {
            Ok(line) => line,
            Err(error) => return self.hang_up(id, error.into()),
        };
        match (request(&line), protocol) {
            (Ok(Request::Hello(hello)), None) => self.welcome(id, hello.protocol, hello.lease),
            (Ok(_), None) => self.hang_up(id, no_hello()),
            (Err(error), None) => {
                if !self.welcome_foreigner(id, &line) {
                    self.hang_up(id, error);
                }
            }
            (Ok(request), Some(protocol)) => self.take_request(id, protocol, request),
            (Err(_), Some(protocol)) if is_novelty(protocol, &line) => {
                self.send(id, &foreign(protocol).into());
            }
            (Err(error), Some(_)) => self.send(id, &error.into()),
        }
    }

    fn take_request(&mut self, id: u64, protocol: u32, request: Request) {
        let is_frozen = matches!(
            request,
            Request::Hello(_) | Request::Status | Request::Stop(_)
        );
        let answer = if is_frozen || protocol == PROTOCOL {
            self.answer(id, request)
        } else {
            Err(foreign(protocol))
        };
        match answer {
            Ok(Answer::Now(value)) => self.send(id, &Reply::Done { value }),
            Ok(Answer::Status(status)) => self.send(id, &Reply::Status(status)),
            Ok(Answer::Later) => {}
            Err(error) => self.send(id, &error.into()),
        }
    }

    /// Says why, and ends the connection.
    pub(crate) fn hang_up(&mut self, id: u64, error: Error) {
        self.send(id, &error.into());
        self.disconnected(id);
    }

    /// Answers HELLO, and takes on the lease that it asks for.
    pub(crate) fn welcome(&mut self, id: u64, protocol: u32, lease: Option<LeaseRequest>) {
        if let Some(connection) = self.connections.get_mut(&id) {
            connection.protocol = Some(protocol);
        }
        if lease.is_some() && matches!(self.machine.state(), Kind::Stopping | Kind::Stopped) {
            self.send(id, &Reply::Ending);
            return;
        }
        self.send(
            id,
            &Reply::Hello(Welcome {
                protocol: PROTOCOL,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                identity: self.events.identity().to_owned(),
                epoch: self.epoch,
                pid: nix::unistd::getpid().as_raw(),
                lease: lease.is_some().then_some(id),
                stop_timeout: self.stop_timeout.as_secs_f64(),
            }),
        );
        let Some(request) = lease else { return };
        if protocol != PROTOCOL {
            self.send(id, &foreign(protocol).into());
        } else if let Err(error) = self.check(&request) {
            self.send(id, &error.into());
        } else {
            self.take_on(id, request);
        }
    }

    /// Answers a HELLO of another protocol version that asks for a lease in words of its own; tells whether it is one.
    fn welcome_foreigner(&mut self, id: u64, line: &[u8]) -> bool {
        match decode(line) {
            Ok(Frozen::Hello { protocol }) if protocol != PROTOCOL => {
                self.welcome(id, protocol, None);
                self.send(id, &foreign(protocol).into());
                true
            }
            _ => false,
        }
    }

    fn check(&self, request: &LeaseRequest) -> Result<Options> {
        let options = Options::parse_over(request.defaults.clone(), &request.options)?;
        let mut differences = options.differences(&self.identity);
        if self.prepared.is_none() {
            // Not known yet; looked at again when the lease is granted.
            differences
                .retain(|difference| !["executable", "version"].contains(&&*difference.option));
        }
        if differences.is_empty() {
            return Ok(options);
        }
        Err(Error::OptionsConflict {
            name: self.name.clone(),
            differences,
        })
    }

    fn take_on(&mut self, id: u64, request: LeaseRequest) {
        let limit = seconds(request.start_timeout);
        self.stop_timeout = seconds(request.stop_timeout);
        if request.python.is_some() {
            self.python.clone_from(&request.python);
        }
        let (pid, command) = (request.pid, &request.command);
        tracing::debug!(id, pid, %command, "a lease is asked for");
        self.renew_for(&request);
        self.leases.add(id, request, unix_now());
        let timer = self.after(limit, Message::Overdue(id));
        if let Some(held) = self.leases.get_mut(id) {
            held.timer = Some(timer);
        }
        self.step(Input::Attach);
    }

    /// Grants every lease that waits, now that the server does its work.
    pub(crate) fn grant(&mut self) {
        if !self.machine.is_serving() || self.jobs.is_renewing {
            return;
        }
        for id in self.leases.waiting() {
            let Some(request) = self.leases.get_mut(id).map(|held| held.request.clone()) else {
                continue;
            };
            match self.check(&request) {
                Err(error) => self.refuse(id, error),
                Ok(options) if self.supplied.covers(&options.additive) => self.granted(id),
                Ok(options) => self.supply(id, options.additive),
            }
        }
    }

    fn granted(&mut self, id: u64) {
        failpoint::pass("supervisor.grant").ok();
        tracing::debug!(id, "the lease is granted");
        let told = self.leases.grant(id);
        let data_dir = self
            .prepared
            .as_ref()
            .and_then(|prepared| prepared.data_dir.as_ref())
            .and_then(Throwaway::path)
            .map(Path::to_owned);
        let granted = Granted {
            status: self.status(),
            identity: self.identity.clone(),
            additive: self.additive.clone(),
            data_dir,
            pinned: self.leases.is_pinned(),
        };
        let granted = Reply::Granted(Box::new(granted));
        for id in told {
            self.send(id, &granted);
        }
    }

    fn refuse(&mut self, id: u64, error: Error) {
        tracing::debug!(id, %error, "the lease is refused");
        self.send(id, &error.into());
        self.end_lease(id);
    }

    /// Adds to the running server what a lease asks for.
    fn supply(&mut self, id: u64, asked: Additive) {
        if !self.supplying.insert(id) {
            return;
        }
        let address = self.grpc_address();
        let mut all = self.additive.clone();
        all.merge(&asked);
        let inbox = self.inbox.clone();
        spawn_local(async move {
            let supplied = timeout(PATIENCE, watch::supply(address, &asked, &all)).await;
            let result = supplied.unwrap_or_else(|_| Err(unanswered("it was silent")));
            inbox.send(Message::Supplied(id, asked, result)).await.ok();
        });
    }

    /// Takes the outcome; a failure while the server is down is no answer, the next `ready` asks again.
    pub(crate) fn supplied(&mut self, id: u64, asked: &Additive, result: Result<()>) {
        self.supplying.remove(&id);
        match result {
            Ok(()) => {
                self.additive.merge(asked);
                self.supplied.merge(asked);
                self.grant();
            }
            Err(error) if self.machine.is_serving() => self.refuse(id, error),
            Err(_) => {}
        }
    }

    /// The start timeout of a lease is over.
    pub(crate) fn overdue(&mut self, id: u64) {
        let Some(held) = self.leases.get_mut(id).filter(|held| !held.granted) else {
            return;
        };
        let deadline = held.request.start_timeout;
        let failure = self.last_failure.borrow().clone();
        let last_probe = failure.map_or_else(
            || "nothing yet".to_owned(),
            |probe| format!("{}: {}", probe.layer, probe.error.unwrap_or_default()),
        );
        let log_tail = log::tail(self.dir.directory(), SERVER_LOG, self.log_offset);
        self.refuse(
            id,
            Error::StartTimeout {
                deadline,
                last_probe,
                log_tail,
            },
        );
    }
}

/// What every protocol version says first.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Frozen {
    Hello { protocol: u32 },
}

/// Tells whether a line may be a request that another protocol version knows: it names something that is not frozen.
fn is_novelty(protocol: u32, line: &[u8]) -> bool {
    let op: Option<Value> = decode(line).ok().map(|said: Value| said["op"].clone());
    let frozen = ["hello", "status", "stop"];
    let is_new = |op: Value| op.as_str().is_some_and(|op| !frozen.contains(&op));
    protocol != PROTOCOL && op.is_some_and(is_new)
}

/// Returns the refusal of a request that comes before HELLO.
fn no_hello() -> Error {
    let remedy = format!(r#"send {{"op": "hello", "protocol": {PROTOCOL}, "version": "?"}} first"#);
    misunderstood("a connection begins with HELLO", &remedy)
}

/// Returns the refusal of a client of another protocol version, in words for its reader.
fn foreign(protocol: u32) -> Error {
    Error::Protocol {
        ours: protocol,
        theirs: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
