//! A client that is killed leaves nothing, at whatever instant it dies.

use std::time::Duration;

use serde_json::json;

use crate::support::{Guarded, World, eventually, note, noted, role, role_dir};

#[test]
fn nothing_is_left_when_the_last_client_dies() {
    let world = World::new();
    let client = Guarded::spawn(&mut role(
        "nothing_is_left_when_the_last_client_dies::client_role",
        world.path(),
    ));
    assert!(noted(world.path(), "ready") > 0);
    assert_eq!(world.remains().len(), 2);
    drop(client);
    world.wait_until_empty();
}

#[test]
fn not_even_in_the_middle_of_a_start() {
    let world = World::new();
    for milliseconds in (0..60).step_by(4) {
        let client = Guarded::spawn(&mut role(
            "nothing_is_left_when_the_last_client_dies::client_role",
            world.path(),
        ));
        noted(world.path(), "spawned");
        std::thread::park_timeout(Duration::from_millis(milliseconds));
        drop(client);
        for name in ["spawned", "ready"] {
            std::fs::remove_file(world.path().join(name)).ok();
        }
        eventually("no process is left", || world.processes().is_empty());
        // Killed before its supervisor knew the directory: that is for the next sweep.
        let data = std::fs::read_dir(world.path().join("tmp")).unwrap().count();
        assert_eq!(data, 0, "killed after {milliseconds} ms");
    }
    world.private(&json!({})).start();
}

#[test]
#[ignore = "a role"]
fn client_role() {
    let world = World::of_test(role_dir());
    let mut client = world.private(&json!({}));
    client.begin();
    while world.processes().is_empty() {
        client.look();
    }
    note(world.path(), "spawned", "1");
    let status = client.granted().unwrap();
    note(world.path(), "ready", &status.pid.unwrap().to_string());
    loop {
        std::thread::park();
    }
}
