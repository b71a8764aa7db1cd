//! Whatever comes over the control socket, its sender is told what is wrong; the supervisor goes on and its clients keep
//! their leases.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::support::{Raw, World};

/// Sends bytes, and reads until the other side has had enough; returns the last thing that it says.
fn throw(world: &World, bytes: &[u8]) -> Value {
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
    let last = answer
        .trim_ascii_end()
        .split(|byte| *byte == b'\n')
        .next_back();
    serde_json::from_slice(last.unwrap_or_default()).unwrap_or_default()
}

const HELLO: &[u8] = b"{\"op\":\"hello\",\"protocol\":1,\"version\":\"\"}\n";

#[test]
fn garbage_on_the_socket_harms_nobody() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    client.kinds();
    let after_hello = |line: &[u8]| [HELLO, line].concat();
    let endless = vec![b'x'; 5 << 20];
    let deep = [&vec![b'['; 100_000][..], b"\n"].concat();
    for (bytes, expected) in [
        (&b"\n"[..], "not understood: EOF"),
        (b"GET / HTTP/1.1\r\n\r\n", "send one JSON object a line"),
        (&[0, 255, 254, b'\n'], "send one JSON object a line"),
        (b"{\"op\":\"stop\",\"force\":true}\n", "begins with HELLO"),
        (b"{\"op\":\"somersault\"}\n", "unknown variant `somersault`"),
        (b"{\"op\":\"hello\"}\n", "missing field `protocol`"),
        (
            b"{\"op\":\"hello\",\"protocol\":1,\"version\":2}\n",
            "expected a string",
        ),
        (
            b"{\"op\":\"hello\",\"protocol\":1,\"version\":\"\",\"lease\":{}}\n",
            "missing field `pid`",
        ),
        (&after_hello(HELLO), "HELLO was answered already"),
        (
            &after_hello(b"{\"op\":\"somersault\"}\n"),
            "unknown variant `somersault`",
        ),
        (
            &after_hello(b"{\"op\":\"kill\",\"force\":\"yes\"}\n"),
            "expected a boolean",
        ),
        (
            &after_hello(b"{\"op\":\"restore\"}\n"),
            "missing field `path`",
        ),
        (&after_hello(b"null\n"), "not understood"),
        (&after_hello(&deep), "not understood"),
        (
            &after_hello(&endless),
            "a line is longer than 4194304 bytes",
        ),
        (&endless, "a line is longer than 4194304 bytes"),
    ] {
        let told = throw(&world, bytes);
        assert_eq!(told["error"]["code"], "request", "{told} to {bytes:.60?}");
        let message = told["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        let remedy = told["error"]["remedy"].as_str().unwrap();
        assert!(!remedy.is_empty() && message.ends_with(remedy), "{message}");
    }
    throw(&world, b"");
    throw(
        &world,
        &after_hello(b"{\"op\":\"release\"}\n{\"op\":\"resume\"}\n"),
    );
    let after = client.status();
    assert_eq!(after.supervisor_pid, before.supervisor_pid);
    assert_eq!(after.pid, before.pid);
    assert_eq!(after.leases.len(), 1);
    assert_eq!(client.kinds(), []);
}

#[test]
fn a_line_that_is_no_request_does_not_end_a_connection_that_said_hello() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    for protocol in [1, 2] {
        let mut raw = Raw::hello(&world.server("shared"), protocol);
        let hello = json!({ "op": "hello", "protocol": protocol, "version": "?" });
        for line in [hello, json!({ "op": "stop", "force": "yes" }), json!(7)] {
            assert_eq!(raw.ask(&line)["error"]["code"], "request", "{line}");
        }
        assert_eq!(raw.ask(&json!({ "op": "status" }))["reply"], "status");
    }
}
