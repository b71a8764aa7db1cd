//! What a plain user may not write to is refused by name, before the server fails in some other way.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use temporal_devserver::database::checks::check;

use crate::support::{again_as_stranger, child_argument, playground};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn nor_is_a_read_only_file_one() {
    let Some(path) = child_argument() else {
        let (_temp, path) = playground();
        set_mode(&path, 0o755);
        for folder in ["shut", "open"] {
            std::fs::create_dir(path.join(folder)).unwrap();
            std::fs::write(path.join(folder).join("x.db"), "SQLite format 3\0...").unwrap();
        }
        set_mode(&path.join("shut/x.db"), 0o666);
        set_mode(&path.join("open/x.db"), 0o444);
        set_mode(&path.join("open"), 0o777);
        set_mode(&path.join("shut"), 0o555);
        again_as_stranger(
            "a_read_only_folder_is_no_place_for_a_database::nor_is_a_read_only_file_one",
            &path,
        );
        set_mode(&path.join("shut"), 0o755);
        return;
    };
    for (file, part) in [
        ("shut/x.db", "folder is read-only"),
        ("shut/new.db", "folder is read-only"),
        ("open/x.db", "may not write to it"),
    ] {
        let text = check(&path.join(file)).unwrap_err().to_string();
        assert!(text.contains(part), "{text}");
    }
    assert!(check(&path.join("open/new.db")).is_ok());
}
