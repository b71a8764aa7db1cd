//! Who asks for a server that runs with other options is refused, with a list of the differences.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use temporal_devserver::error::Error;

use crate::support::{World, eventually, fake_temporal, free_port};

#[test]
fn other_options_are_a_conflict_that_lists_them() {
    let world = World::new();
    let mut first = world.client("shared", &json!({ "log_level": "error" }));
    let before = first.start();
    let other = json!({ "log_level": "debug", "port": free_port(), "ui": false });
    let error = world.client("shared", &other).try_start().unwrap_err();
    let Error::OptionsConflict { differences, .. } = &error else {
        panic!("{error}")
    };
    let mut options: Vec<_> = differences.iter().map(|one| one.option.as_str()).collect();
    options.sort_unstable();
    assert_eq!(options, ["log_level", "port"]);
    let text = error.to_string();
    assert!(text.contains("debug") && text.contains("error"), "{text}");
    assert_eq!(first.status().leases.len(), 1);

    let same = json!({ "log_level": "error", "namespaces": ["more"] });
    let attached = world.client("shared", &same).start();
    assert_eq!(attached.pid, before.pid);
    assert!(attached.namespaces.contains(&"more".to_owned()));
}

/// What is asked for before anybody knows which executable is meant is compared once that is known.
#[test]
fn another_executable_is_one_too_however_early_it_is_asked_for() {
    let world = World::new();
    let script = world.path().join("temporal");
    let go = world.path().join("go");
    let text = format!(
        "#!/bin/sh\nuntil [ -e {} ]; do :; done\nexec {} \"$@\"\n",
        go.display(),
        fake_temporal().display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut first = world.client("shared", &json!({ "executable": script }));
    first.begin();
    eventually("its supervisor listens", || {
        first.look();
        world.server("shared").join("control.sock").exists()
    });
    let mut other = world.client("shared", &json!({}));
    other.begin();
    eventually("both leases are there", || {
        other.look();
        first.status().leases.len() == 2
    });
    std::fs::write(&go, "").unwrap();
    let error = other.granted().unwrap_err();
    assert!(matches!(error, Error::OptionsConflict { .. }), "{error}");
    first.granted().unwrap();
}
