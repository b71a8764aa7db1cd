//! The namespace that the probes ask for, and the server's own, cannot be deleted; what was deleted stays so.

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};
use temporal_devserver::error::Error;

use crate::support::{World, kill_9};

#[test]
fn what_every_server_needs_is_not_deleted() {
    let world = World::new();
    let mut client = world.client("shared", &json!({ "namespaces": ["mine"] }));
    let before = client.start();
    let delete = |name: &str| {
        client.call(Request::DeleteNamespace {
            name: name.to_owned(),
        })
    };
    for name in ["default", "temporal-system"] {
        let error = delete(name).unwrap_err();
        assert!(matches!(error, Error::Namespace { .. }), "{error}");
    }
    delete("mine").unwrap();
    kill_9(before.pid.unwrap());
    client.wait_for(Kind::Exited);
    client.wait_for(Kind::Ready);
    assert_eq!(client.status().namespaces, ["default"]);
}

#[test]
fn an_attribute_that_cannot_be_is_told_at_once() {
    let world = World::new();
    let options = json!({ "search_attributes": { "StartTime": "Keyword" }, "start_timeout": 25 });
    let error = world.client("shared", &options).try_start().unwrap_err();
    assert!(matches!(error, Error::Namespace { .. }), "{error}");
}
