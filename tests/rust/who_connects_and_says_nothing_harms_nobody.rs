//! Ten thousand connections that say nothing keep nobody out, and another user is not answered at all.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::support::{
    Guarded, Raw, World, again_as_stranger, child_argument, note, noted, role, role_dir,
};

const ALL: usize = 10_000;

/// At once: as many as a process usually may have.
const WAVE: usize = 900;

#[test]
fn who_connects_and_says_nothing_harms_nobody() {
    let world = World::new();
    // The supervisor gets the limits of who starts it.
    let owner = role(
        "who_connects_and_says_nothing_harms_nobody::owner_role",
        world.path(),
    );
    let _owner = Guarded::spawn(&mut limited(&owner, 512));
    noted(world.path(), "owned");
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    for wave in 0..ALL.div_ceil(WAVE) {
        let crowd = Guarded::spawn(&mut role(
            "who_connects_and_says_nothing_harms_nobody::crowd_role",
            world.path(),
        ));
        noted(world.path(), "connected");
        let mut late = world.client("shared", &json!({}));
        assert_eq!(late.start().pid, before.pid, "wave {wave}");
        late.release();
        drop(crowd);
        std::fs::remove_file(world.path().join("connected")).unwrap();
    }
    assert_eq!(client.status().supervisor_pid, before.supervisor_pid);
}

/// Returns the same command for a process that may have only so many descriptors.
fn limited(command: &Command, descriptors: u32) -> Command {
    let mut limited = Command::new("sh");
    let script = format!("ulimit -n {descriptors}; exec \"$@\"");
    limited
        .args(["-c", &script, "sh"])
        .arg(command.get_program());
    limited.args(command.get_args()).stdout(Stdio::null());
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    limited
}

#[test]
#[ignore = "a role"]
fn owner_role() {
    let world = World::of_test(role_dir());
    let mut client = world.client("shared", &json!({}));
    client.start();
    note(world.path(), "owned", "1");
    loop {
        std::thread::park();
    }
}

#[test]
#[ignore = "a role"]
fn crowd_role() {
    let world = World::of_test(role_dir());
    let socket = world.server("shared").join("control.sock");
    let connect = |_| UnixStream::connect(&socket).unwrap();
    let _crowd: Vec<UnixStream> = (0..WAVE).map(connect).collect();
    note(world.path(), "connected", "1");
    loop {
        std::thread::park();
    }
}

#[test]
fn another_user_is_not_answered() {
    if let Some(socket) = child_argument() {
        let mut stream = UnixStream::connect(socket).unwrap();
        let mut answer = vec![];
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer, b"");
        return;
    }
    if !nix::unistd::Uid::effective().is_root() {
        let lost = "\nNOT TESTED: only root can let another user reach the socket\n";
        std::io::stderr().write_all(lost.as_bytes()).unwrap();
        return;
    }
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    // As if the directories were open, which the supervisor sees to that they are not.
    let server = world.server("shared");
    let folders = server
        .ancestors()
        .take_while(|path| *path != Path::new("/tmp"));
    for folder in folders.filter(|path| path.starts_with(world.path())) {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let socket = server.join("control.sock");
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o777)).unwrap();
    again_as_stranger(
        "who_connects_and_says_nothing_harms_nobody::another_user_is_not_answered",
        &socket,
    );
    Raw::hello(&server, 1);
}
