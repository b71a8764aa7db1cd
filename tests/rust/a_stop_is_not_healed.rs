//! A stop is a stop: other clients do not bring the server back, and it is refused while they have not been asked.

use serde_json::json;
use temporal_devserver::control::message::Request;
use temporal_devserver::error::Error;

use crate::support::{FORCE, POLITE, World, kill_9};

#[test]
fn a_stop_is_not_healed() {
    let world = World::new();
    let mut one = world.client("shared", &json!({}));
    let mut other = world.client("shared", &json!({}));
    one.start();
    other.start();
    one.stop();
    one.wait_until_stopped();
    other.wait_until_stopped();
    world.wait_until_empty();
    let refused = other.call(Request::Status).unwrap_err();
    assert!(matches!(refused, Error::NotRunning { .. }), "{refused}");
    other.start();
}

#[test]
fn what_others_hold_is_not_disturbed() {
    let world = World::new();
    let mut one = world.client("shared", &json!({}));
    let mut other = world.client("shared", &json!({}));
    let before = one.start();
    other.start();
    for verb in [
        Request::Stop(POLITE),
        Request::Kill(POLITE),
        Request::Restart(POLITE),
        Request::Pause(POLITE),
    ] {
        match one.call(verb.clone()) {
            Err(Error::SharedServer { holders, .. }) => {
                assert_eq!(holders.len(), 1);
                let me = format!("pid {}", std::process::id());
                assert!(holders[0].contains(&me), "{holders:?}");
            }
            answer => panic!("{verb:?}: {answer:?}"),
        }
    }
    assert_eq!(one.status().pid, before.pid);
    other.release();
    one.call(Request::Stop(POLITE)).unwrap();
}

#[test]
fn without_a_supervisor_it_is_remembered_all_the_same() {
    let world = World::new();
    let mut sleeping = world.client("shared", &json!({}));
    let before = sleeping.start();
    kill_9(before.supervisor_pid);
    let stopper = world.client("shared", &json!({}));
    stopper.call(Request::Stop(FORCE)).unwrap();
    sleeping.wait_until_stopped();

    // The data that nobody was left to remove goes with the next start of any server.
    world.private(&json!({})).start();
}
