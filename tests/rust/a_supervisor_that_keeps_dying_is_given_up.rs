//! A client whose supervisor is killed again and again brings its server back a few times, then says so.

use serde_json::json;
use temporal_devserver::error::Error;

use crate::support::{World, kill_9};

#[test]
fn a_supervisor_that_keeps_dying_is_given_up() {
    let world = World::new();
    let mut client = world.private(&json!({}));
    let mut status = client.start();
    for _ in 0..5 {
        kill_9(status.supervisor_pid);
        status = client.granted().unwrap();
    }
    kill_9(status.supervisor_pid);
    let error = client.granted().unwrap_err();
    assert!(matches!(error, Error::SupervisorLost { .. }), "{error}");
    assert!(error.to_string().contains("6 times"), "{error}");
    // The last server may have been dying still, and then its data is the next start's to sweep.
    world.client("other", &json!({})).start();
}
