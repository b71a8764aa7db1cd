//! A database that a server in another container has is refused there, clearly, although nobody can see that server.

use serde_json::json;
use temporal_devserver::error::Error;

use crate::support::{World, again_in_namespaces, child_argument};

const NAME: &str = "two_containers_never_share_a_database::two_containers_never_share_a_database";

#[test]
fn two_containers_never_share_a_database() {
    // The other container: other processes, other mounts, other directories; only the folder of the database is the same.
    if let Some(folder) = child_argument() {
        let world = World::new();
        let options = json!({ "db": folder.join("kept.db") });
        let error = world.client("second", &options).try_start().unwrap_err();
        assert!(matches!(error, Error::Database { .. }), "{error}");
        let text = error.to_string();
        for part in ["kept.db", "in use", "use another path"] {
            assert!(text.contains(part), "{text}");
        }
        world.wait_until_empty();
        return;
    }
    let world = World::new();
    let mut first = world.client("first", &json!({ "db": world.path().join("kept.db") }));
    let before = first.start();
    again_in_namespaces("-Urmpf --mount-proc", NAME, world.path());
    assert_eq!(first.status().pid, before.pid);
    assert_eq!(first.kinds().len(), 2, "starting and ready, no more");
    first.release();
    // Then it is free.
    let mut third = world.client("third", &json!({ "db": world.path().join("kept.db") }));
    third.start();
}
