//! A supervisor that stands still disturbs no client, and a newcomer gets the same server in time.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use temporal_devserver::process::identity::ProcessIdentity;
use temporal_devserver::temporal::probe;

use crate::support::{LONG, World, eventually, on_runtime, state_of};

#[test]
fn a_supervisor_that_stands_still_disturbs_nobody() {
    let world = World::new();
    let mut first = world.client("shared", &json!({}));
    let before = first.start();
    first.kinds();
    let supervisor = ProcessIdentity::of(before.supervisor_pid).unwrap();
    kill(Pid::from_raw(supervisor.pid), Signal::SIGSTOP).unwrap();
    eventually("it stands still", || state_of(&supervisor) == Some('T'));
    // The server does its work as before.
    let address = before.address.parse().unwrap();
    on_runtime(async {
        let ready = probe::wait_until_ready(address, &[], |_| ());
        drop(tokio::time::timeout(LONG, ready).await.unwrap());
    });
    assert_eq!(state_of(&supervisor), Some('T'));

    let began = Instant::now();
    let mut newcomer = world.client("shared", &json!({}));
    let granted = newcomer.start();
    let took = began.elapsed();
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert_eq!((granted.pid, granted.restarts), (before.pid, 0));
    assert_eq!(granted.supervisor_pid, before.supervisor_pid);
    assert_eq!(granted.leases.len(), 2);
    assert_eq!(world.processes().len(), 2);
    assert_eq!(first.kinds(), []);
}
