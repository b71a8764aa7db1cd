//! The supervisor is one thread, and 200 restarts of its server cost it no descriptor and no memory.

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};

use crate::support::{POLITE, World, eventually};

const RESTARTS: u32 = 200;

/// After that many the thousand events that are kept are there: four for each.
const BEFORE: u32 = 260;

/// What a process has: descriptors, and resident memory in KiB.
fn size(pid: i32) -> (usize, u64) {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    (descriptors.count(), number(pid, "VmRSS:"))
}

fn number(pid: i32, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn the_supervisor_does_not_grow_over_restarts() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let supervisor = client.start().supervisor_pid;
    client.kinds();
    let mut restart = |times: u32| {
        for _ in 0..times {
            client.call(Request::Kill(POLITE)).unwrap();
            client.wait_for(Kind::Ready);
        }
    };
    restart(BEFORE);
    let (descriptors, before) = size(supervisor);
    restart(RESTARTS);
    eventually("it has the descriptors that it had", || {
        size(supervisor).0 <= descriptors
    });
    let (_, after) = size(supervisor);
    assert!(
        after < before + 400,
        "{before} KiB before, {after} KiB after"
    );
    assert_eq!(number(supervisor, "Threads:"), 1);
    assert_eq!(client.status().restarts, RESTARTS + BEFORE);
}
