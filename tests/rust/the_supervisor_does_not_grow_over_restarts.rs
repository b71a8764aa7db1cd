//! The supervisor is one thread, and neither a thousand restarts nor ten thousand clients cost it or its host anything.

use std::path::PathBuf;

use serde_json::{Value, json};
use temporal_devserver::control::message::{Kind, Request};

use crate::support::{
    Guarded, POLITE, World, eventually, note, noted, real_temporal, role, role_dir,
};

const RESTARTS: u32 = 1000;

/// Of the real server, each of which takes as long as its boot.
const REAL_RESTARTS: u32 = 200;

const CLIENTS: u32 = 10_000;

/// After that many the thousand events that are kept are there: four for each.
const BEFORE: u32 = 260;

/// How much memory may come and go, in KiB.
const NOISE: u64 = 1024;

/// What a process has: descriptors, threads, and resident memory in KiB.
#[derive(Debug)]
struct Size {
    descriptors: usize,
    threads: u64,
    memory: u64,
}

impl Size {
    fn of(pid: i32) -> Self {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let number = |field: &str| {
            let line = status.lines().find(|line| line.starts_with(field)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        Self {
            descriptors: std::fs::read_dir(format!("/proc/{pid}/fd"))
                .unwrap()
                .count(),
            threads: number("Threads:"),
            memory: number("VmRSS:"),
        }
    }

    fn check(pid: i32, before: &Self) {
        eventually("it has the descriptors that it had", || {
            Self::of(pid).descriptors <= before.descriptors
        });
        let after = Self::of(pid);
        let is_same = after.threads == before.threads && after.memory < before.memory + NOISE;
        assert!(is_same, "{before:?} before, {after:?} after");
    }
}

fn files(world: &World) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(world.server("shared")).unwrap().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn restarts(options: &Value, count: u32) {
    let world = World::new();
    let mut client = world.client("shared", options);
    let supervisor = client.start().supervisor_pid;
    client.kinds();
    let mut restart = |times: u32| {
        for _ in 0..times {
            client.call(Request::Kill(POLITE)).unwrap();
            client.wait_for(Kind::Ready);
        }
        // Answered once the state of the last start is written.
        client.status();
    };
    let before = BEFORE.min(count);
    restart(before);
    let (size, files_before) = (Size::of(supervisor), files(&world));
    restart(count);
    Size::check(supervisor, &size);
    assert_eq!(size.threads, 1);
    assert_eq!(files(&world), files_before);
    eventually("no zombie is left", || world.processes().len() == 2);
    assert_eq!(client.status().restarts, count + before);
}

#[test]
#[ignore = "long"]
fn the_supervisor_does_not_grow_over_restarts() {
    restarts(&json!({}), RESTARTS);
}

#[test]
#[ignore = "long"]
fn not_even_over_those_of_the_real_server() {
    restarts(&json!({ "executable": real_temporal() }), REAL_RESTARTS);
}

#[test]
#[ignore = "long"]
fn nor_over_clients_and_neither_does_their_host() {
    let world = World::new();
    let mut first = world.client("shared", &json!({}));
    let supervisor = first.start().supervisor_pid;
    let mut host = Guarded::spawn(&mut role(
        "the_supervisor_does_not_grow_over_restarts::host_role",
        world.path(),
    ));
    noted(world.path(), "warm");
    let size = Size::of(supervisor);
    let code = host.0.wait().unwrap();
    assert!(code.success());
    Size::check(supervisor, &size);
    assert_eq!(first.status().leases.len(), 1);
}

#[test]
#[ignore = "a role"]
fn host_role() {
    let world = World::of_test(role_dir());
    let come_and_go = |times: u32| {
        for number in 0..times {
            let mut client = world.client("shared", &json!({}));
            client.start();
            if number % 10 == 0 {
                client.release();
            }
        }
    };
    come_and_go(CLIENTS / 10);
    note(world.path(), "warm", "1");
    let me = std::process::id().cast_signed();
    let size = Size::of(me);
    come_and_go(CLIENTS);
    Size::check(me, &size);
}
