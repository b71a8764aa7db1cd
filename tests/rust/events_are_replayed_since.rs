//! Who knows some events gets the ones after them; who knows another life gets all.

use serde_json::json;
use temporal_devserver::control::message::{Event, Kind, Request};

use crate::support::{Client, World, kill_9};

fn replay(client: &Client, since: Option<(String, u64)>) -> Vec<Event> {
    let events = client
        .call(Request::Events {
            since,
            follow: false,
        })
        .unwrap();
    serde_json::from_value(events).unwrap()
}

#[test]
fn events_are_replayed_since() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    kill_9(client.start().pid.unwrap());
    let exited = client.wait_for(Kind::Exited);
    let ready = client.wait_for(Kind::Ready);

    let all = replay(&client, None);
    let kinds: Vec<Kind> = all.iter().map(|event| event.kind).collect();
    let life = [Kind::Starting, Kind::Ready];
    let crash = [Kind::Exited, Kind::Restarting];
    assert_eq!(kinds, [&life[..], &crash, &life].concat());
    let numbers: Vec<u64> = all.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=6).collect::<Vec<_>>());

    let rest = replay(&client, Some((exited.server.clone(), exited.seq)));
    assert_eq!(rest.len(), 3);
    assert_eq!(rest.last(), Some(&ready));
    assert_eq!(replay(&client, Some((ready.server, ready.seq))), []);
    assert_eq!(replay(&client, Some(("another life".to_owned(), 9))), all);
}
