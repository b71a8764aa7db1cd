//! A lock that a child inherited holds after the parent let go, and a child that lets go takes nothing from the parent.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use temporal_devserver::directory::Directory;
use temporal_devserver::lock::FileLock;

use crate::support::{directory, eventually, playground};

/// A child that has the lock as its standard error, and says so before it waits for the end of its input.
fn inheritor(lock: &FileLock) -> Child {
    let copy: OwnedFd = lock.as_fd().try_clone_to_owned().unwrap();
    let mut child = Command::new("sh")
        .args(["-c", "echo ready; read line; exit 0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(copy))
        .spawn()
        .unwrap();
    let mut line = [0; 6];
    let stdout = child.stdout.as_mut().unwrap();
    stdout.read_exact(&mut line).unwrap();
    child
}

fn is_free(directory: &Directory) -> bool {
    directory.try_exclusive("server.lock").unwrap().is_some()
}

#[test]
fn the_heir_keeps_it() {
    let (_temp, path) = playground();
    let directory = directory(&path);
    let lock = directory.try_exclusive("server.lock").unwrap().unwrap();
    let mut child = inheritor(&lock);
    drop(lock);
    assert!(!is_free(&directory));
    child.kill().unwrap();
    child.wait().unwrap();
    eventually("the lock is free", || is_free(&directory));
}

#[test]
fn the_parent_keeps_it() {
    let (_temp, path) = playground();
    let directory = directory(&path);
    let lock = directory.try_exclusive("server.lock").unwrap().unwrap();
    let mut child = inheritor(&lock);
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!is_free(&directory));
    drop(lock);
    eventually("the lock is free", || is_free(&directory));
}

#[test]
fn others_do_not_inherit_it() {
    let (_temp, path) = playground();
    let directory = directory(&path);
    let lock = directory.try_exclusive("server.lock").unwrap().unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    drop(lock);
    eventually("the lock is free", || is_free(&directory));
    child.kill().unwrap();
    child.wait().unwrap();
}
