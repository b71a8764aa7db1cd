//! Whatever a dead life, or somebody's slip, has left in the directory of a server: the next start works.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, again_as_stranger, child_argument};

type Litter = fn(&Path);

/// A socket on which nobody listens any more.
fn dead_socket(dir: &Path) {
    drop(UnixListener::bind(dir.join("control.sock")).unwrap());
}

fn plain_file_for_a_socket(dir: &Path) {
    std::fs::write(dir.join("control.sock"), "no socket").unwrap();
}

fn link_for_a_socket(dir: &Path) {
    symlink("/nowhere", dir.join("control.sock")).unwrap();
}

fn torn_state(dir: &Path) {
    let whole = std::fs::read(dir.join("state.json")).unwrap();
    std::fs::write(dir.join("state.json"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(dir.join("state.json.new"), &whole[..7]).unwrap();
}

fn no_state(dir: &Path) {
    std::fs::write(dir.join("state.json"), "").unwrap();
}

fn half_a_database(dir: &Path) {
    for name in [
        "temporal.db.unfinished-database",
        "temporal.db.unfinished-database-journal",
    ] {
        std::fs::write(dir.join(name), "SQLite format 3\0 and no more").unwrap();
    }
}

#[test]
fn what_lies_in_its_way_keeps_no_server_from_starting() {
    let all: [Litter; 6] = [
        dead_socket,
        plain_file_for_a_socket,
        link_for_a_socket,
        torn_state,
        no_state,
        half_a_database,
    ];
    for litter in all {
        let world = World::new();
        let mut first = world.client("littered", &json!({ "db": true }));
        first.start();
        first.release();
        litter(&world.server("littered"));
        let mut second = world.client("littered", &json!({ "db": true }));
        assert_eq!(second.start().state, Kind::Ready);
        second.stop();
        second.wait_until_stopped();
        assert!(!world.server("littered").join("control.sock").exists());
    }
}

/// Its directory keeps others out; where somebody has opened it to all, the supervisor still looks who speaks.
#[test]
fn and_another_user_is_not_answered() {
    const NAME: &str =
        "what_lies_in_its_way_keeps_no_server_from_starting::and_another_user_is_not_answered";
    if let Some(socket) = child_argument() {
        use std::io::{Read as _, Write as _};
        let mut stream = UnixStream::connect(socket).unwrap();
        let hello = b"{\"op\":\"hello\",\"protocol\":1,\"version\":\"\"}\n{\"op\":\"status\"}\n";
        stream.write_all(hello).ok();
        let mut answer = vec![];
        stream.read_to_end(&mut answer).ok();
        assert_eq!(String::from_utf8_lossy(&answer), "");
        return;
    }
    if !nix::unistd::Uid::effective().is_root() {
        return; // Nobody else can be asked.
    }
    let world = World::new();
    let mut client = world.client("open", &json!({}));
    let before = client.start();
    let socket = world.server("open").join("control.sock");
    for path in socket
        .ancestors()
        .take_while(|path| path.starts_with(world.path()))
    {
        let mode = if path == socket { 0o666 } else { 0o755 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    again_as_stranger(NAME, &socket);
    for path in socket
        .ancestors()
        .skip(1)
        .take_while(|path| path.starts_with(world.path()))
    {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).unwrap();
    }
    let after = client.status();
    assert_eq!((after.pid, after.leases.len()), (before.pid, 1));
}
