//! A lingering server with too many namespaces is reset for those who come next: once for all of them, and never under
//! somebody's feet.

use std::sync::Barrier;

use serde_json::{Value, json};
use temporal_devserver::control::message::{Kind, Request, Status};

use crate::support::{Client, World, kill_9};

const NEWCOMERS: usize = 8;

fn options() -> Value {
    json!({ "linger": 60.0, "reset_above": 3 })
}

/// Leaves a lingering server with four namespaces.
fn filled(world: &World) -> Status {
    let mut client = world.client("warm", &options());
    let status = client.start();
    for name in ["a", "b", "c"] {
        let (name, retention) = (name.to_owned(), None);
        let create = Request::CreateNamespace { name, retention };
        client.call(create).unwrap();
    }
    client.release();
    status
}

fn resets(client: &Client) -> usize {
    let events = client
        .call(Request::Events {
            since: None,
            follow: false,
        })
        .unwrap();
    let events = events.as_array().unwrap().iter();
    events
        .filter(|event| event["kind"] == json!(Kind::Reset))
        .count()
}

#[test]
fn who_comes_at_once_to_a_full_server_gets_one_that_was_reset_once() {
    let world = World::new();
    let before = filled(&world);
    let barrier = Barrier::new(NEWCOMERS);
    std::thread::scope(|scope| {
        for _ in 0..NEWCOMERS {
            scope.spawn(|| {
                let mut client = world.client("warm", &options());
                barrier.wait();
                let after = client.start();
                assert_ne!(after.pid, before.pid);
                assert_eq!(after.address, before.address);
                let names = client.call(Request::ListNamespaces).unwrap();
                assert_eq!(names, json!(["default"]));
                assert_eq!(resets(&client), 1);
                barrier.wait();
            });
        }
    });
    world.client("warm", &json!({})).stop();
}

#[test]
fn nobody_who_is_there_is_disturbed() {
    let world = World::new();
    let before = filled(&world);
    let mut there = world.client("warm", &json!({}));
    assert_eq!(there.start().pid, before.pid);
    let mut newcomer = world.client("warm", &options());
    assert_eq!(newcomer.start().pid, before.pid);
    assert_eq!(resets(&there), 0);
    there.stop();
}

#[test]
fn nor_is_a_server_reset_that_is_not_full_or_keeps_its_data() {
    let world = World::new();
    let before = filled(&world);
    let mut patient = world.client("warm", &json!({ "reset_above": 4 }));
    assert_eq!(patient.start().pid, before.pid);
    patient.stop();
    patient.wait_until_stopped();
    let kept = json!({ "linger": 60.0, "reset_above": 0, "db": true });
    let mut client = world.client("warm", &kept);
    let before = client.start();
    client.release();
    assert_eq!(client.start().pid, before.pid);
    client.stop();
}

#[test]
fn nor_is_one_reset_for_who_brings_it_back() {
    let world = World::new();
    let options = json!({ "linger": 60.0, "reset_above": 0 });
    let mut quick = world.client("warm", &options);
    let mut slow = world.client("warm", &options);
    quick.start();
    kill_9(slow.start().supervisor_pid);
    let healed = quick.granted().unwrap();
    quick.release();
    assert_eq!(slow.granted().unwrap().pid, healed.pid);
    slow.stop();
}
