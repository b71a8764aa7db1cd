//! The kernel, short of memory, takes the server before its supervisor and before the user's programs, and that is healed.

use std::fs;

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, kill_9};

fn score(pid: impl std::fmt::Display) -> i32 {
    let text = fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap();
    text.trim().parse().unwrap()
}

#[test]
fn memory_that_runs_out_takes_the_server_first() {
    let world = World::new();
    let mut client = world.private(&json!({}));
    let before = client.start();
    let ours = score("self");
    let wanted = (ours + 300).min(1000);
    assert_eq!(score(before.supervisor_pid), ours);
    assert_eq!(score(before.pid.unwrap()), wanted);

    // What the kernel does then.
    kill_9(before.pid.unwrap());
    client.wait_for(Kind::Exited);
    client.wait_for(Kind::Ready);
    let after = client.status();
    assert_eq!(after.address, before.address);
    assert_eq!(score(after.pid.unwrap()), wanted);
    assert_eq!(score(after.supervisor_pid), ours);
}
