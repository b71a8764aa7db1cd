//! What is deleted of a running server's directory is put back within a moment: whoever comes finds that server, nobody kills it
//! for being silent, and a second one finds its lock taken.

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};

use crate::support::{Client, World, eventually};

fn deleted(world: &World, names: &[&str]) {
    for name in names {
        std::fs::remove_file(world.server("deleted").join(name)).unwrap();
    }
}

/// Comes while they are missing, and uses the server; it is the one that was there.
fn visit(world: &World, holder: &mut Client) {
    let before = holder.status();
    let mut visitor = world.client("deleted", &json!({}));
    let granted = visitor.start();
    assert_eq!(
        (granted.pid, granted.supervisor_pid),
        (before.pid, before.supervisor_pid)
    );
    assert_eq!(granted.restarts, 0);
    visitor.call(Request::ListNamespaces).unwrap();
    visitor.release();
    assert!(!holder.kinds().contains(&Kind::Exited));
}

#[test]
fn what_is_deleted_under_a_server_is_put_back() {
    let world = World::new();
    let mut holder = world.client("deleted", &json!({ "db": true }));
    holder.start();
    let is_there = |name: &str| world.server("deleted").join(name).exists();
    for name in [
        "supervisor.lock",
        "server.lock",
        "state.json",
        "control.sock",
    ] {
        deleted(&world, &[name]);
        // No matter whether it is there again already.
        visit(&world, &mut holder);
        eventually("it is there again", || is_there(name));
    }
    // The locks were taken again, too: without its socket it is still known to be there.
    deleted(&world, &["control.sock"]);
    visit(&world, &mut holder);
    holder.stop();
    holder.wait_until_stopped();
}
