//! A database that was removed while it was in use is never created in place by the restart: it is a complete one.

use std::path::Path;

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, kill_9};

fn removed(world: &World, db: &Path) {
    let mut client = world.client("shared", &json!({ "db": db }));
    let before = client.start();
    std::fs::remove_file(db).unwrap();
    kill_9(before.pid.unwrap());
    client.wait_for(Kind::Exited);
    client.wait_for(Kind::Ready);
    assert_eq!(client.status().address, before.address);
    assert!(std::fs::read(db).unwrap().starts_with(b"SQLite format 3"));
    let log = world.text("shared", "supervisor.log");
    assert!(log.contains("the database was removed"), "{log}");
}

#[test]
fn a_removed_database_is_made_whole_again() {
    let world = World::new();
    removed(&world, &world.path().join("kept.db"));
}

#[test]
fn and_so_is_throw_away_data() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    std::fs::remove_dir_all(Path::new(&before.db_path.unwrap()).parent().unwrap()).unwrap();
    kill_9(before.pid.unwrap());
    client.wait_for(Kind::Exited);
    client.wait_for(Kind::Ready);
    let after = client.status();
    assert_eq!(after.address, before.address);
    // Clients that bring the server back find the new one.
    kill_9(after.supervisor_pid);
    client.wait_for(Kind::Exited);
    assert_eq!(client.granted().unwrap().address, before.address);
}
