//! A process that outlived a total kill and still holds our server's lock is ended by the next start.

use serde_json::json;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{World, eventually, kill_9};

#[test]
fn an_orphan_that_holds_the_lock_is_ended() {
    // What the server starts inherits its locks, and no death signal reaches it.
    let world = World::with("fork=other");
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    let servers = [before.pid.unwrap(), before.supervisor_pid];
    let is_orphan = |pid: &i32| !servers.contains(pid);
    let orphan = world.processes().into_iter().find(is_orphan).unwrap();
    let orphan = ProcessIdentity::of(orphan).unwrap();
    // First, so that nobody cleans up.
    kill_9(before.supervisor_pid);
    drop(client);
    eventually("only the orphan is left", || {
        world.processes() == [orphan.pid]
    });
    let mut next = world.client("shared", &json!({}));
    next.start();
    assert!(!orphan.is_alive());
    let log = world.text("shared", "supervisor.log");
    assert!(log.contains("orphan"), "{log}");
}

#[test]
fn one_of_a_private_server_too() {
    let world = World::with("fork=other");
    let mut client = world.private(&json!({}));
    let before = client.start();
    kill_9(before.supervisor_pid);
    drop(client);
    eventually("only the orphan is left", || world.processes().len() == 1);
    // The next start of any server, however short it is.
    world.client("other", &json!({})).start();
    world.wait_until_empty();
}
