//! A paused server is not probed and not replaced, and the pause ends with the lease that asked for it.

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};
use temporal_devserver::error::Error;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{FORCE, POLITE, Raw, World, eventually, state_of};

#[test]
fn a_paused_server_is_left_alone() {
    let world = World::new();
    let health = json!({ "interval": 0.05, "timeout": 0.05, "failures": 1 });
    let mut client = world.client("shared", &json!({ "health": health }));
    let before = client.start();
    let server = ProcessIdentity::of(before.pid.unwrap()).unwrap();
    client.kinds();
    client.call(Request::Pause(POLITE)).unwrap();
    eventually("stopped", || state_of(&server) == Some('T'));
    let mut probes = 0;
    eventually("twenty probes are due", || {
        probes += 1;
        std::thread::park_timeout(std::time::Duration::from_millis(50));
        probes == 20
    });
    assert_eq!(client.kinds(), [Kind::Paused]);
    assert_eq!(client.status().state, Kind::Paused);
    client.call(Request::Resume).unwrap();
    client.wait_for(Kind::Resumed);
    eventually("it goes on", || state_of(&server) != Some('T'));
    assert_eq!(client.status().pid, before.pid);
}

#[test]
fn until_who_asked_for_it_is_gone() {
    let world = World::new();
    let mut one = world.client("shared", &json!({}));
    let mut other = world.client("shared", &json!({}));
    let before = one.start();
    other.start();
    one.call(Request::Pause(FORCE)).unwrap();
    other.wait_for(Kind::Paused);
    drop(one);
    other.wait_for(Kind::Resumed);
    assert_eq!(other.status().pid, before.pid);
}

#[test]
fn a_stop_a_kill_and_a_restart_reach_it() {
    let world = World::new();
    let db = world.path().join("kept.db");
    let mut client = world.client("shared", &json!({ "db": db }));
    client.start();
    for verb in [Request::Kill(POLITE), Request::Restart(POLITE)] {
        client.call(Request::Pause(POLITE)).unwrap();
        client.wait_for(Kind::Paused);
        client.call(verb).unwrap();
        client.wait_for(Kind::Ready);
    }
    client.call(Request::Pause(POLITE)).unwrap();
    client.stop();
    client.wait_until_stopped();
}

#[test]
fn what_is_not_there_cannot_be_paused() {
    let world = World::new();
    let mut client = world.client("shared", &json!({ "restart": { "limit": 0 } }));
    crate::support::kill_9(client.start().pid.unwrap());
    client.wait_for(Kind::Failed);
    let error = client.call(Request::Pause(POLITE)).unwrap_err();
    assert!(matches!(error, Error::NotRunning { .. }), "{error}");
}

#[test]
fn one_that_did_not_work_does_not_work_after_the_pause() {
    let mut world = World::new();
    let trouble = world.path().join("trouble");
    world.set_faults(&format!("hang_if_file={}", trouble.display()));
    let health = json!({ "interval": 0.05, "timeout": 0.2, "failures": 1000 });
    let mut client = world.client("shared", &json!({ "health": health }));
    client.start();
    std::fs::write(&trouble, "").unwrap();
    client.wait_for(Kind::Unhealthy);
    client.call(Request::Pause(POLITE)).unwrap();
    client.call(Request::Resume).unwrap();
    client.wait_for(Kind::Resumed);
    assert_eq!(client.status().state, Kind::Unhealthy);
    std::fs::remove_file(&trouble).unwrap();
    client.wait_for(Kind::Recovered);
}

#[test]
fn a_lease_that_has_ended_pauses_nothing() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    let mut raw = Raw::hello(&world.server("shared"), 1);
    let answer = raw.ask(&json!({ "op": "pause", "force": true, "lease": 999 }));
    assert_eq!(answer["reply"], "error");
    assert_eq!(client.status().state, Kind::Ready);
}
