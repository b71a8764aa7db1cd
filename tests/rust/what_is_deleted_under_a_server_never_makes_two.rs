//! Whatever is deleted of a running server's directory, there are never two on its data: whoever comes then gets that
//! one, or takes its place, or is told who has the data, while the old one goes on.

use serde_json::json;
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{World, eventually, has_two_on_one_database};

/// Deletes these (the empty name is the directory itself), and lets another client start the same server.
fn deleted(names: &[&str]) {
    let world = World::new();
    let options = json!({ "db": world.path().join("kept.db"), "stop_timeout": 0.1 });
    let mut first = world.client("deleted", &options);
    let before = first.start();
    let server = ProcessIdentity::of(before.pid.unwrap()).unwrap();
    for name in names {
        let path = world.server("deleted").join(name);
        // Its supervisor may just be writing there.
        eventually("it is deleted", || {
            if path.is_dir() {
                std::fs::remove_dir_all(&path).is_ok()
            } else {
                std::fs::remove_file(&path).is_ok()
            }
        });
    }
    let mut second = world.client("deleted", &options);
    let answer = second.try_start();
    assert!(!has_two_on_one_database(&world), "{names:?}: {answer:?}");
    match answer {
        Ok(granted) if granted.pid == before.pid => {}
        // The old one had to go, and the first client finds the new one.
        Ok(granted) => {
            assert!(!server.is_alive(), "{names:?}: both live");
            assert_eq!(first.granted().unwrap().pid, granted.pid, "{names:?}");
        }
        Err(error) => {
            let (text, holder) = (error.to_string(), before.supervisor_pid);
            assert!(
                text.contains(&format!("pid {holder} ")),
                "{names:?}: {text}"
            );
            assert!(server.is_alive(), "{names:?}: {text}");
            std::net::TcpStream::connect(&before.address).unwrap();
            // No manual step but the end of the old one.
            first.abandon();
            eventually("it is gone", || !server.is_alive());
            second.start();
        }
    }
    assert!(!has_two_on_one_database(&world), "{names:?}");
}

#[test]
fn what_is_deleted_under_a_server_never_makes_two() {
    let cases: &[&[&str]] = &[
        &["control.sock"],
        &["supervisor.lock"],
        &["server.lock"],
        &["spawn.lock"],
        &["clients.lock"],
        &["state.json"],
        &["control.sock", "supervisor.lock"],
        &["control.sock", "server.lock"],
        &["control.sock", "supervisor.lock", "server.lock"],
        &["control.sock", "spawn.lock", "clients.lock", "state.json"],
        &[""],
    ];
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| deleted(case));
        }
    });
}
