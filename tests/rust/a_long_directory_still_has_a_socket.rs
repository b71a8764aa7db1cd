//! A socket address has 107 bytes, and a directory may be much longer.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};

use temporal_devserver::paths::ServerDir;

use crate::support::{directory, playground};

#[test]
fn both_ends_reach_it() {
    let (_temp, mut path) = playground();
    for _ in 0..8 {
        path.push("x".repeat(100));
    }
    let root = directory(&path);
    let here = ServerDir::open(&root, "long").unwrap();
    let there = ServerDir::at(here.path()).unwrap();
    let named = here.path().join("control.sock");
    assert!(UnixListener::bind(&named).is_err(), "the path is not long");
    let listener = UnixListener::bind(here.socket_address()).unwrap();
    assert!(named.symlink_metadata().is_ok(), "it lies in the directory");
    let mut client = UnixStream::connect(there.socket_address()).unwrap();
    client.write_all(b"!").unwrap();
    let mut byte = [0];
    listener.accept().unwrap().0.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"!");
}
