//! A server that comes back and never gets ready is replaced when its time is over, and that time is only its own.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{Client, World, kill_9};

/// The shortest time that a boot is given, and a second more.
const OVER: Duration = Duration::from_secs(11);

/// Returns a client of a server that was killed and hangs as long as the file `trouble` is there, and its supervisor.
fn hanging(world: &mut World) -> (Client, i32) {
    let trouble = world.path().join("trouble");
    world.set_faults(&format!("hang_if_file={}", trouble.display()));
    let mut client = world.client("shared", &json!({ "start_timeout": 5.0 }));
    let before = client.start();
    std::fs::write(&trouble, "").unwrap();
    kill_9(before.pid.unwrap());
    client.wait_for(Kind::Restarting);
    client.wait_for(Kind::Starting);
    (client, before.supervisor_pid)
}

/// Somebody who comes meanwhile and allows for more than those who were there is waited for.
#[test]
fn a_server_that_hangs_while_it_boots_is_replaced() {
    let mut world = World::new();
    let (mut client, _) = hanging(&mut world);
    let mut patient = world.client("shared", &json!({ "start_timeout": 12.0 }));
    patient.begin();
    let exited = client.wait_for(Kind::Exited);
    std::fs::remove_file(world.path().join("trouble")).unwrap();
    assert_eq!(exited.data["planned"], "never_ready", "{exited:?}");
    let lived = exited.data["lived"].as_f64().unwrap();
    assert!(lived > 11.5, "it was given {lived} s");
    client.wait_for(Kind::Ready);
}

#[test]
fn not_where_its_supervisor_stood_still_meanwhile() {
    let mut world = World::new();
    let (mut client, supervisor) = hanging(&mut world);
    // Once it answers, the boot's clock runs.
    client.status();
    kill(Pid::from_raw(supervisor), Signal::SIGSTOP).unwrap();
    std::thread::park_timeout(OVER + Duration::from_secs(1));
    kill(Pid::from_raw(supervisor), Signal::SIGCONT).unwrap();
    client.status();
    std::fs::remove_file(world.path().join("trouble")).unwrap();
    client.wait_for(Kind::Ready);
    assert_eq!(client.status().restarts, 1);
}
