//! The events of a server as they come, for somebody who does not use it. A step machine that never waits.
//!
//! Invariant: it is no lease, so it keeps no server up. No event is told twice, and none is missed while one supervisor lives; when
//! that is killed, the next one is waited for as long as those who use the server need to bring it back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::control::message::{Event, Kind, Reply, Request};
use crate::error::{Error, Result};
use crate::paths::ServerDir;
use crate::session::call::{Call, Outcome};
use crate::session::link::{Link, Received};
use crate::session::wait::{PAUSE, Wait};

/// How long a supervisor that was killed is waited for.
const HEAL: Duration = Duration::from_secs(2);

/// The events of a server.
#[derive(Debug)]
pub struct Follow {
    dir: Arc<ServerDir>,
    name: String,
    stage: Stage,
    /// The last event that was told.
    known: Option<(String, u64)>,
    /// Until when a next supervisor is waited for.
    lost_until: Option<Instant>,
}

#[derive(Debug)]
enum Stage {
    Asking(Call),
    Told(Link),
    Ended,
}

/// What one step came to.
#[derive(Debug)]
pub enum Followed {
    /// Wait, then call again.
    Wait(Wait),
    /// These are told now.
    Events(Vec<Event>),
    /// The server was stopped, or nobody brings it back.
    Ended,
}

impl Follow {
    /// Begins with the events so far.
    pub fn new(dir: Arc<ServerDir>, name: &str) -> Self {
        Self {
            stage: Stage::Asking(ask(&dir, name, None)),
            dir,
            name: name.to_owned(),
            known: None,
            lost_until: None,
        }
    }

    /// Does what can be done now.
    pub fn advance(&mut self) -> Result<Followed> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Ended => Ok(Followed::Ended),
            Stage::Asking(call) => self.asking(call),
            Stage::Told(link) => Ok(self.told(link)),
        }
    }

    fn asking(&mut self, mut call: Call) -> Result<Followed> {
        match call.advance() {
            Ok(Outcome::Wait(wait)) => {
                self.stage = Stage::Asking(call);
                Ok(Followed::Wait(wait))
            }
            Ok(Outcome::Done(value)) => {
                let events = serde_json::from_value(value).unwrap_or_default();
                self.lost_until = None;
                if let Some(link) = call.into_link() {
                    self.stage = Stage::Told(link);
                }
                Ok(self.tell(events))
            }
            Err(Error::NotRunning { .. } | Error::SupervisorLost { .. })
                if self.lost_until.is_some_and(|until| Instant::now() < until) =>
            {
                self.again();
                Ok(Followed::Wait(Wait::pause(PAUSE)))
            }
            Err(Error::NotRunning { .. }) if self.lost_until.is_some() => Ok(Followed::Ended),
            Err(error) => Err(error),
        }
    }

    fn told(&mut self, mut link: Link) -> Followed {
        match link.receive() {
            Received::Reply(reply) => {
                self.stage = Stage::Told(link);
                match *reply {
                    Reply::Event(event) => self.tell(vec![event]),
                    _ => Followed::Events(vec![]),
                }
            }
            Received::Nothing => {
                let wait = link.wait(None);
                self.stage = Stage::Told(link);
                Followed::Wait(wait)
            }
            Received::End => {
                self.lost_until = Some(Instant::now() + HEAL);
                self.again();
                Followed::Wait(Wait::pause(PAUSE))
            }
        }
    }

    fn again(&mut self) {
        self.stage = Stage::Asking(ask(&self.dir, &self.name, self.known.clone()));
    }

    fn tell(&mut self, events: Vec<Event>) -> Followed {
        if let Some(last) = events.last() {
            self.known = Some((last.server.clone(), last.seq));
            if last.kind == Kind::Stopped {
                self.stage = Stage::Ended;
            }
        }
        Followed::Events(events)
    }
}

fn ask(dir: &Arc<ServerDir>, name: &str, since: Option<(String, u64)>) -> Call {
    let request = Request::Events {
        since,
        follow: true,
    };
    Call::new(Arc::clone(dir), name, request)
}
