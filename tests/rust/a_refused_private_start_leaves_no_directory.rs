//! A private start that is refused leaves no directory, however client and supervisor meet while both remove it.

use std::net::{Ipv4Addr, TcpListener};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{FAILPOINT, World, eventually, state_of};

/// Lets the supervisor stand still at its n-th effect until its client has done its part; tells whether there is one.
fn refused(number: u32) -> bool {
    let mut world = World::new();
    let plan = format!("{number} stop {}", world.path().display());
    world.set_variable(FAILPOINT, &plan);
    let stranger = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = stranger.local_addr().unwrap().port();
    let options = json!({ "port": port, "start_timeout": 0.7 });
    world.private(&options).try_start().unwrap_err();
    let is_stopped = |pid: &i32| {
        let identity = ProcessIdentity::of(*pid);
        identity.as_ref().and_then(state_of) == Some('T')
    };
    eventually("it has ended, or stands still", || {
        world.processes().iter().all(is_stopped)
    });
    for pid in world.processes() {
        kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    }
    let at = std::fs::read_to_string(world.path().join("fired"));
    eventually(&format!("it ends, number {number} ({at:?})"), || {
        world.processes().is_empty()
    });
    let left = world.remains();
    assert!(left.is_empty(), "number {number} ({at:?}): {left:?}");
    at.is_ok()
}

#[test]
#[ignore = "long"]
fn a_refused_private_start_leaves_no_directory() {
    let mut number = 1;
    while refused(number) {
        number += 1;
    }
}
