//! A program that is asked something and does not end in time is killed with all that it has started, and reported.

use std::io::{ErrorKind, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use temporal_devserver::process::oneshot;

use crate::support::{eventually, on_runtime};

#[test]
fn a_program_that_does_not_answer_is_ended() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let error = on_runtime(oneshot::run(
        Path::new("/bin/sh"),
        vec!["-c".into(), "sleep 300 & wait".into()],
        std::env::vars_os().collect(),
        vec![theirs.as_fd()],
        Duration::from_millis(200),
    ))
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
    assert!(error.to_string().contains("0.2 s"), "{error}");
    drop(theirs);
    // Both have inherited the other end.
    ours.set_nonblocking(true).unwrap();
    eventually("nobody has the other end", || {
        ours.read(&mut [0]).is_ok_and(|count| count == 0)
    });
}
