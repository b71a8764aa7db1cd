//! The world as a model: locks, socket, state file, connections, and supervisors that take the steps of the real one.
//!
//! What the kernel does is modelled (who holds a lock, what a kill closes); what clients do is the product's own code. The
//! supervisor's steps are those of `drive.rs` and `begin.rs`, as far as anybody else can see them.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::time::Instant;

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::control::message::{PROTOCOL, Reply, Request, Welcome};
use crate::error::Result;
use crate::paths::{SPAWN_LOCK, SUPERVISOR_LOCK};
use crate::process::identity::ProcessIdentity;
use crate::session::link::{Connected, Received};
use crate::session::site::Site;
use crate::session::wait::Wait;
use crate::state_file::State;

/// Number of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wire(pub usize);

/// A lock; who holds it, the world knows.
#[derive(Debug, Clone)]
pub(super) struct Token;

#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub epoch: u64,
    pub stopped: u64,
    /// The client that holds `spawn.lock`.
    pub spawn_lock: Option<usize>,
    /// Whose socket lies in the directory, dead or alive.
    socket: Option<usize>,
    pub supervisors: Vec<Supervisor>,
    pub connections: Vec<Connection>,
}

#[derive(Debug, Clone)]
pub(super) struct Supervisor {
    pub phase: Phase,
    epoch: u64,
    first: usize,
    leases: Vec<usize>,
    stop_waiters: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Spawned, and not at its lock yet.
    Born,
    Locked,
    /// It knows what is wanted.
    Told,
    /// Its life is counted.
    Begun,
    Listening,
    Serving,
    Stopping,
    Dead,
}

#[derive(Debug, Clone)]
pub(super) struct Connection {
    supervisor: usize,
    to_supervisor: VecDeque<Request>,
    to_client: VecDeque<Reply>,
    pub is_open_here: bool,
    is_open_there: bool,
    is_accepted: bool,
}

impl World {
    /// Returns who is the supervisor, if there is one.
    pub(super) fn supervisor(&self) -> Option<usize> {
        self.supervisors
            .iter()
            .position(|one| !matches!(one.phase, Phase::Born | Phase::Dead))
    }

    /// Tells whether a life that was stopped is not over yet.
    pub(super) fn has_half_a_stop(&self) -> bool {
        let supervisor = self.supervisor().map(|number| &self.supervisors[number]);
        supervisor.is_some_and(|one| one.phase >= Phase::Begun && one.epoch <= self.stopped)
    }

    fn open(&mut self, supervisor: usize) -> Wire {
        self.connections.push(Connection {
            supervisor,
            to_supervisor: VecDeque::new(),
            to_client: VecDeque::new(),
            is_open_here: true,
            is_open_there: true,
            is_accepted: false,
        });
        Wire(self.connections.len() - 1)
    }

    /// Ends a supervisor as SIGKILL does, and as the end of its process does.
    pub(super) fn end(&mut self, number: usize) {
        self.supervisors[number].phase = Phase::Dead;
        for connection in &mut self.connections {
            connection.is_open_there &= connection.supervisor != number;
        }
    }

    /// Returns the worlds that one step of this supervisor can lead to.
    pub(super) fn steps_of(&self, number: usize) -> Vec<Self> {
        let mut next = self.clone();
        let me = &self.supervisors[number];
        let is_ours = |c: &usize| self.connections[*c].supervisor == number;
        match me.phase {
            Phase::Born if self.supervisor().is_some() => next.end(number),
            Phase::Born => next.supervisors[number].phase = Phase::Locked,
            Phase::Locked => {
                let first = next.connections[me.first].to_supervisor.pop_front();
                let is_there = first.is_some();
                next.supervisors[number].phase = Phase::Told;
                if !is_there {
                    next.end(number);
                }
            }
            Phase::Told => {
                next.epoch = next.epoch.max(next.stopped) + 1;
                next.supervisors[number].epoch = next.epoch;
                next.supervisors[number].phase = Phase::Begun;
            }
            Phase::Begun => {
                next.socket = Some(number);
                next.supervisors[number].phase = Phase::Listening;
            }
            Phase::Listening => {
                next.supervisors[number].phase = Phase::Serving;
                next.connections[me.first].is_accepted = true;
                next.welcome(number, me.first, true);
            }
            Phase::Serving | Phase::Stopping => {
                let connections = (0..self.connections.len()).filter(is_ours);
                let mut all: Vec<Self> =
                    connections.filter_map(|c| self.serve(number, c)).collect();
                if me.phase == Phase::Stopping {
                    for waiter in &me.stop_waiters {
                        let value = Value::Null;
                        next.connections[*waiter]
                            .to_client
                            .push_back(Reply::Done { value });
                    }
                    next.end(number);
                    all.push(next);
                }
                return all;
            }
            Phase::Dead => return vec![],
        }
        vec![next]
    }

    /// Takes what came on one connection: a line, or its end.
    fn serve(&self, number: usize, c: usize) -> Option<Self> {
        let mut next = self.clone();
        let (connection, me) = (&mut next.connections[c], &mut next.supervisors[number]);
        if !connection.is_open_there {
            return None;
        }
        let said = connection.to_supervisor.pop_front();
        if said.is_none() && connection.is_open_here {
            return None;
        }
        connection.is_accepted = true;
        let is_stopping = me.phase == Phase::Stopping;
        match said {
            Some(Request::Hello(hello)) if hello.lease.is_some() && is_stopping => {
                connection.to_client.push_back(Reply::Ending);
            }
            Some(Request::Hello(hello)) => next.welcome(number, c, hello.lease.is_some()),
            Some(Request::Stop(_)) => {
                me.stop_waiters.push(c);
                if !is_stopping {
                    next.stopped = next.stopped.max(me.epoch);
                    next.begin_to_stop(number);
                }
            }
            Some(_) => {}
            None => {
                connection.is_open_there = false;
                me.leases.retain(|lease| *lease != c);
                if me.leases.is_empty() && !is_stopping {
                    next.begin_to_stop(number);
                }
            }
        }
        Some(next)
    }

    fn welcome(&mut self, number: usize, c: usize, has_lease: bool) {
        let me = &mut self.supervisors[number];
        if has_lease {
            me.leases.push(c);
        }
        self.connections[c]
            .to_client
            .push_back(Reply::Hello(Welcome {
                protocol: PROTOCOL,
                version: String::new(),
                identity: String::new(),
                epoch: me.epoch,
                pid: 0,
                lease: None,
                stop_timeout: 0.0,
            }));
    }

    /// The socket goes, and with it who was not accepted yet.
    fn begin_to_stop(&mut self, number: usize) {
        self.supervisors[number].phase = Phase::Stopping;
        self.socket = None;
        for connection in &mut self.connections {
            if connection.supervisor == number && !connection.is_accepted {
                connection.is_open_there = false;
            }
        }
    }
}

/// Tells the time, which stands still: nobody loses patience.
pub(super) fn now() -> Instant {
    static NOW: OnceLock<Instant> = OnceLock::new();
    *NOW.get_or_init(Instant::now)
}

/// The world as one client sees it.
pub(super) struct View<'a> {
    pub world: &'a mut World,
    pub client: usize,
}

impl Site for View<'_> {
    type Link = Wire;
    type Lock = Token;

    fn now(&self) -> Instant {
        now()
    }

    fn connect(&mut self) -> Result<Connected<Wire>> {
        let listens = |one: &usize| {
            matches!(
                self.world.supervisors[*one].phase,
                Phase::Listening | Phase::Serving
            )
        };
        Ok(match self.world.socket.filter(listens) {
            Some(supervisor) => Connected::Yes(self.world.open(supervisor)),
            None => Connected::No,
        })
    }

    fn try_lock(&mut self, name: &'static str) -> Result<Option<Token>> {
        let is_free = match name {
            SPAWN_LOCK => self.world.spawn_lock.is_none(),
            SUPERVISOR_LOCK => self.world.supervisor().is_none(),
            _ => false,
        };
        if is_free && name == SPAWN_LOCK {
            self.world.spawn_lock = Some(self.client);
        }
        Ok(is_free.then_some(Token))
    }

    fn state(&self) -> State {
        State {
            epoch: self.world.epoch,
            stopped_epoch: self.world.stopped,
            ..State::default()
        }
    }

    fn remember_stop(&mut self, epoch: u64) -> Result<()> {
        self.world.stopped = self.world.stopped.max(epoch);
        Ok(())
    }

    fn spawn(&mut self, hello: &Request) -> Result<Wire> {
        let mut wire = self.world.open(self.world.supervisors.len());
        self.send(&mut wire, hello);
        self.world.supervisors.push(Supervisor {
            phase: Phase::Born,
            epoch: 0,
            first: wire.0,
            leases: vec![],
            stop_waiters: vec![],
        });
        Ok(wire)
    }

    fn send(&mut self, link: &mut Wire, request: &Request) {
        let connection = &mut self.world.connections[link.0];
        connection.to_supervisor.push_back(request.clone());
    }

    fn receive(&mut self, link: &mut Wire) -> Received {
        let connection = &mut self.world.connections[link.0];
        match connection.to_client.pop_front() {
            Some(reply) => Received::Reply(Box::new(reply)),
            None if connection.is_open_there => Received::Nothing,
            None => Received::End,
        }
    }

    fn wait(&self, _link: &Wire, until: impl Into<Option<Instant>>) -> Wait {
        Wait {
            fd: None,
            until: until.into(),
        }
    }

    fn signal(&mut self, _link: &Wire, _signal: Signal) {}

    fn holders(&self, _name: &'static str) -> Vec<ProcessIdentity> {
        vec![]
    }
}
