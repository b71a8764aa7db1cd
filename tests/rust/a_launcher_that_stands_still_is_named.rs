//! Who waits for another's launch, which does not get on, is told in the end whose it is; nobody touches that process.

use serde_json::json;
use temporal_devserver::lock::FileLock;
use temporal_devserver::lock::PRIVATE;

use crate::support::{Guarded, World, note, noted, role, role_dir};

#[test]
fn a_launcher_that_stands_still_is_named() {
    let world = World::new();
    let launcher = Guarded::spawn(&mut role(
        "a_launcher_that_stands_still_is_named::launcher_role",
        world.path(),
    ));
    noted(world.path(), "holds");
    let mut client = world.client("one", &json!({ "start_timeout": 0.3 }));
    let error = client.try_start().unwrap_err().to_string();
    let named = format!("pid {} (", launcher.pid());
    assert!(error.contains(&named), "{error}");
    drop(launcher);
    client.start();
}

#[test]
#[ignore = "a role"]
fn launcher_role() {
    let world = World::of_test(role_dir());
    // The directory is made, as its own start would.
    let mut client = world.client("one", &json!({}));
    client.begin();
    client.abandon();
    let lock = world.server("one").join("spawn.lock");
    let _held = loop {
        let held = FileLock::try_exclusive(nix::fcntl::AT_FDCWD, &lock, PRIVATE).unwrap();
        if let Some(held) = held {
            break held;
        }
    };
    note(world.path(), "holds", "1");
    loop {
        std::thread::park();
    }
}
