//! A restored server has exactly the data of the snapshot, everybody is told, and what cannot be restored changes nothing.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use temporal_devserver::control::message::{Force, Kind, Request, Status};
use temporal_devserver::error::Error;

use crate::support::{Client, FORCE, Guarded, POLITE, World, kill_9, rows, write_row};

fn restore(path: &Path, force: Force) -> Request {
    let path = path.to_owned();
    Request::Restore { path, force }
}

/// Starts a server on a kept database and takes a snapshot; then more comes, to the file and to the log.
fn with_snapshot(world: &World, client: &mut Client) -> (Status, PathBuf) {
    let status = client.start();
    let database = PathBuf::from(status.db_path.clone().unwrap());
    write_row(&database, "before");
    let path = world.path().join("snapshot");
    let snapshot = Request::Snapshot { path: path.clone() };
    client.call(snapshot).unwrap();
    write_row(&database, "later");
    assert_eq!(rows(&database), "before later");
    write_row(&database, "after");
    client.kinds();
    (status, path)
}

#[test]
fn a_restored_server_is_as_it_was() {
    let world = World::new();
    let db = world.path().join("kept.db");
    let mut client = world.client("kept", &json!({ "db": db }));
    let (before, path) = with_snapshot(&world, &mut client);
    client.call(restore(&path, POLITE)).unwrap();
    let told = client.wait_for(Kind::Restored);
    assert_eq!(told.data["path"], json!(path));
    client.wait_for(Kind::Ready);
    let after = client.status();
    assert_eq!((&after.address, after.restarts), (&before.address, 0));
    assert_ne!(after.pid, before.pid);
    client.release();
    assert_eq!(rows(&db), "before");
    assert_eq!(rows(&path), "before");
}

#[test]
fn a_reset_one_is_empty_and_the_others_are_asked_first() {
    let world = World::new();
    let db = world.path().join("kept.db");
    let mut client = world.client("kept", &json!({ "db": db }));
    let mut other = world.client("kept", &json!({}));
    let (_, path) = with_snapshot(&world, &mut client);
    other.start();
    for verb in [restore(&path, POLITE), Request::Reset(POLITE)] {
        let refused = client.call(verb).unwrap_err();
        assert!(matches!(refused, Error::SharedServer { .. }), "{refused}");
    }
    client.call(Request::Reset(FORCE)).unwrap();
    other.wait_for(Kind::Reset);
    other.wait_for(Kind::Ready);
    client.release();
    other.release();
    assert_eq!(rows(&db), "");
}

#[test]
fn what_cannot_be_restored_changes_nothing() {
    let world = World::new();
    let db = world.path().join("kept.db");
    let mut client = world.client("kept", &json!({ "db": db }));
    let (before, path) = with_snapshot(&world, &mut client);
    let spoiled = |name: &str, at: u64, bytes: &[u8]| {
        let spoiled = world.path().join(name);
        std::fs::copy(&path, &spoiled).unwrap();
        let file = std::fs::File::options().write(true).open(&spoiled).unwrap();
        file.write_all_at(bytes, at).unwrap();
        spoiled
    };
    let newer = spoiled("newer", 60, &u32::to_be_bytes(99_001_002));
    let error = client.call(restore(&newer, POLITE)).unwrap_err();
    let running = before.version.clone().unwrap();
    assert!(matches!(error, Error::SnapshotVersion { .. }), "{error}");
    assert!(error.to_string().contains("99.1.2"), "{error}");
    assert!(error.to_string().contains(&running), "{error}");
    for wrong in [
        spoiled("damaged", 4096, &[0xff; 64]),
        spoiled("unmarked", 68, &[0; 4]),
        world.path().join("missing"),
        world.path().to_owned(),
        db.clone(),
    ] {
        let error = client.call(restore(&wrong, POLITE)).unwrap_err();
        assert!(matches!(error, Error::Database { .. }), "{error}");
    }
    assert_eq!(client.kinds(), []);
    assert_eq!(client.status().pid, before.pid);
    client.release();
    assert_eq!(rows(&db), "before later after");
    assert!(!world.path().join("kept.db.unfinished-database").exists());
}

#[test]
fn without_sqlite3_nothing_is_ended() {
    let mut world = World::new();
    world.forget_python();
    let mut client = world.private(&json!({}));
    let before = client.start();
    client.kinds();
    let path = world.path().join("snapshot");
    for verb in [Request::Reset(POLITE), Request::Snapshot { path }] {
        let error = client.call(verb).unwrap_err();
        assert!(error.to_string().contains("sqlite3"), "{error}");
    }
    assert_eq!(client.kinds(), []);
    assert_eq!(client.status().pid, before.pid);
    client.release();
}

#[test]
fn a_database_that_somebody_has_open_is_kept() {
    let world = World::new();
    let db = world.path().join("kept.db");
    let mut client = world.client("kept", &json!({ "db": db }));
    let (_, path) = with_snapshot(&world, &mut client);
    let reader = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); \
                  print(db.execute('SELECT * FROM t').fetchall(), flush=True); input()";
    let mut command = Command::new("python3");
    command.args(["-c", reader]).arg(&db);
    let mut reader = Guarded::spawn(command.stdin(Stdio::piped()).stdout(Stdio::piped()));
    let mut read = String::new();
    let mut answers = BufReader::new(reader.0.stdout.as_mut().unwrap());
    answers.read_line(&mut read).unwrap();
    assert!(read.contains("after"), "{read}");
    let error = client.call(restore(&path, POLITE)).unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error}");
    client.wait_for(Kind::Ready);
    drop(reader);
    client.release();
    assert_eq!(rows(&db), "before later after");
}

#[test]
fn one_that_was_given_up_is_restored_too() {
    let world = World::new();
    let db = world.path().join("kept.db");
    let mut client = world.client("kept", &json!({ "db": db, "restart": { "limit": 0 } }));
    let (before, path) = with_snapshot(&world, &mut client);
    kill_9(before.pid.unwrap());
    client.wait_for(Kind::Failed);
    client.call(restore(&path, POLITE)).unwrap();
    client.wait_for(Kind::Ready);
    client.release();
    assert_eq!(rows(&db), "before");
}
