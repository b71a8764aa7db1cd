//! A supervisor whose spawner has gone, or says what it does not know, ends without a trace; so does a second one.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};

use temporal_devserver::paths::{Locations, SUPERVISOR_LOCK, ServerDir};
use temporal_devserver::process::detach::spawn_detached;

use crate::support::{World, eventually, example};

/// Spawns a supervisor for the directory as a launcher does, and returns our end of its first lease.
fn spawned(world: &World, dir: &ServerDir) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let lease = theirs.as_raw_fd();
    let argv: [OsString; 3] = [
        example("supervise").into(),
        dir.path().into(),
        lease.to_string().into(),
    ];
    let mark = [("TMPDIR".into(), world.path().join("tmp").into())];
    let env: Vec<_> = std::env::vars_os().chain(mark).collect();
    spawn_detached(&argv, &env, &[lease]).unwrap();
    ours
}

/// Makes the directory of a private server in this world; its maker has gone again.
fn private(world: &World) -> ServerDir {
    let state = world.path().join("state").into_os_string();
    let variable = |name: &str| (name == "TEMPORAL_DEVSERVER_STATE_DIR").then(|| state.clone());
    let locations = Locations::from_environment(variable, None).unwrap();
    ServerDir::create_private(&locations.private().unwrap())
        .unwrap()
        .0
}

#[test]
fn a_supervisor_that_is_told_nothing_leaves_nothing() {
    for said in ["", "what?\n", "{\"op\":\"status\"}\n"] {
        let world = World::new();
        let dir = private(&world);
        let mut lease = spawned(&world, &dir);
        lease.write_all(said.as_bytes()).unwrap();
        if said.is_empty() {
            drop(lease);
        }
        eventually(
            &format!("it ends with its directory, told `{said}`"),
            || world.processes().is_empty() && !dir.path().exists(),
        );
    }
}

#[test]
fn a_second_one_ends_at_once() {
    let world = World::new();
    let dir = private(&world);
    let first = dir.try_exclusive(SUPERVISOR_LOCK).unwrap().unwrap();
    let began = Instant::now();
    let mut lease = spawned(&world, &dir);
    // The supervisor alone has the other end.
    assert_eq!(lease.read(&mut [0]).unwrap(), 0);
    assert!(began.elapsed() < Duration::from_secs(5), "it waited");
    assert!(dir.path().exists());
    drop(first);
    std::fs::remove_dir_all(dir.path()).unwrap();
}

#[test]
fn one_that_is_called_wrongly_says_so_by_its_exit_code() {
    let code = |arguments: &[&str]| {
        let status = Command::new(example("supervise")).args(arguments).status();
        status.unwrap().code()
    };
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["/tmp", "first"]), Some(2));
    assert_eq!(code(&["/proc/nowhere", "3"]), Some(1));
}
