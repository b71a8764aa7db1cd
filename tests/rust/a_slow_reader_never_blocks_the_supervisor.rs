//! A client that does not read holds nobody up; what it missed is marked when it reads again.

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{Raw, World};

#[test]
fn a_slow_reader_never_blocks_the_supervisor() {
    let world = World::new();
    let mut slow = world.client("shared", &json!({}));
    slow.start();
    let mut quick = Raw::hello(&world.server("shared"), 1);
    let pause = json!({ "op": "pause", "force": true });
    let resume = json!({ "op": "resume" });
    // Far more than the socket and the supervisor keep: some 300 bytes an event.
    for _ in 0..6000 {
        for verb in [&pause, &resume] {
            assert_eq!(quick.ask(verb)["reply"], "done");
        }
    }
    let before = slow.kinds();
    assert!(before.len() < 12_000, "the socket took all");
    assert!(!before.contains(&Kind::Lost), "{before:?}");
    quick.ask(&pause);
    quick.ask(&resume);
    slow.wait_for(Kind::Lost);
    slow.wait_for(Kind::Resumed);
    assert_eq!(slow.kinds(), []);
}

#[test]
fn one_that_asks_without_reading_is_cut_off() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let supervisor = client.start().supervisor_pid;
    let mut greedy = Raw::hello(&world.server("shared"), 1);
    let status = json!({ "op": "status" });
    // Each answer has about a kilobyte.
    let is_cut_off = (0..50_000).any(|_| greedy.try_say(&status).is_err());
    assert!(is_cut_off);
    assert_eq!(client.status().supervisor_pid, supervisor);
    assert_eq!(client.status().leases.len(), 1);
}
