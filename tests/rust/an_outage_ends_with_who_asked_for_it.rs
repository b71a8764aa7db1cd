//! In an outage nobody answers at the address; it ends when it is over, when it is ended, or with who asked for it.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::json;
use temporal_devserver::control::message::{Force, Kind, Request};
use temporal_devserver::error::Error;

use crate::support::{FORCE, POLITE, World, kill_9};

fn outage(seconds: Option<f64>, force: Force) -> Request {
    Request::Outage { seconds, force }
}

#[test]
fn an_outage_ends_with_who_asked_for_it() {
    let world = World::new();
    let mut one = world.client("shared", &json!({}));
    let mut other = world.client("shared", &json!({}));
    let address = one.start().address;
    other.start();
    let refused = one.call(outage(None, POLITE)).unwrap_err();
    assert!(matches!(refused, Error::SharedServer { .. }), "{refused}");
    one.call(outage(None, FORCE)).unwrap();
    assert!(TcpStream::connect(&address).is_err());
    assert_eq!(other.status().state, Kind::Restarting);
    assert_eq!(other.wait_for(Kind::Restarting).data["delay"], json!(null));
    drop(one);
    other.wait_for(Kind::Ready);
    assert_eq!(other.status().address, address);
}

#[test]
fn or_when_it_is_ended() {
    let world = World::new();
    // Not one crash is allowed for.
    let mut client = world.client("shared", &json!({ "restart": { "limit": 0 } }));
    client.start();
    client.kinds();
    for _ in 0..3 {
        client.call(outage(Some(1e9), POLITE)).unwrap();
        client.call(Request::Resume).unwrap();
        client.wait_for(Kind::Ready);
    }
}

#[test]
fn or_when_it_is_over() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    client.kinds();
    let began = Instant::now();
    client.call(outage(Some(0.4), POLITE)).unwrap();
    client.wait_for(Kind::Ready);
    assert!(began.elapsed() >= Duration::from_millis(400));
    client.call(outage(Some(0.0), POLITE)).unwrap();
    client.wait_for(Kind::Ready);
}

#[test]
fn a_longer_one_takes_the_place_of_a_delay() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let address = client.start().address;
    client.call(outage(Some(0.3), POLITE)).unwrap();
    client.call(outage(None, POLITE)).unwrap();
    assert_eq!(client.wait_for(Kind::Restarting).data["delay"], json!(0.3));
    client.wait_for(Kind::Restarting);
    std::thread::park_timeout(Duration::from_millis(500));
    assert!(TcpStream::connect(&address).is_err());
    assert_eq!(client.kinds(), []);
    client.call(Request::Resume).unwrap();
    client.wait_for(Kind::Ready);
}

#[test]
fn what_is_not_there_cannot_be_taken_down() {
    let world = World::new();
    let mut client = world.client("shared", &json!({ "restart": { "limit": 0 } }));
    let pid = client.start().pid.unwrap();
    let error = client.call(outage(Some(-1.0), POLITE)).unwrap_err();
    assert!(matches!(error, Error::Config { .. }), "{error}");
    kill_9(pid);
    client.wait_for(Kind::Failed);
    let error = client.call(outage(None, POLITE)).unwrap_err();
    assert!(matches!(error, Error::NotRunning { .. }), "{error}");
}

#[test]
fn a_stop_ends_it_too() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    client.start();
    client.call(outage(None, POLITE)).unwrap();
    client.stop();
    client.wait_until_stopped();
}
