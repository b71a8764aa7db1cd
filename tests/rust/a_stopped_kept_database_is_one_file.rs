//! After a stop, a kept database of the real server is one file, and a lone copy of it is a whole database.

use std::ffi::OsStr;
use std::path::Path;

use serde_json::json;
use temporal_devserver::control::message::{Kind, Request};

use crate::support::{World, kill_9, real_temporal};

#[test]
fn a_stopped_kept_database_is_one_file() {
    let world = World::new();
    let folder = world.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    let options = json!({
        "executable": real_temporal(), "db": folder.join("kept.db"), "start_timeout": 60.0,
    });
    let namespace = |name: &str| Request::CreateNamespace {
        name: name.to_owned(),
        retention: None,
    };
    let mut client = world.client("kept", &options);
    let pid = client.start().pid.unwrap();
    client.call(namespace("before-a-kill")).unwrap();
    kill_9(pid);
    client.wait_for(Kind::Exited);
    client.wait_for(Kind::Ready);
    client.call(namespace("after-a-kill")).unwrap();
    client.stop();
    client.wait_until_stopped();
    let names = || {
        let entries = std::fs::read_dir(&folder).unwrap().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort();
        names
    };
    let of_database: Vec<_> = names()
        .into_iter()
        .filter(|name| Path::new(name).extension() != Some(OsStr::new("lock")))
        .collect();
    assert_eq!(of_database, ["kept.db"]);

    let copy = world.path().join("copy.db");
    std::fs::copy(folder.join("kept.db"), &copy).unwrap();
    let options = json!({ "executable": real_temporal(), "db": copy, "start_timeout": 60.0 });
    let mut reader = world.client("copy", &options);
    reader.start();
    let found = reader.call(Request::ListNamespaces).unwrap().to_string();
    assert!(found.contains("before-a-kill"), "{found}");
    assert!(found.contains("after-a-kill"), "{found}");
}
