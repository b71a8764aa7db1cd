//! A launcher that is killed between its spawn and the answer leaves nothing, wherever its supervisor is at that instant.

use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{FAILPOINT, Guarded, World, eventually, note, role, role_dir, state_of};

/// Lets the supervisor stand still at its n-th effect, for every n until the launcher is answered before that, and kills the
/// launcher meanwhile; returns how many effects that were.
fn sweep(name: &str) -> u32 {
    let mut number = 0;
    while dies_first(name, number + 1) {
        number += 1;
    }
    number
}

/// Tells whether the launcher was killed before the supervisor's effect with this number; then nothing is left of both.
fn dies_first(name: &str, number: u32) -> bool {
    let world = World::new();
    let plan = format!("{number} stop {}", world.path().display());
    note(world.path(), "plan", &plan);
    note(world.path(), "name", name);
    let mut command = role(
        "a_launcher_killed_before_it_is_answered_leaves_nothing::launcher_role",
        world.path(),
    );
    let launcher = Guarded::spawn(command.stderr(Stdio::null()));
    let exists = |name: &str| world.path().join(name).exists();
    eventually("its supervisor stands still, or has answered", || {
        exists("answered") || exists("fired") && !stopped(&world).is_empty()
    });
    let is_first = !exists("answered");
    drop(launcher);
    eventually(&format!("nothing is left, number {number}"), || {
        // One that had answered may come to its effect only now.
        for pid in stopped(&world) {
            kill(Pid::from_raw(pid), Signal::SIGCONT).ok();
        }
        world.processes().is_empty()
    });
    let at = std::fs::read_to_string(world.path().join("fired"));
    let data = std::fs::read_dir(world.path().join("tmp")).unwrap().count();
    assert_eq!(data, 0, "number {number} ({at:?})");
    // No manual step: the same name, and whatever lies about in a directory that no supervisor has seen.
    let mut next = world.client("spawned", &json!({}));
    next.start();
    next.release();
    is_first
}

fn stopped(world: &World) -> Vec<i32> {
    let is_stopped = |pid: &i32| {
        let identity = ProcessIdentity::of(*pid);
        identity.as_ref().and_then(state_of) == Some('T')
    };
    world.processes().into_iter().filter(is_stopped).collect()
}

#[test]
fn a_launcher_killed_before_it_is_answered_leaves_nothing() {
    let swept = sweep("spawned");
    assert!(swept > 10, "only {swept} effects");
}

#[test]
fn nor_does_that_of_a_private_server() {
    let swept = sweep("");
    assert!(swept > 10, "only {swept} effects");
}

#[test]
#[ignore = "a role"]
fn launcher_role() {
    let mut world = World::of_test(role_dir());
    let read = |name: &str| std::fs::read_to_string(role_dir().join(name)).unwrap();
    world.set_variable(FAILPOINT, &read("plan"));
    let mut client = match read("name").as_str() {
        "" => world.private(&json!({})),
        name => world.client(name, &json!({})),
    };
    client.start();
    note(world.path(), "answered", "1");
    loop {
        std::thread::park();
    }
}
