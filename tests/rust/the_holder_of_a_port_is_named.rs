//! Who has the port we want is named, and our own server is recognised by its port, forked or not.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use temporal_devserver::error::Error;
use temporal_devserver::port::{Attempt, reserve, try_reserve};
use temporal_devserver::process::listeners::{is_owned_by_tree, listener_of};

use crate::support::{Guarded, note, noted, role, role_argv, role_dir};

const IP: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Returns the error of a reservation that ought to fail.
async fn refusal(port: u16, dir: &std::path::Path) -> String {
    match reserve(IP, Some(port), "ui_port", dir).await {
        Err(error @ Error::PortInUse { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_holder_of_a_port_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let listener = Guarded::spawn(&mut role(
        "the_holder_of_a_port_is_named::listener_role",
        dir.path(),
    ));
    let port = noted(dir.path(), "port").try_into().unwrap();
    let named = format!("pid {} (`", listener.pid());
    let error = refusal(port, dir.path()).await;
    assert!(
        error.contains(&named) && error.contains("ui_port"),
        "{error}"
    );

    let seen = listener_of(port).unwrap();
    assert_eq!(seen.process.unwrap().pid, listener.pid());
    assert!(is_owned_by_tree(IP, port, listener.pid()));
    let stranger = Guarded::sleeper();
    assert!(!is_owned_by_tree(IP, port, stranger.pid()));
    drop(listener);
    assert_eq!(listener_of(port), None);
}

#[test]
fn a_descendant_of_the_server_counts_as_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let mut wrapper = Command::new("/bin/sh");
    wrapper.args(["-c", "\"$@\" & wait", "sh"]);
    wrapper.args(role_argv("the_holder_of_a_port_is_named::listener_role"));
    wrapper
        .env("TEST_ROLE_DIR", dir.path())
        .stdout(std::process::Stdio::null());
    let wrapper = Guarded::spawn(&mut wrapper);
    let port = noted(dir.path(), "port").try_into().unwrap();
    let owned = is_owned_by_tree(IP, port, wrapper.pid());
    let process = listener_of(port).unwrap().process.unwrap();
    process.signal(nix::sys::signal::Signal::SIGKILL).unwrap();
    assert!(owned && process.pid != wrapper.pid());
}

#[tokio::test]
async fn another_supervisor_is_named_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let other = Guarded::spawn(&mut role(
        "the_holder_of_a_port_is_named::other_supervisor_role",
        dir.path(),
    ));
    let port = noted(dir.path(), "port").try_into().unwrap();
    let error = refusal(port, dir.path()).await;
    let named = format!(
        "another temporal-devserver supervisor, pid {} (`",
        other.pid()
    );
    assert!(error.contains(&named), "{error}");
}

#[test]
#[ignore = "a role"]
fn listener_role() {
    let listener = TcpListener::bind((IP, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    note(&role_dir(), "port", &port.to_string());
    loop {
        std::thread::park();
    }
}

#[test]
#[ignore = "a role"]
fn other_supervisor_role() {
    let dir = role_dir();
    let attempt = try_reserve(IP, None, "port", &dir).unwrap();
    let Attempt::Reserved(reservation) = attempt else {
        panic!("{attempt:?}")
    };
    note(&dir, "port", &reservation.port().to_string());
    loop {
        std::thread::park();
    }
}
