//! A script in place of the server runs whatever it likes: its version and its template are those of what is behind it now.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use crate::support::{World, fake_temporal};

#[test]
fn a_script_is_asked_at_every_start() {
    let mut world = World::new();
    world.use_cache_of_its_own();
    let version = world.path().join("version");
    let script = world.path().join("temporal");
    let text = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exec cat {}\nexec {} \"$@\"\n",
        version.display(),
        fake_temporal().display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    for number in ["1.8.3", "1.9.1"] {
        std::fs::write(
            &version,
            format!("temporal version {number} (Server 1.3.0, UI 2.5.4)\n"),
        )
        .unwrap();
        let mut client = world.private(&json!({ "executable": script }));
        assert_eq!(client.start().version.as_deref(), Some(number));
        client.release();
    }
    let templates = std::fs::read_dir(world.path().join("cache/templates")).unwrap();
    let names = templates.map(|entry| entry.unwrap().path());
    let databases = names.filter(|path| path.extension().is_some_and(|end| end == "db"));
    assert_eq!(databases.count(), 2);
}
