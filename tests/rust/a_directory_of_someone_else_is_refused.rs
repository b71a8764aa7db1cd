//! A directory that another user owns is not used, however well its mode looks.

use temporal_devserver::directory::Directory;

use crate::support::{STRANGER, playground};

#[test]
fn by_its_owner() {
    let (_temp, path) = playground();
    let theirs = if nix::unistd::Uid::effective().is_root() {
        let made = Directory::make(&path.join("theirs"), "THE_VARIABLE").unwrap();
        std::os::unix::fs::chown(made.path(), Some(STRANGER), None).unwrap();
        made.path().to_owned()
    } else {
        std::path::PathBuf::from("/")
    };
    let text = Directory::open(&theirs, "THE_VARIABLE")
        .unwrap_err()
        .to_string();
    assert!(text.contains("belongs to user id"), "{text}");
    assert!(text.contains("set THE_VARIABLE"), "{text}");
    assert!(Directory::make(&theirs, "THE_VARIABLE").is_err());
}
