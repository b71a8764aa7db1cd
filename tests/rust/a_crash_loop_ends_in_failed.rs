//! A server that keeps crashing is given up, and stays so until somebody wants it again.

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};

use crate::support::{FORCE, World, kill_9};

#[test]
fn a_crash_loop_ends_in_failed() {
    let world = World::new();
    let mut client = world.client("weak", &json!({ "restart": { "limit": 2 } }));
    let mut pid = client.start().pid.unwrap();
    for _ in 0..2 {
        kill_9(pid);
        client.wait_for(Kind::Exited);
        client.wait_for(Kind::Ready);
        pid = client.status().pid.unwrap();
    }
    kill_9(pid);
    let failed = client.wait_for(Kind::Failed);
    assert!(failed.message.contains("SIGKILL"), "{}", failed.message);
    let status = client.status();
    assert_eq!((status.state, status.pid), (Kind::Failed, None));

    client.call(Request::Restart(FORCE)).unwrap();
    client.wait_for(Kind::Ready);
    let after = client.status();
    assert_eq!((after.state, after.restarts), (Kind::Ready, 3));
}

#[test]
fn somebody_who_attaches_gives_it_a_new_chance() {
    let world = World::new();
    let options = json!({ "restart": { "limit": 0 } });
    let mut first = world.client("weak", &options);
    kill_9(first.start().pid.unwrap());
    first.wait_for(Kind::Failed);
    let mut second = world.client("weak", &json!({}));
    assert_eq!(second.start().state, Kind::Ready);
    first.wait_for(Kind::Ready);
}
