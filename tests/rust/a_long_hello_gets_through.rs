//! A HELLO that is longer than a socket holds at once is said to its end.

use serde_json::{Map, Value, json};

use crate::support::World;

#[test]
fn a_long_hello_gets_through() {
    let world = World::new();
    let entry = |number: usize| (format!("some.key{number}"), json!("x".repeat(1000)));
    let long: Map<String, Value> = (0..400).map(entry).collect();
    let options = json!({ "dynamic_config": long, "start_timeout": 20 });
    let mut first = world.client("shared", &options);
    let mut second = world.client("shared", &options);
    let began = first.start();
    assert_eq!(second.start().pid, began.pid);
}
