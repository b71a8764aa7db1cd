//! Whoever wants a server to be killed or started again while it is being stopped is told that it is not running.

use serde_json::json;

use crate::support::{Raw, World};

#[test]
fn a_server_that_is_being_stopped_takes_no_other_order() {
    let world = World::with("stop_takes=1");
    let db = world.path().join("kept.db");
    let mut client = world.client("shared", &json!({ "db": db }));
    client.start();
    let [mut one, mut other] = [0, 1].map(|_| Raw::hello(&world.server("shared"), 1));
    one.say(&json!({ "op": "stop", "force": true }));
    client.wait_for(temporal_devserver::control::message::Kind::Stopping);
    for op in ["kill", "restart", "pause"] {
        let refused = other.ask(&json!({ "op": op, "force": true }));
        assert_eq!(refused["error"]["code"], "not_running", "{refused}");
    }
    assert_eq!(one.answer()["reply"], "done");
    client.wait_until_stopped();
}
