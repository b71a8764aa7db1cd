//! Directories to play in, and places that touch nothing of the user's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use temporal_devserver::directory::Directory;
use temporal_devserver::paths::Locations;

/// A private directory to play in, seen only by one test.
pub(crate) fn playground() -> (tempfile::TempDir, PathBuf) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().canonicalize().unwrap();
    (temp, path)
}

/// A directory of ours in `path`.
pub(crate) fn directory(path: &Path) -> Directory {
    Directory::make(&path.join("ours"), "THE_VARIABLE").unwrap()
}

/// Locations that lie wholly below `root`, with `root/tmp` for throw-away data.
pub(crate) fn locations(root: &Path) -> Locations {
    std::fs::create_dir_all(root.join("tmp")).unwrap();
    let lookup = |name: &str| match name {
        "TEMPORAL_DEVSERVER_STATE_DIR" => Some(OsString::from(root.join("state"))),
        "TEMPORAL_DEVSERVER_CACHE_DIR" => Some(OsString::from(root.join("cache"))),
        "TMPDIR" => Some(OsString::from(root.join("tmp"))),
        _ => None,
    };
    Locations::from_environment(lookup, None).unwrap()
}

/// Runs Python, and returns what it printed.
pub(crate) fn python(arguments: &[OsString]) -> Vec<u8> {
    let output = Command::new(&arguments[0])
        .args(&arguments[1..])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    output.stdout
}

/// A directory that goes away with the test.
pub(crate) struct TestDir(tempfile::TempDir);

impl TestDir {
    /// Makes an empty one.
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Returns the path of a file in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
