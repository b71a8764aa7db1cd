//! Where the disk of the state is full, the server goes on and is told `degraded`; once there is room again, that is over.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};

use crate::support::{POLITE, World, again_in_namespaces, child_argument, kill_9};

const NAME: &str = "a_full_disk_is_told_and_forgotten::a_full_disk_is_told_and_forgotten";

fn options() -> serde_json::Value {
    json!({ "health": { "interval": 0.05, "timeout": 5.0, "failures": 12 } })
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let mut file = fs::File::create(path).unwrap();
    for size in [4096, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

#[test]
fn a_full_disk_is_told_and_forgotten() {
    if child_argument().is_none() {
        return again_in_namespaces("-Urm", NAME, Path::new("/"));
    }
    let world = World::new();
    let state = world.path().join("state");
    fs::create_dir(&state).unwrap();
    let mount = ["-t", "tmpfs", "-o", "size=256k,mode=700", "tmpfs"];
    let mounted = Command::new("mount").args(mount).arg(&state).status();
    assert!(mounted.unwrap().success());
    let mut client = world.client("full", &options());
    let before = client.start();
    // Answered once the state of this start is written.
    client.status();
    client.kinds();
    let filler = state.join("filler");
    fill(&filler);
    kill_9(before.pid.unwrap());
    client.wait_for(Kind::Ready);
    let told = client.wait_for(Kind::Degraded);
    assert!(told.message.contains("No space left"), "{}", told.message);
    let full = client.status();
    assert_eq!((full.state, full.restarts), (Kind::Degraded, 1));
    assert!(full.warnings[0].contains("No space left"), "{full:?}");
    assert_eq!(full.address, before.address);
    // It does its work as ever.
    client.call(Request::ListNamespaces).unwrap();
    // Whoever comes gets it, too.
    let mut second = world.client("full", &json!({}));
    assert_eq!(second.start().pid, full.pid);
    second.release();

    fs::remove_file(&filler).unwrap();
    // What is written next finds room.
    client.call(Request::Restart(POLITE)).unwrap();
    client.wait_for(Kind::Ready);
    assert_eq!(client.status().state, Kind::Ready);
    drop(client);
    world.wait_until_empty();
    // The whole tree goes with the mount.
    Command::new("umount")
        .arg("-l")
        .arg(&state)
        .status()
        .unwrap();
}
