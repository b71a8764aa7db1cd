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

#[test]
fn whoever_asks_it_wakes_it() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    kill(Pid::from_raw(before.supervisor_pid), Signal::SIGSTOP).unwrap();
    assert_eq!(client.status().pid, before.pid);
}

#[test]
fn and_whoever_waits_for_its_start() {
    let world = World::with("ready_after=0.5");
    let mut client = world.client("shared", &json!({}));
    client.begin();
    eventually("the server boots", || {
        client.look();
        world.processes().len() == 2
    });
    let is_supervisor = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        String::from_utf8_lossy(&line).contains("supervise")
    };
    let supervisor = world.processes().into_iter().find(is_supervisor).unwrap();
    kill(Pid::from_raw(supervisor), Signal::SIGSTOP).unwrap();
    assert_eq!(client.granted().unwrap().supervisor_pid, supervisor);
}
