//! A client of another protocol version can see and stop every server; anything else is refused, naming both versions.

use serde_json::json;
use temporal_devserver::paths::Locations;

use crate::support::{Raw, World};

#[test]
fn an_older_and_a_newer_client_can_still_stop() {
    for protocol in [0, 2] {
        let world = World::new();
        let mut client = world.client("shared", &json!({}));
        let started = client.start();
        let mut raw = Raw::hello(&world.server("shared"), protocol);
        let status = raw.ask(&json!({ "op": "status", "more": true }));
        assert_eq!(status["pid"], json!(started.pid));
        for other in [json!({ "op": "kill" }), json!({ "op": "somersault" })] {
            let refused = raw.ask(&other);
            assert_eq!(refused["reply"], "error");
            assert_eq!(refused["error"]["code"], "protocol", "{refused}");
            let message = refused["message"].as_str().unwrap();
            assert!(
                message.contains(&format!("speaks protocol {protocol}, the other side")),
                "{message}"
            );
        }
        let refused = raw.ask(&json!({ "op": "stop" }));
        assert_eq!(refused["error"]["code"], "shared_server", "{refused}");
        let done = raw.ask(&json!({ "op": "stop", "force": true }));
        assert_eq!(done["reply"], "done", "{done}");
        client.wait_until_stopped();
    }
}

#[test]
fn but_it_gets_no_lease() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    let mut raw = Raw::connect(&world.server("shared"));
    // What a lease of theirs looks like nobody knows; that it is none of ours must not cost the frozen verbs.
    let hello = json!({ "op": "hello", "protocol": 2, "version": "?", "lease": { "pid": 1 } });
    assert_eq!(raw.ask(&hello)["reply"], "hello");
    let refused = raw.answer();
    assert_eq!(refused["error"]["code"], "protocol", "{refused}");
    assert_eq!(raw.ask(&json!({ "op": "status" }))["reply"], "status");
    // Nor does it where it looks like one of ours.
    let lease = json!({
        "pid": 1, "command": "", "name": "shared", "private": false, "options": {}, "scripts": [],
        "locations": Locations::from_environment(|_| None, None).unwrap(),
        "start_timeout": 1.0, "stop_timeout": 1.0, "linger": 0.0,
    });
    let mut raw = Raw::connect(&world.server("shared"));
    let hello = json!({ "op": "hello", "protocol": 2, "version": "?", "lease": lease });
    assert_eq!(raw.ask(&hello)["reply"], "hello");
    assert_eq!(raw.answer()["error"]["code"], "protocol");
    assert_eq!(client.status().leases.len(), 1);
}
