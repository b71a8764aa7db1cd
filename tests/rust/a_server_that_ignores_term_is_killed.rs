//! A kept server gets its time to stop by itself; then it is killed.

use std::time::{Duration, Instant};

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};

use crate::support::{POLITE, World};

#[test]
fn a_server_that_ignores_term_is_killed() {
    let world = World::with("ignore_term");
    let db = world.path().join("kept.db");
    let mut client = world.client("stubborn", &json!({ "db": db, "stop_timeout": 0.3 }));
    client.start();
    client.call(Request::Restart(POLITE)).unwrap();
    let exited = client.wait_for(Kind::Exited);
    assert!(exited.message.contains("SIGKILL"), "{}", exited.message);
    client.wait_for(Kind::Ready);
    let began = Instant::now();
    client.release();
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn one_that_does_not_is_waited_for() {
    let world = World::with("stop_takes=0.3");
    let db = world.path().join("kept.db");
    let mut client = world.client("slow", &json!({ "db": db }));
    client.start();
    client.call(Request::Restart(POLITE)).unwrap();
    let exited = client.wait_for(Kind::Exited);
    assert!(exited.message.contains("exit code 0"), "{}", exited.message);
    client.wait_for(Kind::Ready);
}
