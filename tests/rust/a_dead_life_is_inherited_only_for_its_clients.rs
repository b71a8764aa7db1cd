//! A newcomer takes over the configuration of a killed life only where somebody who was granted a lease in it still lives.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use temporal_devserver::paths::{SPAWN_LOCK, ServerDir};
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{Guarded, World, eventually, kill_9, note, noted, role, role_dir, state_of};

#[test]
fn a_dead_life_is_inherited_only_for_its_clients() {
    let world = World::new();
    // Everything at once; nobody is left to bring that life back.
    drop(bereaved(&world));
    eventually("no process is left", || world.processes().is_empty());

    let dir = ServerDir::at(&world.server("shared")).unwrap();
    let spawn_lock = dir.try_exclusive(SPAWN_LOCK).unwrap().unwrap();
    let other = Guarded::spawn(&mut role(
        "a_dead_life_is_inherited_only_for_its_clients::newcomer_role",
        world.path(),
    ));
    noted(world.path(), "begun");
    kill(Pid::from_raw(other.pid()), Signal::SIGSTOP).unwrap();
    let identity = ProcessIdentity::of(other.pid()).unwrap();
    eventually("it stands still", || state_of(&identity) == Some('T'));
    drop(spawn_lock);
    let mut newcomer = world.client("shared", &json!({}));
    let database = newcomer.start().db_path.unwrap();
    assert!(!database.contains("/servers/"), "{database}");
}

#[test]
fn but_it_is_for_one_that_still_lives() {
    let world = World::new();
    let _first = bereaved(&world);
    let mut newcomer = world.client("shared", &json!({}));
    let database = newcomer.start().db_path.unwrap();
    assert!(database.contains("/servers/"), "{database}");
}

/// Returns a client that stands still, and whose supervisor was killed.
fn bereaved(world: &World) -> Guarded {
    let first = Guarded::spawn(&mut role(
        "a_dead_life_is_inherited_only_for_its_clients::first_role",
        world.path(),
    ));
    let supervisor = noted(world.path(), "ready");
    kill(Pid::from_raw(first.pid()), Signal::SIGSTOP).unwrap();
    kill_9(supervisor);
    first
}

#[test]
#[ignore = "a role"]
fn first_role() {
    let world = World::of_test(role_dir());
    let mut client = world.client("shared", &json!({ "db": true }));
    let status = client.start();
    note(world.path(), "ready", &status.supervisor_pid.to_string());
    loop {
        std::thread::park();
    }
}

#[test]
#[ignore = "a role"]
fn newcomer_role() {
    let world = World::of_test(role_dir());
    let mut client = world.client("shared", &json!({}));
    client.begin();
    note(world.path(), "begun", "1");
    loop {
        client.look();
    }
}
