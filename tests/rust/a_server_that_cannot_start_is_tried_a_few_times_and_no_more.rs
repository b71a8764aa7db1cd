//! A server that ends at every start is tried a few times, its end is told with its last words, and then it is left alone.

use std::time::{Duration, Instant};

use serde_json::json;
use temporal_devserver::control::message::Kind;
use temporal_devserver::error::Error;

use crate::support::{World, eventually, kill_9};

/// Returns how often the fake server was started: each start adds a byte.
fn starts(world: &World) -> u64 {
    std::fs::metadata(world.path().join("starts")).map_or(0, |file| file.len())
}

fn doomed() -> World {
    let mut world = World::new();
    let counter = world.path().join("starts");
    world.set_faults(&format!("crash_times=1000:{}", counter.display()));
    world
}

#[test]
fn a_server_that_cannot_start_is_tried_a_few_times_and_no_more() {
    for name in [None, Some("doomed")] {
        let world = doomed();
        let mut client = match name {
            None => world.private(&json!({})),
            Some(name) => world.client(name, &json!({})),
        };
        let began = Instant::now();
        let error = client.try_start().unwrap_err();
        let took = began.elapsed();
        assert!(took < Duration::from_secs(3), "{took:?}");
        assert!(
            matches!(error, Error::ServerExited { .. } | Error::CrashLoop { .. }),
            "{error:?}"
        );
        let text = error.to_string();
        assert!(text.contains("exit code 1"), "{text}");
        assert!(text.contains("crash asked for by crash_times"), "{text}");
        world.wait_until_empty();
        let starts = starts(&world);
        assert!((1..=5).contains(&starts), "{starts} starts");
    }
}

/// Somebody still holds it, so the supervisor lives on.
#[test]
fn one_that_is_spoiled_in_mid_life_is_not_tried_for_ever() {
    let mut world = World::new();
    let counter = world.path().join("starts");
    let spoiled = world.path().join("spoiled");
    let wrapper = world.path().join("temporal");
    let fake = crate::support::fake_temporal();
    let script = format!(
        "#!/bin/sh\n[ -e '{}' ] && {{ printf + >> '{}'; echo out of cheese >&2; exit 9; }}\nexec '{}' \"$@\"\n",
        spoiled.display(),
        counter.display(),
        fake.display()
    );
    std::fs::write(&wrapper, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&wrapper, mode).unwrap();
    world.use_cache_of_its_own();
    let mut client = world.client("spoiled", &json!({ "executable": wrapper }));
    let pid = client.start().pid.unwrap();
    std::fs::write(&spoiled, "").unwrap();
    kill_9(pid);
    let failed = client.wait_for(Kind::Failed);
    assert!(failed.message.contains("exit code 9"), "{}", failed.message);
    let at_the_end = starts(&world);
    assert!((1..=5).contains(&at_the_end), "{at_the_end} starts");
    // The delays before: 0, 100 and 200 ms. Another one would have come long since.
    let mut looks = 0;
    eventually("another one would have come", || {
        looks += 1;
        std::thread::park_timeout(Duration::from_millis(50));
        looks == 30
    });
    assert_eq!(starts(&world), at_the_end);
    assert_eq!(client.status().state, Kind::Failed);
}
