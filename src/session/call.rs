//! One verb on a connection of its own. A step machine that never waits.
//!
//! Invariant: a `stop` is remembered even where no supervisor is left to remember it: then the caller writes it itself,
//! under `spawn.lock` and `supervisor.lock`, so that no client takes the missing server for a crash and brings it back. A
//! supervisor that is starting or ending holds one of the two: it is waited for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clock::seconds;
use crate::control::message::{PROTOCOL, Reply, Request};
use crate::error::{Error, Result};
use crate::paths::{SPAWN_LOCK, SUPERVISOR_LOCK, ServerDir};
use crate::session::hello;
use crate::session::launch::Wait;
use crate::session::link::{Connected, Link, Received};
use crate::state_file::State;

/// How long a verb may take that waits for nothing but its supervisor and one answer of the server; a stop may take the
/// server's stop timeout longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(3);

/// A verb under way.
#[derive(Debug)]
pub struct Call {
    dir: Arc<ServerDir>,
    name: String,
    request: Request,
    link: Option<Link>,
    began: Instant,
    /// How long it may take.
    patience: Duration,
}

/// What one step of a verb came to.
#[derive(Debug)]
pub enum Outcome {
    /// Wait, then call again.
    Wait(Wait),
    /// The reply.
    Done(Value),
}

impl Call {
    /// Begins a verb.
    pub fn new(dir: Arc<ServerDir>, name: &str, request: Request) -> Self {
        let name = name.to_owned();
        Self {
            dir,
            name,
            request,
            link: None,
            patience: PATIENCE,
            began: Instant::now(),
        }
    }

    /// Does what can be done now.
    pub fn advance(&mut self) -> Result<Outcome> {
        if self.began.elapsed() > self.patience {
            return Err(self.lost(&format!("no answer within {} s", self.patience.as_secs())));
        }
        if self.link.is_none() {
            match Link::connect(&self.dir).map_err(|error| self.lost(&error.to_string()))? {
                Connected::Yes(mut link) => {
                    link.send(&hello(None));
                    link.send(&self.request);
                    self.link = Some(link);
                }
                Connected::Busy => return Ok(Outcome::Wait(Wait::pause(PAUSE))),
                Connected::No => return self.without_supervisor(),
            }
        }
        loop {
            let Some(link) = &mut self.link else {
                return Ok(Outcome::Wait(Wait::pause(PAUSE)));
            };
            match link.receive() {
                Received::Nothing => {
                    let wait = link.wait(Some(self.began + self.patience));
                    return Ok(Outcome::Wait(wait));
                }
                Received::End => return self.ended(),
                Received::Reply(reply) => {
                    if let Some(value) = self.take(*reply)? {
                        return Ok(Outcome::Done(value));
                    }
                }
            }
        }
    }

    fn take(&mut self, reply: Reply) -> Result<Option<Value>> {
        match reply {
            Reply::Hello(welcome) => {
                let frozen = matches!(self.request, Request::Status | Request::Stop(_));
                if welcome.protocol != PROTOCOL && !frozen {
                    let (theirs, version) = (welcome.protocol, welcome.version);
                    return Err(Error::Protocol {
                        ours: PROTOCOL,
                        theirs,
                        version,
                    });
                }
                if matches!(self.request, Request::Stop(_)) {
                    self.patience = PATIENCE + seconds(welcome.stop_timeout);
                }
                Ok(None)
            }
            Reply::Done { value } => Ok(Some(value)),
            Reply::Status(status) => Ok(serde_json::to_value(status).ok()),
            Reply::Error { error, .. } => Err(error),
            _ => Ok(None),
        }
    }

    /// The supervisor has gone before it answered.
    fn ended(&mut self) -> Result<Outcome> {
        self.link = None;
        if matches!(self.request, Request::Stop(_)) {
            // Whether it stopped as told or was killed: seen at the next try to connect.
            return Ok(Outcome::Wait(Wait::pause(PAUSE)));
        }
        Err(self.lost("it ended before it answered"))
    }

    fn without_supervisor(&self) -> Result<Outcome> {
        if !matches!(self.request, Request::Stop(_)) {
            return Err(Error::NotRunning {
                name: self.name.clone(),
            });
        }
        let Some(_spawn_lock) = self.dir.try_exclusive(SPAWN_LOCK)? else {
            return Ok(Outcome::Wait(Wait::pause(PAUSE)));
        };
        let Some(_supervisor_lock) = self.dir.try_exclusive(SUPERVISOR_LOCK)? else {
            return Ok(Outcome::Wait(Wait::pause(PAUSE)));
        };
        let state = State::read(self.dir.directory());
        if !state.is_stopped(state.epoch) {
            State::remember_stop(self.dir.directory(), state.epoch)?;
        }
        Ok(Outcome::Done(Value::Null))
    }

    fn lost(&self, reason: &str) -> Error {
        Error::SupervisorLost {
            name: self.name.clone(),
            reason: reason.to_owned(),
        }
    }
}
