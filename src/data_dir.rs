//! Where the data of a throw-away server lies: a directory of its own in `$TMPDIR`, and nothing else ever.
//!
//! Invariant: only a directory that carries our marker is removed, and only the files in it that we put there. So the end
//! of a throw-away server cannot take a kept database with it.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;

use crate::directory::{Directory, refusal};
use crate::disposable::{self, CLIENTS_LOCK, Contents};
use crate::error::{Error, Problem, Result};
use crate::lock::FileLock;
use crate::paths::{DATABASE, TEMP_DIR};

/// How the name of every such directory begins.
pub const PREFIX: &str = "temporal-devserver-";
/// The database lock, which the server inherits.
pub const DATABASE_LOCK: &str = "temporal.db.lock";

/// What may lie in such a directory.
pub(crate) const CONTENTS: Contents = Contents {
    data: &[
        "temporal.db.unfinished-database-journal",
        "temporal.db.unfinished-database-wal",
        "temporal.db.unfinished-database-shm",
        "temporal.db.unfinished-database",
        "temporal.db-journal",
        "temporal.db-wal",
        "temporal.db-shm",
        DATABASE,
    ],
    locks: &[CLIENTS_LOCK, DATABASE_LOCK],
};

/// The open data directory of one throw-away server.
#[derive(Debug)]
pub struct DataDir {
    /// The directory, checked and marked.
    directory: Directory,
}

impl DataDir {
    /// Makes one in `temp`, and returns it with its `clients.lock` held shared.
    pub fn create(temp: &Path) -> Result<(Self, FileLock)> {
        let parent = open_temp(temp)?;
        let (directory, clients) = disposable::create(parent, temp, PREFIX, TEMP_DIR)?;
        Ok((Self { directory }, clients))
    }

    /// Opens one that was made before, for instance by a supervisor that was killed.
    pub fn reopen(path: &Path) -> Result<Self> {
        let directory = Directory::open(path, TEMP_DIR)?;
        if !disposable::is_marked(&directory) {
            return Err(unmarked(path));
        }
        Ok(Self { directory })
    }

    /// Tries to become one of its clients; `None` for the instant in which a sweep looks: try again.
    ///
    /// An error when it was removed in the meantime: the marker is looked at again under the lock.
    pub fn try_client(&self) -> Result<Option<FileLock>> {
        let clients = self.directory.try_shared(CLIENTS_LOCK)?;
        if clients.is_some() && !disposable::is_marked(&self.directory) {
            return Err(unmarked(self.path()));
        }
        Ok(clients)
    }

    /// Tells whether somebody still counts on it.
    pub fn is_in_use(&self) -> Result<bool> {
        Ok(self.directory.try_exclusive(CLIENTS_LOCK)?.is_none())
    }

    /// Tries to take the database lock, the one that the server inherits.
    pub fn try_lock_database(&self) -> Result<Option<FileLock>> {
        self.directory.try_exclusive(DATABASE_LOCK)
    }

    /// Returns the directory itself.
    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the path of the database in it.
    pub fn database(&self) -> PathBuf {
        self.path().join(DATABASE)
    }

    /// Removes it after the final stop; an error when there is anything in it that is not ours.
    pub fn remove(self) -> Result<()> {
        if !disposable::is_marked(&self.directory) {
            return Err(unmarked(self.path()));
        }
        disposable::remove(&self.directory, &CONTENTS)
    }
}

/// Opens the directory for temporary files, which belongs to everybody.
pub(crate) fn open_temp(temp: &Path) -> Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
    openat(AT_FDCWD, temp, flags, Mode::empty())
        .map_err(|errno| refusal(temp, Problem::of("cannot be opened", &errno), TEMP_DIR))
}

fn unmarked(path: &Path) -> Error {
    Error::StateDir {
        path: path.display().to_string(),
        problem: "it carries no marker of ours, so it is left alone".to_owned(),
        remedy: "remove it by hand where it is of no use".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_used_and_removed() {
        let temp = tempfile::tempdir().unwrap();
        let (made, _clients) = DataDir::create(temp.path()).unwrap();
        assert!(disposable::is_our_name(
            made.path().file_name().unwrap(),
            PREFIX
        ));
        std::fs::write(made.database(), "data").unwrap();
        let again = DataDir::reopen(made.path()).unwrap();
        assert!(again.try_client().unwrap().is_some());
        let _lock = again.try_lock_database().unwrap().unwrap();
        assert!(made.try_lock_database().unwrap().is_none());
        again.remove().unwrap();
        assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 0);
        assert!(made.try_client().is_err());
    }

    #[test]
    fn what_is_not_ours_is_neither_reopened_nor_removed() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join(DATABASE), "precious").unwrap();
        assert!(DataDir::reopen(temp.path()).is_err());
        let (made, _clients) = DataDir::create(temp.path()).unwrap();
        let path = made.path().to_owned();
        std::fs::write(path.join("mine.txt"), "precious").unwrap();
        assert!(made.remove().is_err());
        assert!(path.join("mine.txt").exists());
    }
}
