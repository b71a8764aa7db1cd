//! Asking for a server that runs is success: for the same client, for a second one, and after it was stopped.

use serde_json::json;

use crate::support::World;

#[test]
fn start_is_idempotent() {
    let world = World::new();
    let mut first = world.client("shared", &json!({}));
    let started = first.start();
    first.begin();
    let mut second = world.client("shared", &json!({}));
    let attached = second.start();
    assert_eq!(attached.pid, started.pid);
    assert_eq!(attached.address, started.address);
    assert_eq!(attached.leases.len(), 2);
    first.release();
    assert_eq!(second.status().pid, started.pid);
    second.release();
    world.wait_until_empty();
    let again = second.start();
    assert_ne!(again.pid, started.pid);
}
