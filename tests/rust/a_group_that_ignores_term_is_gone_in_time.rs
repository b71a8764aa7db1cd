//! A kept server that ignores SIGTERM, and whatever it has started that ignores it, too, is gone soon after its time.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{World, fake_temporal};

/// What ignores a signal passes that on to all that it starts.
const SCRIPT: &str =
    "#!/bin/sh\ntrap '' TERM\nsleep 300 &\nsetsid sleep 300 &\nexec 'FAKE' \"$@\"\n";

#[test]
fn a_group_that_ignores_term_is_gone_in_time() {
    let mut world = World::with("ignore_term");
    world.use_cache_of_its_own();
    let wrapper = world.path().join("temporal");
    let script = SCRIPT.replace("FAKE", fake_temporal().to_str().unwrap());
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let options = json!({ "executable": wrapper, "db": true, "stop_timeout": 0.3 });
    for way in ["release", "stop"] {
        let mut client = world.client("stubborn", &options);
        client.start();
        let began = Instant::now();
        match way {
            "release" => client.release(),
            _ => client.stop(),
        }
        let took = began.elapsed();
        assert!(took >= Duration::from_millis(300), "{took:?}");
        world.wait_until_empty();
        let took = began.elapsed();
        assert!(took < Duration::from_millis(1300), "{way}: {took:?}");
    }
}
