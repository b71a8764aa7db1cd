//! Who takes a chosen port before the server has it, as another user's server may, costs a start some time and no error.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::{World, eventually, fake_temporal};

#[test]
fn a_port_taken_before_anybody_knew_it_is_chosen_anew() {
    let mut world = World::new();
    world.use_cache_of_its_own();
    let (script, go) = (world.path().join("temporal"), world.path().join("go"));
    // Answers questions at once; a server goes on when it may.
    let text = format!(
        "#!/bin/sh\n[ $# -lt 5 ] || while [ ! -e {go} ]; do sleep 0.01; done\nexec {fake} \"$@\"\n",
        go = go.display(),
        fake = fake_temporal().display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::write(&go, "").unwrap();
    world.private(&json!({ "executable": script })).start();
    eventually("the template is built", || world.processes().is_empty());

    std::fs::remove_file(&go).unwrap();
    let mut client = world.private(&json!({ "executable": script }));
    client.begin();
    let mut port = None;
    eventually("a port is chosen", || {
        client.look();
        port = world.processes().into_iter().find_map(port_of);
        port.is_some()
    });
    let _thief = TcpListener::bind(("127.0.0.1", port.unwrap())).unwrap();
    std::fs::write(&go, "").unwrap();
    let status = client.granted().unwrap();
    assert!(!status.address.ends_with(&format!(":{}", port.unwrap())));
}

/// Returns the port that a process is told to listen on.
fn port_of(pid: i32) -> Option<u16> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut arguments = line.split(|byte| *byte == 0);
    arguments.find(|argument| *argument == b"--port")?;
    std::str::from_utf8(arguments.next()?).ok()?.parse().ok()
}
