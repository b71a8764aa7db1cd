//! A server that somebody stops while it boots, when no probe looks at it yet, is told to go on.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, kill_9};

#[test]
fn a_server_that_is_stopped_while_it_boots_goes_on() {
    let world = World::with("ready_after=0.5");
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    client.kinds();
    kill_9(before.pid.unwrap());
    let pid = client.wait_for(Kind::Starting).pid.unwrap();
    kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    assert_eq!(client.wait_for(Kind::Ready).pid, Some(pid));
}
