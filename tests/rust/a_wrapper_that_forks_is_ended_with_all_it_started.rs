//! A `temporal` that is a script and starts the server as its child is supervised as the server itself: all of it ends, and
//! all of it is healed.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use temporal_devserver::control::message::{Kind, Request};
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{POLITE, World, eventually, fake_temporal, kill_9};

/// What version managers put in the place of an executable; one of them leads a group of its own.
const SCRIPT: &str = "#!/bin/sh\nPREFIX 'FAKE' \"$@\" &\nwait $!\n";

fn wrapped(prefix: &str) -> (World, Value) {
    let mut world = World::new();
    world.use_cache_of_its_own();
    let wrapper = world.path().join("temporal");
    let script = SCRIPT.replace("FAKE", fake_temporal().to_str().unwrap());
    std::fs::write(&wrapper, script.replace("PREFIX", prefix)).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let options = json!({ "executable": wrapper, "db": true });
    // The template is no part of the lives that are looked at.
    let mut builder = world.client("builder", &options);
    builder.start();
    builder.release();
    world.wait_until_empty();
    (world, options)
}

/// Returns who is there beside this supervisor, when there are two: the wrapper and the server.
fn both(world: &World, supervisor: i32) -> Vec<ProcessIdentity> {
    let mut found = vec![];
    eventually("a wrapper and a server", || {
        let pids = world.processes();
        found = pids
            .iter()
            .filter(|pid| **pid != supervisor)
            .copied()
            .collect();
        found.len() == 2
    });
    found.into_iter().filter_map(ProcessIdentity::of).collect()
}

#[test]
fn a_wrapper_that_forks_is_ended_with_all_it_started() {
    for prefix in ["", "setsid"] {
        let (world, options) = wrapped(prefix);
        let mut client = world.client("wrapped", &options);
        let before = client.start();
        let supervisor = before.supervisor_pid;
        let first = both(&world, supervisor);
        // The wrapper dies, and the server that it started is not what the next one meets.
        kill_9(before.pid.unwrap());
        client.wait_for(Kind::Exited);
        client.wait_for(Kind::Ready);
        let second = both(&world, supervisor);
        assert!(!first.iter().any(ProcessIdentity::is_alive), "{first:?}");
        // The server dies alone.
        let server = second
            .iter()
            .find(|one| Some(one.pid) != client.status().pid);
        kill_9(server.unwrap().pid);
        client.wait_for(Kind::Exited);
        client.wait_for(Kind::Ready);
        client.call(Request::Restart(POLITE)).unwrap();
        client.wait_for(Kind::Exited);
        client.wait_for(Kind::Ready);
        let last = both(&world, supervisor);
        // The death signal reaches the wrapper only; the server is found by the lock that it holds.
        kill_9(supervisor);
        let healed = client.granted().unwrap();
        assert!(!last.iter().any(ProcessIdentity::is_alive), "{last:?}");
        assert_eq!(healed.address, before.address);
        both(&world, healed.supervisor_pid);
        client.release();
        world.wait_until_empty();
    }
}

/// Nobody is left to end the server then: that is what the next start is for.
#[test]
fn what_a_total_kill_leaves_of_it_goes_with_the_next_start() {
    let (world, options) = wrapped("");
    let mut client = world.client("wrapped", &options);
    let before = client.start();
    let all = both(&world, before.supervisor_pid);
    client.abandon();
    kill_9(before.supervisor_pid);
    drop(client);
    let mut next = world.client("wrapped", &options);
    let granted = next.start();
    assert!(!all.iter().any(ProcessIdentity::is_alive), "{all:?}");
    both(&world, granted.supervisor_pid);
}
