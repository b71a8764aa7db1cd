//! Times come as numbers from other processes; none of them ends the supervisor.

use serde_json::json;
use temporal_devserver::control::message::LeaseRequest;

use crate::support::{Raw, World, fake_temporal, locations};

#[test]
fn a_time_that_nobody_can_mean_harms_nobody() {
    let world = World::new();
    let mut client = world.client("shared", &json!({}));
    let before = client.start();
    for seconds in [-1.0, -1e300, 1e300, 0.0] {
        let request = LeaseRequest {
            pid: 1,
            command: "somebody".to_owned(),
            name: "shared".to_owned(),
            private: false,
            options: serde_json::Map::from_iter([(
                "executable".to_owned(),
                json!(fake_temporal()),
            )]),
            defaults: serde_json::Map::new(),
            executable_variable: None,
            scripts: vec![],
            python: None,
            locations: locations(world.path()),
            data_dir: None,
            start_timeout: seconds,
            stop_timeout: seconds,
            linger: seconds.min(0.0),
            reset_above: None,
            pinned: false,
        };
        let mut raw = Raw::connect(&world.server("shared"));
        let hello = json!({ "op": "hello", "protocol": 1, "version": "", "lease": request });
        assert_eq!(raw.ask(&hello)["reply"], "hello");
        assert_eq!(raw.answer()["reply"], "granted");
    }
    assert_eq!(client.status().supervisor_pid, before.supervisor_pid);
}
