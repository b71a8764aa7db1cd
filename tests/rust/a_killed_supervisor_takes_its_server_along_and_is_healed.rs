//! A killed supervisor takes its server along, and its clients bring both back: the same address, the same data.

use std::net::TcpListener;

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, eventually, kill_9};

fn healed(world: &World, name: Option<&str>) {
    let client = || match name {
        Some(name) => world.client(name, &json!({})),
        None => world.private(&json!({})),
    };
    let mut first = client();
    let before = first.start();
    let mut second = name.map(|_| client());
    if let Some(second) = &mut second {
        second.start();
    }
    kill_9(before.supervisor_pid);
    let lost = first.wait_for(Kind::Exited);
    assert_eq!(lost.pid, before.pid);
    assert!(lost.message.contains("supervisor"), "{}", lost.message);
    let after = first.granted().unwrap();
    if let Some(second) = &mut second {
        assert_eq!(second.granted().unwrap().pid, after.pid);
    }
    assert_ne!(after.pid, before.pid);
    assert_eq!(after.address, before.address);
    assert_eq!(after.db_path, before.db_path);
    assert_eq!(world.processes().len(), 2);
}

#[test]
fn a_private_one() {
    healed(&World::new(), None);
}

#[test]
fn a_shared_one_by_both_of_its_clients() {
    healed(&World::new(), Some("shared"));
}

#[test]
fn whoever_is_in_the_way_of_the_heal_for_a_while() {
    let world = World::new();
    let mut client = world.private(&json!({}));
    let before = client.start();
    kill_9(before.supervisor_pid);
    // A process that ends gives up its memory first, and its port some time later.
    let mut thief = None;
    eventually("its port can be taken", || {
        thief = TcpListener::bind(&before.address).ok();
        thief.is_some()
    });
    client.wait_for(Kind::Exited);
    let mut looks = 0;
    eventually("it was tried", || {
        looks += 1;
        assert_eq!(client.look(), []);
        looks > 500
    });
    drop(thief);
    let after = client.granted().unwrap();
    assert_eq!(
        (after.address, after.db_path),
        (before.address, before.db_path)
    );
}
