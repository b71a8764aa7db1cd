//! Whoever brings a killed supervisor's server back gives way to a stop that comes meanwhile; and a stop is over when it says so.

use std::time::Duration;

use serde_json::json;
use temporal_devserver::control::message::Kind;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{World, eventually, kill_9};

/// The stop comes this much later than the crash, in steps of 100 µs.
const STEPS: u64 = 30;

#[test]
fn a_stop_near_a_crash_is_not_undone() {
    let world = World::new();
    for step in 0..STEPS {
        let mut healing = world.client("shared", &json!({}));
        let before = healing.start();
        let stopper = world.client("shared", &json!({}));
        std::thread::scope(|scope| {
            let healer = scope.spawn(move || {
                // It looks all the time, as a driven client does.
                healing.wait_until_stopped();
            });
            kill_9(before.supervisor_pid);
            std::thread::park_timeout(Duration::from_micros(100 * step));
            stopper.stop();
            healer.join().unwrap();
        });
        eventually("no process is left", || world.processes().is_empty());
    }
    // The data that nobody was left to remove goes with the next start of any server.
    world.private(&json!({})).start();
}

#[test]
fn a_second_stop_waits_for_the_end_of_the_first() {
    let world = World::with("stop_takes=1");
    let mut one = world.client("shared", &json!({ "db": true }));
    let status = one.start();
    let server = ProcessIdentity::of(status.pid.unwrap()).unwrap();
    let other = world.client("shared", &json!({}));
    std::thread::scope(|scope| {
        scope.spawn(|| other.stop());
        one.wait_for(Kind::Stopping);
        let third = world.client("shared", &json!({}));
        third.stop();
        // Its supervisor may take another moment to exit.
        assert!(!server.is_alive());
        let database = status.db_path.unwrap();
        assert!(!std::path::Path::new(&format!("{database}-wal")).exists());
    });
    one.wait_until_stopped();
    eventually("no process is left", || world.processes().is_empty());
}
