//! A reserved port goes to our own server, over and over, and to nobody else.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use temporal_devserver::error::Error;
use temporal_devserver::port::{Attempt, reserve, try_reserve};

use crate::support::eventually;

const IP: Ipv4Addr = Ipv4Addr::LOCALHOST;

#[tokio::test]
async fn a_reserved_port_is_ours_alone() {
    let locks = tempfile::tempdir().unwrap();
    let reservation = reserve(IP, None, "port", locks.path()).await.unwrap();
    let port = reservation.port();
    let refused = TcpStream::connect((IP, port)).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);

    // Without SO_REUSEADDR, as a stranger binds.
    let stranger = tokio::net::TcpSocket::new_v4().unwrap();
    let taken = stranger.bind((IP, port).into()).unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);

    for _ in 0..3 {
        // std sets SO_REUSEADDR, as the server does. Until its exec, a child that another test forks in this instant has a
        // copy of the listener before.
        let mut server = None;
        eventually("the server listens", || {
            server = TcpListener::bind((IP, port)).ok();
            server.is_some()
        });
        let server = server.unwrap();
        let client = TcpStream::connect((IP, port)).unwrap();
        drop((server.accept().unwrap(), client, server));
    }
    for role in ["http_port", "ui_port"] {
        let other = reserve(IP, None, role, locks.path()).await.unwrap();
        assert_ne!(other.port(), port);
    }
    let second = try_reserve(IP, Some(port), "port", locks.path()).unwrap();
    assert!(matches!(second, Attempt::Busy { .. }), "{second:?}");

    drop(reservation);
    // Here, too.
    eventually("free again", || {
        let again = try_reserve(IP, Some(port), "port", locks.path()).unwrap();
        matches!(again, Attempt::Reserved(_))
    });
}

#[tokio::test]
async fn a_port_that_cannot_work_is_told_as_an_option() {
    let locks = tempfile::tempdir().unwrap();
    let zero = try_reserve(IP, Some(0), "ui_port", locks.path()).unwrap_err();
    assert!(matches!(zero, Error::Config { option, .. } if option == "ui_port"));
    let elsewhere = Ipv4Addr::new(192, 0, 2, 1);
    let foreign = try_reserve(elsewhere, None, "port", locks.path()).unwrap_err();
    assert!(matches!(foreign, Error::Config { option, .. } if option == "ip"));
}
