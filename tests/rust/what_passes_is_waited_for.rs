//! What only passes (a file that is just being replaced, a full disk) costs a restart some time, and no server.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, fake_temporal, kill_9};

fn copy_of_the_server(folder: &Path) -> PathBuf {
    let path = folder.join("temporal");
    std::fs::copy(fake_temporal(), &path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[test]
fn an_executable_that_is_just_being_replaced() {
    let world = World::new();
    let executable = copy_of_the_server(world.path());
    let mut client = world.private(&json!({ "executable": executable }));
    let before = client.start();
    client.kinds();
    let away = world.path().join("away");
    std::fs::rename(&executable, &away).unwrap();
    kill_9(before.pid.unwrap());
    for _ in 0..3 {
        client.wait_for(Kind::Restarting);
    }
    std::fs::rename(&away, &executable).unwrap();
    client.wait_for(Kind::Ready);
    assert_eq!(client.status().address, before.address);
}

#[test]
fn but_not_for_ever() {
    let world = World::new();
    let executable = copy_of_the_server(world.path());
    let restart = json!({ "limit": 3, "initial_delay": 0.01 });
    let mut client = world.private(&json!({ "executable": executable, "restart": restart }));
    let before = client.start();
    std::fs::remove_file(&executable).unwrap();
    kill_9(before.pid.unwrap());
    let failed = client.wait_for(Kind::Failed);
    assert!(
        failed.message.contains("cannot be run"),
        "{}",
        failed.message
    );
}

#[test]
fn a_state_that_cannot_be_written() {
    let world = World::new();
    let health = json!({ "interval": 0.05 });
    let mut client = world.client("shared", &json!({ "health": health }));
    let before = client.start();
    // Answered once the state of this start is written.
    client.status();
    let in_the_way = world.server("shared").join("state.json.new");
    std::fs::create_dir(&in_the_way).unwrap();
    kill_9(before.pid.unwrap());
    let degraded = client.wait_for(Kind::Degraded);
    assert!(degraded.message.contains("state"), "{}", degraded.message);
    assert_eq!(client.status().state, Kind::Degraded);
    std::fs::remove_dir(&in_the_way).unwrap();
    client.wait_for(Kind::Recovered);
    assert_eq!(client.status().state, Kind::Ready);
}
