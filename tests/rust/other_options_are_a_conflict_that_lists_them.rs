//! Who asks for a server that runs with other options is refused, with a list of the differences.

use serde_json::json;
use temporal_devserver::error::Error;

use crate::support::{World, free_port};

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
