//! Probes tell a server that does not work from one that does, and say at which layer it fails.

use std::fs::File;
use std::time::Duration;

use temporal_devserver::temporal::probe::{self, Layer, Probe};

use crate::support::{LONG, TestDir, TestServer, fake_temporal, on_runtime};

/// Starts a fake server and returns the first failure at this layer while waiting for it.
fn failure_at(layer: Layer, misbehaviour: &str, namespaces: &[String]) -> String {
    let server = TestServer::start(&fake_temporal(), &[], misbehaviour);
    on_runtime(async {
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let note = |failure: &Probe| tell.send(failure.clone()).unwrap();
        let wait = probe::wait_until_ready(server.address(), namespaces, note);
        let failure = async {
            loop {
                let failure: Probe = told.recv().await.unwrap();
                if failure.layer == layer {
                    return failure.error.unwrap();
                }
            }
        };
        tokio::select! {
            _ = wait => panic!("it must not become ready"),
            failure = tokio::time::timeout(LONG, failure) => failure.unwrap(),
        }
    })
}

#[test]
fn that_it_is_not_there_yet() {
    let error = failure_at(Layer::Port, "ready_after=30", &[]);
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn that_it_never_serves() {
    let error = failure_at(Layer::Health, "never_ready", &[]);
    assert_eq!(error, "the server says it is NOT_SERVING");
}

#[test]
fn that_it_hangs() {
    let error = failure_at(Layer::Health, "hang", &[]);
    assert_eq!(error, "no answer within 1 s");
}

#[test]
fn that_a_namespace_is_missing() {
    let error = failure_at(Layer::Namespace, "", &["orders".to_owned()]);
    assert_eq!(error, "NOT_FOUND: Namespace orders is not found.");
}

#[test]
fn that_it_stops_working_later() {
    let limit = Duration::from_millis(200);
    for (fault, error) in [
        ("hang_if_file", "no answer within 0.2 s"),
        (
            "lose_database_if_file",
            "INTERNAL: no such table: namespaces",
        ),
    ] {
        let directory = TestDir::new();
        let switch = directory.file("switch");
        let misbehaviour = format!("{fault}={}", switch.display());
        let server = TestServer::start(&fake_temporal(), &[], &misbehaviour);
        on_runtime(async {
            let connection = server.ready(&[]).await;
            let well = probe::liveness(&connection, "default", LONG).await;
            assert_eq!(well.unwrap().len(), 2);
            File::create(switch).unwrap();
            let mut ill = probe::liveness(&connection, "default", limit)
                .await
                .unwrap_err();
            let last = ill.pop().unwrap();
            assert_eq!(last.layer, Layer::Namespace);
            assert_eq!(last.error.as_deref(), Some(error));
        });
    }
}
