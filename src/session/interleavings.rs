//! Every order in which clients, supervisors and one kill can take their steps: the protocol of locks and socket, explored.
//!
//! The clients are the product's own [`Launch`] and [`Verb`]; a state that was seen before is not entered again, so the
//! search ends when it has seen all. In every state there is at most one supervisor; from every state all can come to
//! rest; and a state of rest has what was asked for.

mod model;

use std::collections::{HashMap, VecDeque};

use self::model::{Phase, Token, View, Wire, World, now};
use crate::control::message::{Force, LeaseRequest, Request};
use crate::session::call::{Outcome, Verb};
use crate::session::launch::{Launch, Progress, Step};
use crate::session::site::Site as _;

#[derive(Debug, Clone)]
enum Client {
    Launching(Box<Launch<Wire, Token>>),
    /// It has a lease with the supervisor of this life.
    Held(Wire, u64),
    Stopping(Box<Verb<Wire>>),
    /// Its stop is answered.
    Done,
    /// It was told that the server was stopped.
    Stopped,
    Failed,
    Killed,
}

impl Client {
    fn starting(lost: Option<u64>) -> Self {
        let launch = Launch::new(LeaseRequest::of_test("a"), lost, now());
        Self::Launching(Box::new(launch))
    }

    fn stopping() -> Self {
        let request = Request::Stop(Force {
            force: true,
            lease: None,
        });
        Self::Stopping(Box::new(Verb::new("a", request, now())))
    }

    /// Takes one step of the product's.
    fn step(self, view: &mut View<'_>) -> Self {
        match self {
            Self::Launching(mut launch) => match launch.advance(view) {
                Ok(Progress::Again | Progress::Wait(_)) => Self::Launching(launch),
                Ok(Progress::Leased(link, welcome)) => Self::Held(link, welcome.epoch),
                Ok(Progress::Stopped) => Self::Stopped,
                Err(_) => Self::Failed,
            },
            Self::Held(mut link, epoch) => {
                if !matches!(view.receive(&mut link), crate::session::link::Received::End) {
                    Self::Held(link, epoch)
                } else if view.state().is_stopped(epoch) {
                    Self::Stopped
                } else {
                    Self::starting(Some(epoch))
                }
            }
            Self::Stopping(mut verb) => match verb.advance(view) {
                Ok(Outcome::Wait(_)) => Self::Stopping(verb),
                Ok(Outcome::Done(_)) => Self::Done,
                Err(_) => Self::Failed,
            },
            rest => rest,
        }
    }

    fn wire(&self) -> Option<Wire> {
        match self {
            Self::Launching(launch) => match &launch.step {
                Step::Greet { link, .. } => Some(*link),
                _ => None,
            },
            Self::Held(link, _) => Some(*link),
            Self::Stopping(verb) => verb.link,
            _ => None,
        }
    }

    fn has_spawn_lock(&self) -> bool {
        matches!(self, Self::Launching(launch) if launch.spawn_lock.is_some())
    }
}

#[derive(Debug, Clone)]
struct Everything {
    world: World,
    clients: Vec<Client>,
    may_kill: bool,
}

impl Everything {
    /// Lets a client become what it is now; the kernel closes what it no longer has.
    fn become_of(&mut self, number: usize, client: Client) {
        let before = self.clients[number].wire();
        if let Some(Wire(before)) = before.filter(|before| client.wire() != Some(*before)) {
            self.world.connections[before].is_open_here = false;
        }
        if self.world.spawn_lock == Some(number) && !client.has_spawn_lock() {
            self.world.spawn_lock = None;
        }
        self.clients[number] = client;
    }

    fn step_client(&mut self, number: usize) {
        let client = self.clients[number].clone();
        let mut view = View {
            world: &mut self.world,
            client: number,
        };
        let client = client.step(&mut view);
        self.become_of(number, client);
    }

    fn successors(&self) -> Vec<Self> {
        let mut all = vec![];
        for number in 0..self.clients.len() {
            let mut next = self.clone();
            next.step_client(number);
            all.push(next);
            if self.may_kill {
                let mut next = self.clone();
                next.may_kill = false;
                next.become_of(number, Client::Killed);
                all.push(next);
            }
        }
        for number in 0..self.world.supervisors.len() {
            let worlds = self.world.steps_of(number);
            all.extend(worlds.into_iter().map(|world| Self {
                world,
                ..self.clone()
            }));
            if self.may_kill && self.world.supervisors[number].phase != Phase::Dead {
                let mut next = self.clone();
                next.may_kill = false;
                next.world.end(number);
                all.push(next);
            }
        }
        all
    }

    /// Checks what has to be true at every moment.
    fn check(&self) {
        let is_alive = |one: &&model::Supervisor| !matches!(one.phase, Phase::Born | Phase::Dead);
        let alive = self.world.supervisors.iter().filter(is_alive).count();
        assert!(alive <= 1, "{self:#?}");
        for client in &self.clients {
            assert!(!matches!(client, Client::Failed), "{self:#?}");
            let is_answered = matches!(client, Client::Done);
            assert!(!is_answered || !self.world.has_half_a_stop(), "{self:#?}");
        }
    }

    /// Tells whether everybody has what it wanted, or knows that it was stopped.
    fn is_at_rest(&self) -> bool {
        let is_idle =
            |client: &Client| !matches!(client, Client::Launching(_) | Client::Stopping(_));
        let is_held = |client: &Client| matches!(client, Client::Held(..));
        let is_up = self
            .world
            .supervisors
            .iter()
            .any(|one| one.phase == Phase::Serving);
        let is_gone = self
            .world
            .supervisors
            .iter()
            .all(|one| one.phase == Phase::Dead);
        let any_held = self.clients.iter().any(is_held);
        self.clients.iter().all(is_idle) && if any_held { is_up } else { is_gone }
    }
}

/// Explores all that can follow; each state of rest has to pass.
#[track_caller]
fn explore(clients: Vec<Client>, world: World, check: impl Fn(&Everything)) {
    let first = Everything {
        world,
        clients,
        may_kill: true,
    };
    let mut seen = HashMap::from([(format!("{first:?}"), 0)]);
    let mut states = vec![first];
    let mut before: Vec<Vec<usize>> = vec![vec![]];
    let mut next = 0;
    while next < states.len() {
        for successor in states[next].successors() {
            let count = states.len();
            let number = *seen.entry(format!("{successor:?}")).or_insert(count);
            if number == count {
                successor.check();
                states.push(successor);
                before.push(vec![]);
            }
            before[number].push(next);
        }
        next += 1;
    }
    let rests: VecDeque<usize> = (0..states.len())
        .filter(|one| states[*one].is_at_rest())
        .collect();
    for rest in &rests {
        check(&states[*rest]);
    }
    let mut comes_to_rest = vec![false; states.len()];
    let mut queue = rests;
    while let Some(number) = queue.pop_front() {
        if !std::mem::replace(&mut comes_to_rest[number], true) {
            queue.extend(&before[number]);
        }
    }
    if let Some(stuck) = comes_to_rest.iter().position(|rests| !rests) {
        panic!(
            "of {} states, this one comes to no rest: {:#?}",
            states.len(),
            states[stuck]
        );
    }
}

/// Lets `count` clients have leases with one supervisor.
fn held(count: usize) -> (Vec<Client>, World) {
    let mut everything = Everything {
        world: World::default(),
        clients: (0..count).map(|_| Client::starting(None)).collect(),
        may_kill: false,
    };
    while !everything.is_at_rest() {
        for number in 0..count {
            everything.step_client(number);
        }
        for number in 0..everything.world.supervisors.len() {
            if let Some(world) = everything.world.steps_of(number).into_iter().next() {
                everything.world = world;
            }
        }
    }
    (everything.clients, everything.world)
}

fn is_served(client: &Client) -> bool {
    matches!(client, Client::Held(..) | Client::Killed)
}

#[test]
fn two_that_start_get_one_supervisor_whoever_is_killed() {
    let clients = vec![Client::starting(None), Client::starting(None)];
    explore(clients, World::default(), |rest| {
        assert!(rest.clients.iter().all(is_served), "{rest:#?}");
        let spawned = rest.world.supervisors.len();
        assert!(spawned == 1 || !rest.may_kill, "one is enough: {rest:#?}");
    });
}

#[test]
fn two_that_have_a_server_get_it_back_whoever_is_killed() {
    let (clients, world) = held(2);
    explore(clients, world, |rest| {
        assert!(rest.clients.iter().all(is_served), "{rest:#?}");
    });
}

#[test]
fn a_stop_is_a_stop_for_those_who_bring_a_server_back() {
    let (mut clients, world) = held(2);
    clients.push(Client::stopping());
    explore(clients, world, |rest| {
        if matches!(rest.clients[2], Client::Done) {
            let is_over = |client: &Client| matches!(client, Client::Stopped | Client::Killed);
            assert!(rest.clients[..2].iter().all(is_over), "{rest:#?}");
        }
    });
}

#[test]
fn a_start_beside_a_stop_comes_to_an_end() {
    let (mut clients, world) = held(1);
    clients.push(Client::stopping());
    clients.push(Client::starting(None));
    explore(clients, world, |rest| {
        let is_over = |client: &Client| is_served(client) || matches!(client, Client::Stopped);
        assert!(is_over(&rest.clients[2]), "{rest:#?}");
    });
}
