//! A snapshot of a running server is one whole file that says who made it, and nothing else is ever written over.

use std::path::{Path, PathBuf};

use serde_json::json;
use temporal_devserver::control::message::Request;
use temporal_devserver::database::mark::Version;
use temporal_devserver::database::snapshot::made_by;
use temporal_devserver::error::Error;

use crate::support::{Client, World, rows, write_row};

fn snapshot(client: &Client, path: &Path) -> Result<(), Error> {
    let path = path.to_owned();
    client.call(Request::Snapshot { path }).map(drop)
}

fn database(client: &Client) -> PathBuf {
    client.status().db_path.unwrap().into()
}

#[test]
fn a_snapshot_is_one_whole_file() {
    let world = World::new();
    let folder = world.path().join("snapshots");
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("one");
    let mut clients = [
        world.private(&json!({})),
        world.client("throw-away", &json!({})),
        world.client("kept", &json!({ "db": world.path().join("kept.db") })),
    ];
    for client in &mut clients {
        let version = client.start().version.unwrap();
        write_row(&database(client), "before");
        snapshot(client, &path).unwrap();
        write_row(&database(client), "after");
        assert_eq!(rows(&path), "before");
        assert_eq!(made_by(&path).unwrap(), Some(Version::of(&version)));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }
}

#[test]
fn a_server_that_runs_on_one_takes_its_mark_away() {
    let world = World::new();
    let path = world.path().join("one");
    let mut client = world.private(&json!({}));
    client.start();
    write_row(&database(&client), "before");
    snapshot(&client, &path).unwrap();
    let mut other = world.private(&json!({ "db": path }));
    other.start();
    assert_eq!(made_by(&path).unwrap(), None);
    let in_use = snapshot(&client, &path).unwrap_err();
    assert!(matches!(in_use, Error::Database { .. }), "{in_use}");
    other.release();
    let kept = snapshot(&client, &path).unwrap_err().to_string();
    assert!(kept.ends_with("use another path"), "{kept}");
    assert_eq!(rows(&path), "before");
}

#[test]
fn what_is_no_place_for_one_is_refused() {
    let world = World::new();
    let mut client = world.client("kept", &json!({ "db": world.path().join("kept.db") }));
    client.start();
    write_row(&database(&client), "precious");
    std::fs::write(world.path().join("text"), "precious").unwrap();
    for name in [
        "kept.db",
        "kept.db-wal",
        "kept.db-shm",
        "kept.db.lock",
        "text",
        "no/folder",
        "",
    ] {
        let error = snapshot(&client, &world.path().join(name)).unwrap_err();
        assert!(matches!(error, Error::Database { .. }), "{name}: {error}");
    }
    client.release();
    assert_eq!(rows(&world.path().join("kept.db")), "precious");
    assert_eq!(
        std::fs::read(world.path().join("text")).unwrap(),
        b"precious"
    );
}

#[test]
fn many_at_once_are_all_written() {
    let world = World::new();
    let mut client = world.client("busy", &json!({}));
    client.start();
    write_row(&database(&client), "before");
    std::thread::scope(|scope| {
        for number in 0..8 {
            let world = &world;
            scope.spawn(move || {
                let path = world.path().join(format!("snapshot-{number}"));
                snapshot(&world.client("busy", &json!({})), &path).unwrap();
                assert_eq!(rows(&path), "before");
            });
        }
    });
}
