//! A server lingers as long as the longest wish of the leases that have ended, and is reused by who comes in that time.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{World, eventually};

#[test]
fn a_lingering_server_is_reused() {
    let world = World::new();
    let mut long = world.client("shared", &json!({ "linger": 60.0 }));
    let before = long.start();
    let began = Instant::now();
    long.release();
    assert!(began.elapsed() < Duration::from_secs(30));
    let mut short = world.client("shared", &json!({}));
    assert_eq!(short.start().pid, before.pid);
    // Its own wish is shorter, but the deadline that was set holds.
    short.release();
    assert_eq!(short.status().pid, before.pid);
    assert_eq!(short.status().leases, []);
    short.stop();
    world.wait_until_empty();
}

#[test]
fn and_goes_when_the_time_is_over() {
    let world = World::new();
    let mut client = world.client("shared", &json!({ "linger": 0.4 }));
    client.start();
    let began = Instant::now();
    drop(client);
    assert_eq!(world.processes().len(), 2);
    eventually("it goes", || world.processes().is_empty());
    assert!(began.elapsed() >= Duration::from_millis(400));
}
