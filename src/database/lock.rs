//! The lock that makes one server the only one on its database, even when every supervisor is dead.
//!
//! Invariant: it lies beside the real path of the database, under one name, so whatever way leads to the file leads to
//! the same lock; the server inherits it, so it is free only when no server has the file any more.
//!
//! Mode: as the database itself, the user's umask taken from 0666. In a folder that a group shares, 0600 would shut the
//! others out with "permission denied" although they may use the database; whoever may at least read the lock file can
//! take the lock, as flock asks for no more.

use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;

use super::{beside, refusal};
use crate::error::{Error, Problem, Result};
use crate::lock::FileLock;

/// Returns the path of the lock file of the database at `real`, a real path.
pub fn path(real: &Path) -> PathBuf {
    beside(real, ".lock")
}

/// Tries to take the lock of the database at `real`; `None` while another server has it (or is just dying: try again).
pub fn try_lock(real: &Path, umask: u32) -> Result<Option<FileLock>> {
    let lock = path(real);
    FileLock::try_exclusive(AT_FDCWD, &lock, 0o666 & !umask).map_err(|error| {
        refusal(
            real,
            Problem::of(
                format_args!("its lock file {} cannot be used", lock.display()),
                &error,
            ),
            "change the permissions of that file, or use another path",
        )
    })
}

/// The error for a database that another server has; `holder` finds out who has the lock file of this device and inode.
pub fn in_use(real: &Path, holder: impl FnOnce((u64, u64)) -> Option<String>) -> Error {
    use std::os::unix::fs::MetadataExt as _;
    let inode = std::fs::symlink_metadata(path(real)).map(|found| (found.dev(), found.ino()));
    let holder = inode.ok().and_then(holder);
    let holder = holder.unwrap_or_else(|| "a process that we cannot see".to_owned());
    refusal(
        real,
        format!("it is in use by {holder}"),
        "stop that server, or use another path",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    #[test]
    fn one_server_and_the_others_hear_who_it_is() {
        let temp = tempfile::tempdir().unwrap();
        let real = temp.path().join("x.db");
        let _held = try_lock(&real, 0o002).unwrap().unwrap();
        assert!(try_lock(&real, 0o022).unwrap().is_none());
        let mode = std::fs::metadata(path(&real)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o664);
        let locked = std::fs::metadata(path(&real)).unwrap();
        let error = in_use(&real, |inode| {
            (inode == (locked.dev(), locked.ino())).then(|| "pid 7 (temporal)".to_owned())
        });
        assert!(error.to_string().contains("in use by pid 7"), "{error}");
    }
}
