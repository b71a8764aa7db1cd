//! A client whose supervisor is killed again and again brings its server back a few times, then says so.

use serde_json::json;
use temporal_devserver::error::Error;

use crate::support::{World, kill_9};

/// Kills the supervisor of a server with this restart policy as often as its client brings it back; returns what it says then.
fn last_words(restart: &serde_json::Value, heals: usize) -> String {
    let world = World::new();
    let mut client = world.private(&json!({ "restart": restart }));
    let mut status = client.start();
    for _ in 0..heals {
        kill_9(status.supervisor_pid);
        status = client.granted().unwrap();
    }
    kill_9(status.supervisor_pid);
    let error = client.granted().unwrap_err();
    assert!(matches!(error, Error::SupervisorLost { .. }), "{error}");
    // The last server may have been dying still, and then its data is the next start's to sweep.
    world.client("other", &json!({})).start();
    error.to_string()
}

#[test]
fn a_supervisor_that_keeps_dying_is_given_up() {
    let told = last_words(&json!({}), 5);
    assert!(told.contains("6 times within 60 s"), "{told}");
}

#[test]
fn the_restart_option_bounds_lost_supervisors() {
    let told = last_words(&json!({ "limit": 7, "window": 3600 }), 7);
    assert!(told.contains("8 times within 3600 s"), "{told}");
    let told = last_words(&json!({ "limit": 0 }), 0);
    assert!(told.contains("`limit` 0"), "{told}");
}
