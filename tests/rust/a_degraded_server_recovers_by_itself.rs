//! A server whose state could not be written is `degraded` until there is room again: no restart, no call is needed for that.

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, kill_9};

#[test]
fn a_degraded_server_recovers_by_itself() {
    let world = World::new();
    let health = json!({ "interval": 0.05, "timeout": 5.0, "failures": 12 });
    let mut client = world.client("full", &json!({ "health": health }));
    let before = client.start();
    let in_the_way = world.server("full").join("state.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    kill_9(before.pid.unwrap());
    client.wait_for(Kind::Degraded);
    let pid = client.status().pid;
    std::fs::remove_dir(&in_the_way).unwrap();
    client.wait_for(Kind::Recovered);
    let after = client.status();
    assert_eq!((after.state, after.pid), (Kind::Ready, pid));
}
