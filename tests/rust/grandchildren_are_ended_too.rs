//! What a server has started ends with it, in its group or out of it, however the server ends.

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, eventually, kill_9};

#[test]
fn grandchildren_are_ended_too() {
    for group in ["same", "other"] {
        let world = World::with(&format!("fork={group}"));
        let mut client = world.private(&json!({}));
        let before = client.start();
        assert_eq!(world.processes().len(), 3);
        kill_9(before.pid.unwrap());
        client.wait_for(Kind::Exited);
        client.wait_for(Kind::Ready);
        eventually("one supervisor, one server, one grandchild", || {
            world.processes().len() == 3
        });
        client.release();
        world.wait_until_empty();
    }
}
