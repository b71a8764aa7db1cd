//! What a test leaves behind is found, of whatever kind it is.

use std::fs::File;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{Guarded, World, eventually};

#[test]
fn the_oracle_finds_what_was_planted() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    client.release();
    world.wait_until_empty();

    // A process that was never told anything of ours, and has a lock open.
    let lock = File::open(world.server("shared").join("server.lock")).unwrap();
    let mut holder = Command::new("sleep");
    let holder = Guarded::spawn(holder.arg("60").stdin(Stdio::from(lock)));
    eventually("it is seen", || world.users() == [holder.pid()]);
    assert_eq!(world.processes(), Vec::<i32>::new());
    drop(holder);
    eventually("it is gone", || world.users().is_empty());

    // A lock, whoever has it.
    assert!(!world.has_locks());
    let lock = File::open(world.server("shared").join("server.lock")).unwrap();
    lock.try_lock_shared().unwrap();
    assert!(world.has_locks());
    drop(lock);
    eventually("it is free", || !world.has_locks());

    // One that has only the environment.
    let mut marked = Command::new("sleep");
    let marked = marked.arg("60").env("TMPDIR", world.path().join("tmp"));
    let marked = Guarded::spawn(marked);
    eventually("it is seen", || world.processes() == [marked.pid()]);
    drop(marked);

    // Throw-away data.
    let data = world.path().join("tmp/temporal-devserver-0123456789abcdef");
    std::fs::create_dir(&data).unwrap();
    assert_eq!(world.remains(), std::slice::from_ref(&data));
    std::fs::remove_dir(&data).unwrap();
    world.wait_until_empty();
}
