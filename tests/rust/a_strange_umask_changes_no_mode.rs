//! Directories are 0700 and files 0600, whether the user's umask takes everything or nothing.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::sys::stat::{Mode, umask};
use temporal_devserver::data_dir::DataDir;
use temporal_devserver::directory::Directory;
use temporal_devserver::paths::ServerDir;
use temporal_devserver::state_file::State;

use crate::support::{again_as_stranger, child_argument, playground};

/// In a child of its own: the umask belongs to the whole process.
#[test]
fn neither_tight_nor_loose() {
    let Some(path) = child_argument() else {
        let (_temp, path) = playground();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777))
            .unwrap();
        again_as_stranger(
            "a_strange_umask_changes_no_mode::neither_tight_nor_loose",
            &path,
        );
        return;
    };
    for mask in [0o777, 0o000, 0o277] {
        let old = umask(Mode::from_bits_truncate(mask));
        make_everything(&path, mask);
        umask(old);
    }
}

fn make_everything(path: &Path, mask: u32) {
    let root = Directory::make(&path.join(format!("{mask:o}")), "X").unwrap();
    let server = ServerDir::open(&root, "a").unwrap();
    let (data, _clients) = DataDir::create(root.path()).unwrap();
    let _lock = server.try_exclusive("server.lock").unwrap().unwrap();
    let _log = server.directory().open_log("server.log").unwrap();
    State::begin_epoch(server.directory()).unwrap();
    for directory in [root.path(), server.path(), data.path()] {
        assert_eq!(mode(directory), 0o700, "{mask:o}");
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                assert_eq!(mode(&path), 0o600, "{mask:o} {}", path.display());
            }
        }
    }
    assert!(server.path().join("state.json").is_file());
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}
