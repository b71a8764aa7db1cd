//! Where clients, supervisor and server stood still together (a suspend, a frozen container), nothing is restarted.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use temporal_devserver::control::message::Kind;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{Guarded, World, eventually, note, noted, role, role_dir, state_of};

/// So strict that one failed probe would do.
fn options() -> serde_json::Value {
    json!({ "health": { "interval": 0.1, "timeout": 0.8, "failures": 1 } })
}

/// Longer than the timeout and what counts as late.
const STILL: Duration = Duration::from_millis(2500);

/// Lets all three stand still, the others so long after the first, and go on in the other order.
fn stood_still(name: &str, is_server_first: bool, after: Duration) {
    let world = World::new();
    note(world.path(), "name", name);
    let client = Guarded::spawn(&mut role(
        "a_machine_that_stood_still_restarts_nothing::client_role",
        world.path(),
    ));
    noted(world.path(), "server");
    let mut watcher = world.client(name, &json!({}));
    let before = watcher.start();
    watcher.kinds();
    let mut pids = [before.supervisor_pid, before.pid.unwrap(), client.pid()];
    if is_server_first {
        pids.swap(0, 1);
    }
    let still = pids.map(|pid| ProcessIdentity::of(pid).unwrap());
    for pid in pids {
        kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
        if pid == pids[0] {
            std::thread::park_timeout(after);
        }
    }
    eventually("all stand still", || {
        still.iter().all(|process| state_of(process) == Some('T'))
    });
    std::thread::park_timeout(STILL);
    for pid in pids.into_iter().rev() {
        kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    }
    let mut probes = 0;
    eventually("twenty probes were due since", || {
        probes += 1;
        std::thread::park_timeout(Duration::from_millis(50));
        probes == 20
    });
    let after = watcher.status();
    assert_eq!((after.state, after.pid), (Kind::Ready, before.pid));
    assert_eq!(after.supervisor_pid, before.supervisor_pid);
    assert_eq!((after.restarts, after.leases.len()), (0, 2));
    assert_eq!(watcher.kinds(), []);
}

#[test]
fn a_machine_that_stood_still_restarts_nothing() {
    stood_still("one", false, Duration::ZERO);
}

/// No freezer stops all in the same instant. The supervisor waits for an answer when it is stopped, and goes on first.
#[test]
fn not_even_with_a_probe_under_way() {
    stood_still("two", true, Duration::from_millis(300));
}

#[test]
#[ignore = "a role"]
fn client_role() {
    let world = World::of_test(role_dir());
    let name = std::fs::read_to_string(role_dir().join("name")).unwrap();
    let mut client = world.client(&name, &options());
    note(
        world.path(),
        "server",
        &client.start().pid.unwrap().to_string(),
    );
    loop {
        client.look();
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
