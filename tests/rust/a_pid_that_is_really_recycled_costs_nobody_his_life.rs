//! The kernel gives the pids of a dead supervisor, server and client to strangers: nobody ever signals these.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{
    Guarded, World, again_in_namespaces, child_argument, eventually, kill_9, note, noted, role,
    role_dir,
};

const NAME: &str = "a_pid_that_is_really_recycled_costs_nobody_his_life::a_pid_that_is_really_recycled_costs_nobody_his_life";

/// Starts a stranger whom the kernel gives this pid, which is free.
fn stranger(pid: i32) -> Guarded {
    let mut found = None;
    eventually(&format!("the kernel gives out {pid} again"), || {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
        // In a session of its own and without our environment: nothing but the number connects it with us.
        let mut command = Command::new("setsid");
        let child = Guarded::spawn(command.args(["sleep", "300"]).env_clear());
        found = (child.pid() == pid).then_some(child);
        found.is_some()
    });
    found.unwrap()
}

/// Waits until the number is free: the dead one is reaped.
fn gone(pid: i32) {
    let path = format!("/proc/{pid}");
    eventually("it is reaped", || !Path::new(&path).exists());
}

#[test]
fn a_pid_that_is_really_recycled_costs_nobody_his_life() {
    if child_argument().is_none() {
        return again_in_namespaces("-Urpf --mount-proc", NAME, Path::new("/"));
    }
    let world = World::new();
    let mut client = Guarded::spawn(&mut role(
        "a_pid_that_is_really_recycled_costs_nobody_his_life::client_role",
        world.path(),
    ));
    let server = noted(world.path(), "server");
    let supervisor = noted(world.path(), "supervisor");
    let dead = [client.pid(), server, supervisor];
    let were = dead.map(|pid| ProcessIdentity::of(pid).unwrap());
    client.0.kill().unwrap();
    kill_9(supervisor);
    client.0.wait().unwrap();
    dead.into_iter().for_each(gone);
    let mut strangers = dead.map(stranger);
    assert!(were.iter().all(|process| !process.is_alive()), "{were:?}");

    // Whoever brings the same server back, uses and ends it, looks at all that the dead have left.
    let mut heir = world.client("recycled", &json!({}));
    let granted = heir.start();
    assert!(!dead.contains(&granted.pid.unwrap()));
    kill_9(granted.supervisor_pid);
    heir.granted().unwrap();
    heir.stop();
    heir.wait_until_stopped();
    world.private(&json!({})).start();
    for stranger in &mut strangers {
        assert_eq!(stranger.0.try_wait().unwrap(), None, "{}", stranger.pid());
    }
    // Nor is one hurt in whose place the supervisor of a living client was.
    let mut living = world.client("recycled", &json!({}));
    let killed = living.start();
    kill_9(killed.supervisor_pid);
    gone(killed.supervisor_pid);
    gone(killed.pid.unwrap());
    let mut more = [killed.supervisor_pid, killed.pid.unwrap()].map(stranger);
    assert_ne!(living.granted().unwrap().pid, killed.pid);
    living.release();
    for stranger in &mut more {
        assert_eq!(stranger.0.try_wait().unwrap(), None, "{}", stranger.pid());
    }
}

#[test]
#[ignore = "a role"]
fn client_role() {
    let world = World::of_test(role_dir());
    let mut client = world.client("recycled", &json!({}));
    let status = client.start();
    note(world.path(), "server", &status.pid.unwrap().to_string());
    note(
        world.path(),
        "supervisor",
        &status.supervisor_pid.to_string(),
    );
    loop {
        std::thread::park();
    }
}
