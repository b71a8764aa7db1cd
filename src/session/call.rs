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
use crate::session::link::{Connected, Link, Received};
use crate::session::silence::Silence;
use crate::session::site::{Launcher, ServerSite, Site};
use crate::session::wait::{PAUSE, Wait};

/// How long a verb may take that waits for nothing but its supervisor and one answer of the server; a stop may take the
/// server's stop timeout longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a supervisor may be without its socket: at its start, at its end, and after somebody has deleted it.
const SOCKETLESS: Duration = Duration::from_secs(1);

/// A verb under way.
#[derive(Debug)]
pub struct Call {
    verb: Verb<Link>,
    site: ServerSite,
}

impl Call {
    /// Begins a verb.
    pub fn new(dir: Arc<ServerDir>, name: &str, request: Request) -> Self {
        Self {
            verb: Verb::new(name, request, Instant::now()),
            site: ServerSite {
                dir,
                launcher: Launcher::default(),
            },
        }
    }

    /// Says it for a client that has a lease, and brings the server back: a supervisor that does not answer is ended.
    pub(crate) fn for_a_client(mut self) -> Self {
        self.verb.may_end = true;
        self
    }

    /// Does what can be done now.
    pub fn advance(&mut self) -> Result<Outcome> {
        self.verb.advance(&mut self.site)
    }

    /// Returns the connection after the answer, where more is to come on it.
    pub(crate) fn into_link(self) -> Option<Link> {
        self.verb.link
    }
}

/// What one step of a verb came to.
#[derive(Debug)]
pub enum Outcome {
    /// Wait, then call again.
    Wait(Wait),
    /// The reply.
    Done(Value),
}

/// A verb, as far as it has come.
#[derive(Debug, Clone)]
pub(crate) struct Verb<L> {
    name: String,
    request: Request,
    pub link: Option<L>,
    began: Instant,
    /// How long it may take.
    patience: Duration,
    /// While HELLO is not answered.
    silence: Option<Silence>,
    /// Whether a supervisor that does not answer is ended; it is told to go on in any case.
    may_end: bool,
}

impl<L> Verb<L> {
    /// Begins a verb.
    pub(crate) fn new(name: &str, request: Request, now: Instant) -> Self {
        Self {
            name: name.to_owned(),
            request,
            link: None,
            began: now,
            patience: PATIENCE,
            silence: None,
            may_end: false,
        }
    }

    /// Does what can be done now.
    pub(crate) fn advance(&mut self, site: &mut impl Site<Link = L>) -> Result<Outcome> {
        if site.now().saturating_duration_since(self.began) > self.patience {
            return Err(self.lost(&format!("no answer within {} s", self.patience.as_secs())));
        }
        let Some(mut link) = self.link.take() else {
            return self.connect(site);
        };
        loop {
            match site.receive(&mut link) {
                Received::Nothing => {
                    if let Some(silence) = &mut self.silence {
                        // Ended or not: the connection tells.
                        silence.is_over(site, &link, self.may_end);
                    }
                    let wait = site.wait(&link, self.until());
                    self.link = Some(link);
                    return Ok(Outcome::Wait(wait));
                }
                Received::End => return self.ended(),
                Received::Reply(reply) => {
                    if let Some(value) = self.take(*reply)? {
                        let goes_on = matches!(self.request, Request::Events { follow: true, .. });
                        self.link = goes_on.then_some(link);
                        return Ok(Outcome::Done(value));
                    }
                }
            }
        }
    }

    fn connect(&mut self, site: &mut impl Site<Link = L>) -> Result<Outcome> {
        match site.connect()? {
            Connected::Yes(mut link) => {
                site.send(&mut link, &hello(None));
                site.send(&mut link, &self.request);
                self.silence = Some(Silence::new(site.now()));
                let wait = site.wait(&link, self.until());
                self.link = Some(link);
                Ok(Outcome::Wait(wait))
            }
            Connected::Busy => Ok(Outcome::Wait(Wait::pause(PAUSE))),
            Connected::No => self.without_supervisor(site),
        }
    }

    fn until(&self) -> Instant {
        let end = self.began + self.patience;
        let look = self.silence.and_then(|silence| silence.until(self.may_end));
        look.map_or(end, |look| look.min(end))
    }

    fn take(&mut self, reply: Reply) -> Result<Option<Value>> {
        match reply {
            Reply::Hello(welcome) => {
                self.silence = None;
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
        if matches!(self.request, Request::Stop(_)) {
            // Whether it stopped as told or was killed: seen at the next try to connect.
            return Ok(Outcome::Wait(Wait::pause(PAUSE)));
        }
        Err(self.lost("it ended before it answered"))
    }

    fn without_supervisor(&self, site: &mut impl Site<Link = L>) -> Result<Outcome> {
        if !matches!(self.request, Request::Stop(_)) {
            let waited = site.now().saturating_duration_since(self.began);
            if waited < SOCKETLESS && !site.holders(SUPERVISOR_LOCK).is_empty() {
                return Ok(Outcome::Wait(Wait::pause(PAUSE)));
            }
            return Err(Error::NotRunning {
                name: self.name.clone(),
            });
        }
        let Some(_spawn_lock) = site.try_lock(SPAWN_LOCK)? else {
            return Ok(Outcome::Wait(Wait::pause(PAUSE)));
        };
        let Some(_supervisor_lock) = site.try_lock(SUPERVISOR_LOCK)? else {
            return Ok(Outcome::Wait(Wait::pause(PAUSE)));
        };
        let state = site.state();
        if !state.is_stopped(state.epoch) {
            site.remember_stop(state.epoch)?;
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
