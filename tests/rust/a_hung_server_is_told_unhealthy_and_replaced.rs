//! A server that lives but does not answer is told `unhealthy` by the first probe that fails, and replaced after the last.

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::World;

fn health(failures: u32) -> serde_json::Value {
    json!({ "health": { "interval": 0.05, "timeout": 0.3, "failures": failures } })
}

fn trouble(fault: &str, failures: u32) -> (World, std::path::PathBuf, serde_json::Value) {
    let mut world = World::new();
    let file = world.path().join("trouble");
    world.set_faults(&format!("{fault}={}", file.display()));
    (world, file, health(failures))
}

#[test]
fn a_hung_server_is_told_unhealthy_and_replaced() {
    for fault in ["hang_if_file", "lose_database_if_file"] {
        let (world, file, options) = trouble(fault, 3);
        let mut client = world.private(&options);
        let before = client.start();
        std::fs::write(&file, "").unwrap();
        let told = client.wait_for(Kind::Unhealthy);
        assert_eq!(told.pid, before.pid);
        let exited = client.wait_for(Kind::Exited);
        assert_eq!(exited.data["planned"], "unhealthy");
        std::fs::remove_file(&file).unwrap();
        client.wait_for(Kind::Ready);
        assert_eq!(client.status().address, before.address);
    }
}

#[test]
fn one_that_answers_again_is_left_alone() {
    let (world, file, options) = trouble("hang_if_file", 1000);
    let mut client = world.private(&options);
    let before = client.start();
    std::fs::write(&file, "").unwrap();
    client.wait_for(Kind::Unhealthy);
    assert_eq!(client.status().state, Kind::Unhealthy);
    std::fs::remove_file(&file).unwrap();
    client.wait_for(Kind::Recovered);
    let after = client.status();
    assert_eq!((after.state, after.pid), (Kind::Ready, before.pid));
}
