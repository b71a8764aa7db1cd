//! The first boot of an executable is made once, whoever needs it at the same time.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::{Client, World, eventually, fake_temporal};

#[test]
fn a_template_is_built_once() {
    let world = World::new();
    let executable = world.path().join("temporal");
    std::fs::copy(fake_temporal(), &executable).unwrap();
    // Another file, hence another digest: nobody has its template yet.
    let mut bytes = std::fs::read(&executable).unwrap();
    bytes.extend(world.path().to_str().unwrap().bytes());
    std::fs::write(&executable, bytes).unwrap();
    std::fs::set_permissions(&executable, std::fs::Permissions::from_mode(0o755)).unwrap();
    let client = |number: usize| {
        let name = format!("server-{number}");
        (
            world.client(&name, &json!({ "executable": executable })),
            name,
        )
    };
    let (mut clients, names): (Vec<Client>, Vec<String>) = (0..4).map(client).unzip();
    for client in &mut clients {
        client.begin();
    }
    for client in &mut clients {
        client.granted().unwrap();
    }
    let built = || {
        let says_so = |name: &&String| {
            let log = world.text(name, "supervisor.log");
            log.contains("building the template database")
        };
        names.iter().filter(says_so).count()
    };
    eventually("one has built it", || built() == 1);
    let (mut late, name) = client(9);
    late.start();
    assert!(!world.text(&name, "supervisor.log").contains("building"));
}

#[test]
fn one_whose_first_boot_fails_is_reported_with_its_log() {
    let mut world = World::with("print=out of cheese,exit_after=0.01:3,never_ready");
    world.use_cache_of_its_own();
    let error = world.private(&json!({})).try_start().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("template database: exit code 3"), "{text}");
    assert!(text.contains("out of cheese"), "{text}");
}
