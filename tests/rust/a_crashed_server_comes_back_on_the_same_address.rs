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
