//! A port that was asked for and that somebody has is an error that names the process; nothing of the start is left.

use std::net::{Ipv4Addr, TcpListener};

use serde_json::json;
use temporal_devserver::control::message::Kind;
use temporal_devserver::error::Error;

use crate::support::{World, free_port};

#[test]
fn a_pinned_port_held_by_a_stranger_is_an_error_that_names_him() {
    let world = World::new();
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = stranger.local_addr().unwrap().port();
    for role in ["port", "http_port", "metrics_port"] {
        let error = world.private(&json!({ role: port })).try_start();
        let error = error.unwrap_err();
        assert!(matches!(error, Error::PortInUse { .. }), "{error}");
        let text = error.to_string();
        for part in [role, &format!("pid {}", std::process::id())] {
            assert!(text.contains(part), "{text}");
        }
        world.wait_until_empty();
    }
}

/// The server takes its port with `SO_REUSEADDR`, which does not keep a stranger out while there is no server.
#[test]
fn one_that_is_stolen_during_a_restart_is_told_at_once() {
    let mut world = World::new();
    let file = world.path().join("stolen");
    world.set_faults(&format!("exit_if_file={}", file.display()));
    let port = free_port();
    let mut client = world.client("robbed", &json!({ "port": port }));
    let began = client.start();
    std::fs::write(&file, "").unwrap();
    let mut stolen = None;
    crate::support::eventually("the port is stolen", || {
        stolen = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok();
        stolen.is_some()
    });
    std::fs::remove_file(&file).unwrap();
    let failed = client.wait_for(Kind::Failed);
    let me = format!("pid {}", std::process::id());
    assert!(failed.message.contains(&me), "{}", failed.message);
    assert!(client.status().restarts <= 3, "{:?}", client.status());
    drop(stolen);
    client
        .call(temporal_devserver::control::message::Request::Restart(
            crate::support::FORCE,
        ))
        .unwrap();
    client.wait_for(Kind::Ready);
    assert_eq!(client.status().address, began.address);
}
