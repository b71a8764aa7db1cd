//! A sweep clears what a total kill left, and passes over everything else without waiting.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use temporal_devserver::data_dir::DataDir;
use temporal_devserver::paths::{Locations, ServerDir};
use temporal_devserver::sweep::sweep;

use crate::support::{STRANGER, eventually, locations, playground};

/// A data directory with a database, as a killed server leaves it, but for the lock that keeps it.
fn data(locations: &Locations) -> (PathBuf, temporal_devserver::lock::FileLock) {
    let (made, clients) = DataDir::create(locations.temp_root()).unwrap();
    std::fs::write(made.database(), "data").unwrap();
    std::fs::write(made.path().join("temporal.db-wal"), "data").unwrap();
    (made.path().to_owned(), clients)
}

/// Sweeps until `expected` are gone, and nothing else.
fn assert_swept(locations: &Locations, expected: &[&Path]) {
    let mut removed: Vec<PathBuf> = Vec::new();
    eventually("all is swept", || {
        removed.extend(sweep(locations).removed);
        removed.len() >= expected.len()
    });
    removed.sort();
    assert_eq!(removed, expected);
}

#[test]
fn a_dead_servers_directories_go() {
    let (_temp, path) = playground();
    let locations = locations(&path);
    let (data, clients) = data(&locations);
    let (server, member) = ServerDir::create_private(&locations.private().unwrap()).unwrap();
    drop(server.directory().open_log("server.log").unwrap());
    let _socket = std::os::unix::net::UnixListener::bind(server.socket_address()).unwrap();
    assert_swept(&locations, &[]);
    drop(clients);
    assert_swept(&locations, &[&data]);
    drop(member);
    assert_swept(&locations, &[server.path()]);
    assert!(!server.path().exists());
}

#[test]
fn any_held_lock_keeps_all() {
    let (_temp, path) = playground();
    let locations = locations(&path);
    let (data, clients) = data(&locations);
    drop(clients);
    let (server, member) = ServerDir::create_private(&locations.private().unwrap()).unwrap();
    drop(member);
    let again = DataDir::reopen(&data).unwrap();
    let database = again.try_lock_database().unwrap().unwrap();
    for name in ["spawn.lock", "supervisor.lock", "server.lock"] {
        let held = server.try_exclusive(name).unwrap().unwrap();
        assert_swept(&locations, &[]);
        drop(held);
    }
    assert_eq!(std::fs::read(again.database()).unwrap(), b"data");
    drop(database);
    assert_swept(&locations, &[server.path(), &data]);
}

#[test]
fn what_a_killed_maker_left_goes_too() {
    let (_temp, path) = playground();
    let locations = locations(&path);
    let temp = locations.temp_root();
    let make = |digit: &str, files: &[(&str, &str)]| {
        let path = temp.join(format!("temporal-devserver-{}", digit.repeat(16)));
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
        for (name, text) in files {
            std::fs::write(path.join(name), text).unwrap();
        }
        path
    };
    let bare = make("1", &[]);
    let locked = make("2", &[("clients.lock", "")]);
    let marking = make(
        "3",
        &[("clients.lock", ""), (".temporal-devserver", "Made by")],
    );
    assert_swept(&locations, &[&bare, &locked, &marking]);
}

/// Each of these differs from a left-over in one respect.
#[test]
fn what_is_not_ours_stays() {
    let (_temp, path) = playground();
    let locations = locations(&path);
    let temp = locations.temp_root();
    let name = |digit: &str| temp.join(format!("temporal-devserver-{}", digit.repeat(16)));
    let left = |path: &Path| {
        let (made, clients) = data(&locations);
        drop(clients);
        std::fs::rename(made, path).unwrap();
    };
    // Without the marker, with data.
    left(&name("1"));
    std::fs::remove_file(name("1").join(".temporal-devserver")).unwrap();
    // With another marker.
    left(&name("2"));
    std::fs::write(name("2").join(".temporal-devserver"), "something else").unwrap();
    // With a file more.
    left(&name("3"));
    std::fs::write(name("3").join("mine.txt"), "precious").unwrap();
    // Under another name.
    left(&temp.join("mine"));
    // By a link.
    symlink(temp.join("mine"), name("4")).unwrap();
    // Open to others.
    left(&name("5"));
    std::fs::set_permissions(name("5"), std::fs::Permissions::from_mode(0o755)).unwrap();
    // No directory at all.
    nix::unistd::mkfifo(&name("6"), Mode::S_IRWXU).unwrap();
    // With a fifo for a lock, and with one for the marker.
    left(&name("7"));
    std::fs::remove_file(name("7").join("clients.lock")).unwrap();
    nix::unistd::mkfifo(&name("7").join("clients.lock"), Mode::S_IRWXU).unwrap();
    left(&name("8"));
    std::fs::remove_file(name("8").join(".temporal-devserver")).unwrap();
    nix::unistd::mkfifo(&name("8").join(".temporal-devserver"), Mode::S_IRWXU).unwrap();
    // Somebody else's.
    if nix::unistd::Uid::effective().is_root() {
        left(&name("9"));
        std::os::unix::fs::chown(name("9"), Some(STRANGER), None).unwrap();
    }
    // A private server with a kept database in it.
    let (server, member) = ServerDir::create_private(&locations.private().unwrap()).unwrap();
    drop(member);
    std::fs::write(server.database(), "precious").unwrap();

    let before = std::fs::read_dir(temp).unwrap().count();
    assert_swept(&locations, &[]);
    assert_eq!(std::fs::read_dir(temp).unwrap().count(), before);
    assert!(name("1").join("temporal.db").exists());
    assert!(server.database().exists());
}
