//! A database belongs to one server at a time; the second that asks for it is told the name of the first.

use serde_json::json;
use temporal_devserver::error::Error;

use crate::support::World;

#[test]
fn two_servers_never_share_a_database() {
    let world = World::new();
    let db = world.path().join("kept.db");
    let link = world.path().join("link.db");
    std::os::unix::fs::symlink(&db, &link).unwrap();
    let mut first = world.client("first", &json!({ "db": db }));
    first.start();
    for path in [&db, &link] {
        let mut second = world.client("second", &json!({ "db": path }));
        let error = second.try_start().unwrap_err();
        assert!(matches!(error, Error::Database { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains("`first`"), "{text}");
    }
    first.release();
    let mut second = world.client("second", &json!({ "db": db }));
    second.start();
}
