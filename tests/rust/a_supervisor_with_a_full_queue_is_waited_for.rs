//! Where so many connect at once that the supervisor's queue is full, a client waits for its turn and spawns no second one.

use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};
use serde_json::json;
use temporal_devserver::control::message::Request;

use crate::support::World;

#[test]
fn a_supervisor_with_a_full_queue_is_waited_for() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    client.release();
    world.wait_until_empty();
    // In its place: one that accepts nobody, and has one in its queue.
    let path = world.server("shared").join("control.sock");
    let flags = SockFlag::SOCK_CLOEXEC;
    let listener = socket(AddressFamily::Unix, SockType::Stream, flags, None).unwrap();
    bind(
        std::os::fd::AsRawFd::as_raw_fd(&listener),
        &UnixAddr::new(&path).unwrap(),
    )
    .unwrap();
    listen(&listener, Backlog::new(0).unwrap()).unwrap();
    let first = UnixStream::connect(&path).unwrap();
    client.begin();
    let asked = client.call_within(Request::Status, Duration::from_millis(100));
    assert!(asked.is_none(), "{asked:?}");
    client.look();
    assert_eq!(world.processes(), Vec::<i32>::new());
    drop((first, listener));
    client.granted().unwrap();
}
