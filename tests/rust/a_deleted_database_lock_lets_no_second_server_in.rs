//! The lock file of a database may be deleted under a running server: a second server is kept out all the same.

use serde_json::json;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{World, eventually, has_two_on_one_database};

#[test]
fn a_deleted_database_lock_lets_no_second_server_in() {
    let world = World::new();
    let db = world.path().join("kept.db");
    let health = json!({ "interval": 0.05, "timeout": 5.0, "failures": 12 });
    let mut first = world.client("first", &json!({ "db": db, "health": health }));
    let server = ProcessIdentity::of(first.start().pid.unwrap()).unwrap();
    std::fs::remove_file(world.path().join("kept.db.lock")).unwrap();
    let mut second = world.client("second", &json!({ "db": db }));
    if second.try_start().is_ok() {
        // Then the first one has retired, or does so as soon as it has looked.
        eventually("there is one server", || {
            !server.is_alive() && !has_two_on_one_database(&world)
        });
    }
}
