//! A server that was killed is started again at once, on the same address, and every client is told.

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, kill_9};

#[test]
fn a_crashed_server_comes_back_on_the_same_address() {
    let world = World::new();
    let mut client = world.private(&json!({ "ui": true }));
    let before = client.start();
    kill_9(before.pid.unwrap());
    let exited = client.wait_for(Kind::Exited);
    assert!(exited.message.contains("SIGKILL"), "{}", exited.message);
    let ready = client.wait_for(Kind::Ready);
    assert_ne!(ready.pid, before.pid);
    let after = client.status();
    assert_eq!(after.address, before.address);
    assert_eq!(after.ui_url, before.ui_url);
    assert_eq!(after.db_path, before.db_path);
    assert_eq!(after.restarts, 1);
    assert_eq!(after.supervisor_pid, before.supervisor_pid);
}

#[test]
fn a_server_that_had_been_ready_is_restarted_without_a_delay() {
    let world = World::new();
    // Far longer than this test waits for anything.
    let restart = json!({ "initial_delay": 1e6, "max_delay": 1e6 });
    let mut client = world.private(&json!({ "restart": restart }));
    let mut pid = client.start().pid.unwrap();
    for _ in 0..5 {
        kill_9(pid);
        client.wait_for(Kind::Exited);
        client.wait_for(Kind::Ready);
        pid = client.status().pid.unwrap();
    }
}
