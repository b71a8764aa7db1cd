//! A server that a granted lease has pinned stays without any, is stopped by `stop` alone, and is brought back as pinned by
//! whoever uses it when its supervisor is killed.

use serde_json::json;
use temporal_devserver::control::message::Request;

use crate::support::{World, eventually, kill_9};

#[test]
fn a_pinned_server_stays_until_it_is_stopped() {
    let world = World::new();
    let mut pinning = world.pinning_client("shared", &json!({}), &json!({}));
    let before = pinning.start();
    pinning.abandon();
    eventually("no lease is left", || pinning.status().leases.is_empty());
    let mut other = world.client("shared", &json!({}));
    let attached = other.start();
    other.release();
    let after = other.status();
    assert_eq!((after.pid, attached.pinned), (before.pid, true));
    other.stop();
    world.wait_until_empty();
    let mut later = world.client("shared", &json!({}));
    assert!(!later.start().pinned, "a stop ends the pin, too");
}

#[test]
fn who_heals_a_killed_supervisor_brings_back_a_pinned_server() {
    let world = World::new();
    let mut early = world.client("shared", &json!({}));
    let before = early.start();
    // It was granted its lease before anybody thought of pinning.
    let mut pinning = world.pinning_client("shared", &json!({}), &json!({}));
    pinning.start();
    pinning.abandon();
    kill_9(before.supervisor_pid);
    let healed = early.granted().unwrap();
    assert!(healed.pinned);
    assert_eq!(healed.address, before.address);
    early.release();
    assert_eq!(early.status().pid, healed.pid);
    early.stop();
    world.wait_until_empty();
}

#[test]
fn the_options_of_a_first_start_are_not_compared_with_those_of_a_server_that_runs() {
    let world = World::new();
    let defaults = json!({ "db": true, "log_level": "error" });
    let mut first = world.pinning_client("shared", &json!({ "log_level": "debug" }), &defaults);
    let started = first.start();
    let path = started.db_path.unwrap();
    assert!(
        path.starts_with(world.server("shared").to_str().unwrap()),
        "{path}"
    );
    let mut second = world.pinning_client("shared", &json!({}), &defaults);
    assert_eq!(second.start().pid, started.pid);
    let mut wrong = world.client("shared", &json!({ "log_level": "error" }));
    assert!(
        wrong.try_start().is_err(),
        "what was asked for wins over the default"
    );
    second.call(Request::Stop(crate::support::FORCE)).unwrap();
}

#[test]
fn a_start_that_fails_pins_nothing() {
    let world = World::with("exit_at_once=3");
    let mut client = world.pinning_client("shared", &json!({}), &json!({}));
    client.try_start().unwrap_err();
    world.wait_until_empty();
}
