//! Who follows the events is told each once, across the death of a supervisor, and keeps no server up.

use std::sync::Arc;

use serde_json::json;
use temporal_devserver::control::message::{Event, Kind};
use temporal_devserver::paths::ServerDir;
use temporal_devserver::session::{Follow, Followed};

use crate::support::{World, eventually, kill_9};

/// What was told so far.
struct Told(Follow, Vec<Event>);

impl Told {
    fn by(world: &World, name: &str) -> Self {
        let dir = ServerDir::at(&world.server(name)).unwrap();
        Self(Follow::new(Arc::new(dir), name), vec![])
    }

    /// Takes what has come; tells whether that was the end.
    fn look(&mut self) -> bool {
        loop {
            match self.0.advance().unwrap() {
                Followed::Events(events) => self.1.extend(events),
                Followed::Wait(_) => return false,
                Followed::Ended => return true,
            }
        }
    }

    fn count(&mut self, kind: Kind) -> usize {
        self.look();
        self.1.iter().filter(|event| event.kind == kind).count()
    }
}

#[test]
fn events_are_followed_without_a_lease() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    let mut told = Told::by(&world, "shared");
    eventually("the start is told", || told.count(Kind::Ready) == 1);
    kill_9(client.status().pid.unwrap());
    eventually("the restart is told", || {
        client.look();
        told.count(Kind::Ready) == 2
    });
    assert_eq!(client.status().leases.len(), 1, "only the client uses it");
    client.release();
    eventually("the end is told", || told.look());
    assert_eq!(told.count(Kind::Stopped), 1);
    let mut numbers: Vec<u64> = told.1.iter().map(|event| event.seq).collect();
    numbers.dedup();
    let all: Vec<u64> = (1..).take(told.1.len()).collect();
    assert_eq!(numbers, all);
}

#[test]
fn who_follows_meets_the_next_supervisor() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    let mut told = Told::by(&world, "shared");
    eventually("the start is told", || told.count(Kind::Ready) == 1);
    kill_9(before.supervisor_pid);
    eventually("the heal is told", || {
        client.look();
        told.count(Kind::Ready) == 2
    });
    let lives = told.1.iter().map(|event| &event.server);
    assert_eq!(lives.collect::<std::collections::BTreeSet<_>>().len(), 2);
}
