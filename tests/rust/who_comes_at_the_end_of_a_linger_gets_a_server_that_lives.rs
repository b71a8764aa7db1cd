//! Who comes at the very instant at which a lingering server gives up gets a server that lives: that one, or a new one.

use std::time::{Duration, Instant};

use serde_json::json;
use temporal_devserver::control::message::Kind;

use crate::support::{Client, World};

const LINGER: Duration = Duration::from_millis(20);
const TURNS: usize = 1000;

/// Comes so long after the last one has gone, and uses the server; tells whether it is another one than that one's.
fn is_new(client: &mut Client, gone: Instant, delay: Duration, last: i32) -> bool {
    // To the microsecond, which no sleep is.
    while gone.elapsed() < delay {
        std::hint::spin_loop();
    }
    let granted = client.start();
    assert_eq!(granted.state, Kind::Ready);
    std::net::TcpStream::connect(&granted.address).unwrap();
    let status = client.status();
    assert_eq!((status.pid, status.restarts), (granted.pid, 0));
    assert_eq!(status.leases.len(), 1);
    let told = client.kinds();
    let ends = [Kind::Exited, Kind::Stopping, Kind::Stopped];
    assert!(!told.iter().any(|kind| ends.contains(kind)), "{told:?}");
    granted.pid != Some(last)
}

#[test]
#[ignore = "long"]
fn who_comes_at_the_end_of_a_linger_gets_a_server_that_lives() {
    let world = World::new();
    let client = || world.client("shared", &json!({ "linger": LINGER.as_secs_f64() }));
    let mut last = client();
    let mut pid = last.start().pid.unwrap();
    let (mut delay, step) = (LINGER, Duration::from_micros(150));
    let mut new = 0;
    for _ in 0..TURNS {
        last.release();
        let gone = Instant::now();
        let mut next = client();
        // Earlier after a new one, later after the same: so it stays at the instant on which all depends.
        if is_new(&mut next, gone, delay, pid) {
            new += 1;
            delay = delay.saturating_sub(step);
        } else {
            delay += step;
        }
        pid = next.status().pid.unwrap();
        last = next;
    }
    assert!((TURNS / 10..TURNS).contains(&new), "{new} of {TURNS}");
}
