//! Clients that come and go at the same time always get a server that runs, whoever is just stopping it or was killed.

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{World, kill_9};

const CLIENTS: usize = 4;
const TURNS: usize = 12;

#[test]
fn a_start_never_meets_a_stop_half_way() {
    let world = World::new();
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let mut client = world.client("busy", &json!({}));
            scope.spawn(move || {
                for turn in 0..TURNS {
                    let status = client.start();
                    assert_eq!(status.state, Kind::Ready);
                    match (turn + number) % 3 {
                        0 => client.release(),
                        1 => {
                            client.stop();
                            client.wait_until_stopped();
                        }
                        _ => client.abandon(),
                    }
                }
            });
        }
    });
}

#[test]
fn nor_a_supervisor_that_was_just_killed() {
    let world = World::new();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let mut client = world.client("busy", &json!({}));
            scope.spawn(move || {
                for _ in 0..TURNS {
                    client.start();
                    client.abandon();
                }
            });
        }
        let mut killer = world.client("busy", &json!({}));
        scope.spawn(move || {
            // As often as a client puts up with in a minute.
            kill_9(killer.start().supervisor_pid);
            for _ in 1..5 {
                kill_9(killer.granted().unwrap().supervisor_pid);
            }
            killer.granted().unwrap();
        });
    });
    // Data that was left to somebody who then took another server goes with the next start of any server.
    let mut next = world.client("next", &json!({}));
    next.start();
    next.release();
}
