//! Whatever comes over the control socket, the supervisor goes on and its clients keep their leases.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::json;

use crate::support::World;

/// Sends bytes, and reads until the other side has had enough.
fn throw(world: &World, bytes: &[u8]) {
    let mut stream = UnixStream::connect(world.server("shared").join("control.sock")).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(20)))
        .unwrap();
    // Cut off in the middle of what is too long.
    stream.write_all(bytes).ok();
    stream.shutdown(std::net::Shutdown::Write).ok();
    let mut answer = vec![];
    let ended = stream.read_to_end(&mut answer);
    let is_over = ended.is_ok() || ended.is_err_and(|error| error.raw_os_error() == Some(104));
    assert!(is_over, "it is still connected: {bytes:.20?}");
}

#[test]
fn garbage_on_the_socket_harms_nobody() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    client.kinds();
    let hello = b"{\"op\":\"hello\",\"protocol\":1,\"version\":\"\"}\n".to_vec();
    let after_hello = |line: &[u8]| [&hello, line].concat();
    let endless = vec![b'x'; 5 << 20];
    let deep = [&vec![b'['; 100_000][..], b"\n"].concat();
    for bytes in [
        &b""[..],
        b"\n",
        b"GET / HTTP/1.1\r\n\r\n",
        &[0, 255, 254, b'\n'],
        b"{\"op\":\"stop\",\"force\":true}\n",
        b"{\"op\":\"hello\"}\n",
        &after_hello(b"{\"op\":\"hello\",\"protocol\":1,\"version\":\"\"}\n"),
        &after_hello(b"{\"op\":\"somersault\"}\n"),
        &after_hello(b"null\n"),
        &after_hello(b"{\"op\":\"release\"}\n{\"op\":\"resume\"}\n"),
        &after_hello(&deep),
        &endless,
    ] {
        throw(&world, bytes);
    }
    let after = client.status();
    assert_eq!(after.supervisor_pid, before.supervisor_pid);
    assert_eq!(after.pid, before.pid);
    assert_eq!(after.leases.len(), 1);
    assert_eq!(client.kinds(), []);
}
