//! However many processes ask for one name at the same instant, there is one spawn and one server.

use std::process::Stdio;

use serde_json::json;

use crate::support::{Guarded, World, eventually, note, role, role_dir};

const STARTERS: usize = 64;

#[test]
fn many_starters_spawn_one_server() {
    let world = World::new();
    let starter = || {
        let mut command = role("many_starters_spawn_one_server::starter_role", world.path());
        Guarded::spawn(command.stderr(Stdio::null()))
    };
    let starters: Vec<Guarded> = (0..STARTERS).map(|_| starter()).collect();
    let notes = |prefix: &str| -> Vec<String> {
        let entries = std::fs::read_dir(world.path()).unwrap().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names
            .filter(|name| name.starts_with(prefix) && !name.ends_with("unfinished"))
            .map(|name| std::fs::read_to_string(world.path().join(name)).unwrap())
            .collect()
    };
    eventually("all wait", || notes("waits").len() == STARTERS);
    note(world.path(), "barrier", "");
    eventually("all have an answer", || notes("got").len() == STARTERS);
    let mut answers = notes("got");
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let state: serde_json::Value = serde_json::from_str(&world.text("one", "state.json")).unwrap();
    assert_eq!(state["epoch"], 1, "one supervisor has begun");
    assert_eq!(world.processes().len(), 2);
    drop(starters);
}

#[test]
#[ignore = "a role"]
fn starter_role() {
    let world = World::of_test(role_dir());
    let me = std::process::id();
    note(world.path(), &format!("waits-{me}"), "");
    eventually("the barrier falls", || {
        world.path().join("barrier").exists()
    });
    let mut client = world.client("one", &json!({}));
    let status = client.start();
    let answer = format!("{:?} {}", status.pid, status.address);
    note(world.path(), &format!("got-{me}"), &answer);
    loop {
        std::thread::park();
    }
}
