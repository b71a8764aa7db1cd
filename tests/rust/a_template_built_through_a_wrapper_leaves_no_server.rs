//! Where `temporal` is a script that starts the server as its child, the server that built the template ends, too.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use temporal_devserver::process::identity::ProcessIdentity;

use crate::support::{World, eventually, fake_temporal, kill_9};

fn wrapped(world: &mut World, prefix: &str) -> Value {
    world.use_cache_of_its_own();
    let wrapper = world.path().join("temporal");
    let fake = fake_temporal();
    let script = format!(
        "#!/bin/sh\n{prefix} '{}' \"$@\" &\nwait $!\n",
        fake.display()
    );
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755)).unwrap();
    json!({ "executable": wrapper })
}

#[test]
fn a_template_built_through_a_wrapper_leaves_no_server() {
    let mut world = World::new();
    // A group of its own: no signal to the wrapper's group reaches it.
    let options = wrapped(&mut world, "setsid");
    let mut client = world.client("first", &options);
    client.start();
    eventually("supervisor, wrapper and server", || {
        world.processes().len() == 3
    });
}

#[test]
fn nor_does_one_whose_supervisor_is_killed() {
    let mut world = World::with("never_ready");
    let options = wrapped(&mut world, "");
    let mut client = world.client("first", &options);
    client.begin();
    let templates = world.path().join("cache/templates");
    let is_begun = || {
        let files = std::fs::read_dir(&templates)
            .into_iter()
            .flatten()
            .flatten();
        let mut names = files.filter_map(|file| file.file_name().into_string().ok());
        names.any(|name| name.ends_with(".db.unfinished-database"))
    };
    eventually("wrapper and server build the template", || {
        client.look();
        is_begun() && running(&world, "--db-filename").len() == 2
    });
    let building = running(&world, "--db-filename");
    let building: Vec<_> = building
        .into_iter()
        .filter_map(ProcessIdentity::of)
        .collect();
    let supervisor = running(&world, "examples/supervise")[0];
    kill_9(supervisor);
    client.abandon();
    // At the latest the next start ends what is left.
    world.set_faults("");
    let mut next = world.client("first", &options);
    next.start();
    eventually("they are gone", || {
        !building.iter().any(ProcessIdentity::is_alive)
    });
}

/// Lists the processes with these words in their command line.
fn running(world: &World, words: &str) -> Vec<i32> {
    let has_them = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(words)
    };
    world.processes().into_iter().filter(has_them).collect()
}
