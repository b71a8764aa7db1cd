//! A server that never gets ready is an error within the start timeout, with what the last probe said.

use std::time::{Duration, Instant};

use serde_json::json;
use temporal_devserver::error::Error;

use crate::support::World;

#[test]
fn a_server_that_never_gets_ready_is_reported_in_time() {
    for fault in ["never_ready", "hang", "print=why"] {
        let world = World::with(&format!("{fault},ready_after=0.05"));
        let mut client = world.private(&json!({ "start_timeout": 1.0 }));
        let began = Instant::now();
        if fault == "print=why" {
            client.start();
            continue;
        }
        let error = client.try_start().unwrap_err();
        let took = began.elapsed();
        assert!(took < Duration::from_secs(5), "{took:?}");
        let Error::StartTimeout { last_probe, .. } = &error else {
            panic!("{error}")
        };
        assert_ne!(last_probe, "nothing yet");
        assert!(error.to_string().contains("start_timeout"), "{error}");
    }
}

#[test]
fn so_is_one_that_ends_at_once() {
    let world = World::with("print=out of cheese,exit_at_once=3");
    let error = world.private(&json!({})).try_start().unwrap_err();
    assert!(matches!(error, Error::ServerExited { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("exit code 3"), "{text}");
    assert!(text.contains("out of cheese"), "{text}");
}
