//! On a machine with far more to do than it can, a server is late, and neither killed nor replaced.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{Guarded, World};

/// Each processor has so many hogs, so that everybody else gets a fifth of it.
const HOGS: usize = 4;

/// A twentieth of two minutes, with probes that are as much stricter than usual.
const BUSY: Duration = Duration::from_secs(6);

#[test]
fn a_busy_machine_restarts_nothing() {
    let world = World::new();
    let health = json!({ "interval": 0.25, "timeout": 0.25, "failures": 12 });
    let options = json!({ "health": health });
    let mut client = world.client("slow", &options);
    let before = client.start();
    let processors = std::thread::available_parallelism().unwrap().get();
    let hog = |_| Guarded::spawn(Command::new("sh").args(["-c", "while :; do :; done"]));
    let hogs: Vec<Guarded> = (0..HOGS * processors).map(hog).collect();
    let began = Instant::now();
    while began.elapsed() < BUSY {
        // A start gets there, too, in its time.
        let mut other = world.client("other", &json!({}));
        other.start();
        other.release();
        let told = client.kinds();
        assert!(!told.contains(&Kind::Exited), "{told:?}");
    }
    drop(hogs);
    let after = client.status();
    assert_eq!((after.pid, after.restarts), (before.pid, 0));
    assert_eq!(after.supervisor_pid, before.supervisor_pid);
}
