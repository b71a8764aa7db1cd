//! Whatever the user names by mistake stays as it is, with nothing beside it.

use std::path::Path;

use temporal_devserver::database::checks::check;
use temporal_devserver::database::new::install_copy;
use temporal_devserver::database::{Database, Kind};

use crate::support::playground;

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap();
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.unwrap().file_name().into_string().unwrap()
    };
    let mut names: Vec<_> = entries.map(name).collect();
    names.sort();
    names
}

#[test]
fn not_by_the_check_and_not_by_the_creation() {
    let (_temp, path) = playground();
    let template = path.join("template");
    std::fs::write(&template, "SQLite format 3\0...").unwrap();
    for (name, text) in [
        ("notes.txt", "my notes"),
        ("empty", ""),
        ("short", "SQLite"),
    ] {
        let file = path.join(name);
        std::fs::write(&file, text).unwrap();
        let changed = std::fs::metadata(&file).unwrap().modified().unwrap();
        let before = names(&path);
        assert!(check(&file).is_err());
        assert_eq!(names(&path), before);
        let database = Database {
            path: file.clone(),
            kind: Kind::Kept,
        };
        assert!(install_copy(&template, &database, 0o022).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        assert_eq!(
            std::fs::metadata(&file).unwrap().modified().unwrap(),
            changed
        );
    }
}
