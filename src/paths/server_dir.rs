//! The directory of one server: its locks, its socket, its state and its logs.
//!
//! Invariant: it depends on the server's name alone, never on where its data lies, and everything in it is reached
//! through the open directory.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

use crate::directory::Directory;
use crate::disposable::{self, CLIENTS_LOCK, Contents};
use crate::error::{Error, Result};
use crate::lock::FileLock;
use crate::paths::STATE_DIR;

/// Held by the supervisor for its life; close-on-exec.
pub const SUPERVISOR_LOCK: &str = "supervisor.lock";
/// Held by the supervisor and inherited by the server.
pub const SERVER_LOCK: &str = "server.lock";
/// Held by a launcher from its failed connect until its HELLO is answered.
pub const SPAWN_LOCK: &str = "spawn.lock";
/// Epochs and hints.
pub const STATE_FILE: &str = "state.json";
/// The state file while it is being written.
pub(crate) const STATE_FILE_NEW: &str = "state.json.new";
/// What the server writes.
pub const SERVER_LOG: &str = "server.log";
/// What the supervisor writes.
pub const SUPERVISOR_LOG: &str = "supervisor.log";
/// The database of a server that keeps its data under its name.
pub const DATABASE: &str = "temporal.db";
/// Where the supervisor listens.
pub const CONTROL_SOCKET: &str = "control.sock";

/// What may lie in the directory of a private server. No database: kept data is never swept away.
pub(crate) const PRIVATE_CONTENTS: Contents = Contents {
    data: &[
        CONTROL_SOCKET,
        STATE_FILE,
        STATE_FILE_NEW,
        SERVER_LOG,
        "server.log.1",
        SUPERVISOR_LOG,
        "supervisor.log.1",
    ],
    locks: &[CLIENTS_LOCK, SPAWN_LOCK, SUPERVISOR_LOCK, SERVER_LOCK],
};

/// The open directory of one server.
#[derive(Debug)]
pub struct ServerDir {
    /// The directory, checked.
    directory: Directory,
}

impl ServerDir {
    /// Opens the directory of the server `name` below `root`, made where it is missing.
    pub fn open(root: &Directory, name: &str) -> Result<Self> {
        check_name(name)?;
        let directory = root.make_child(name)?;
        Ok(Self { directory })
    }

    /// Opens the directory of the server `name`; `None` when there is none.
    pub fn existing(root: &Directory, name: &str) -> Result<Option<Self>> {
        check_name(name)?;
        let found = root.child(name.as_ref())?;
        Ok(found.map(|directory| Self { directory }))
    }

    /// Takes a directory that was opened for a look for that of a server.
    pub(crate) fn of(directory: Directory) -> Self {
        Self { directory }
    }

    /// Makes the directory of a new private server, and returns it with its `clients.lock` held shared.
    pub fn create_private(root: &Directory) -> Result<(Self, FileLock)> {
        let (directory, clients) = disposable::create(root, root.path(), "", STATE_DIR)?;
        Ok((Self { directory }, clients))
    }

    /// Opens the directory by its path, as the supervisor does, which is told the path at its start.
    pub fn at(path: &Path) -> Result<Self> {
        let directory = Directory::open(path, STATE_DIR)?;
        Ok(Self { directory })
    }

    /// Returns the directory, for its locks, its logs and its state file.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns its path, for people and for messages.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Tries to lock one of its lock files alone.
    pub fn try_exclusive(&self, lock: &str) -> Result<Option<FileLock>> {
        self.directory.try_exclusive(lock)
    }

    /// Tries to become one of the clients. `None` only for the instant in which a sweep looks: try again.
    pub fn try_client(&self) -> Result<Option<FileLock>> {
        self.directory.try_shared(CLIENTS_LOCK)
    }

    /// Returns the path of the database that is kept under the server's name.
    pub fn database(&self) -> PathBuf {
        self.path().join(DATABASE)
    }

    /// Returns an address for the control socket that is short however long the path is; good as long as this is open.
    ///
    /// A socket address has 107 bytes; the kernel follows `/proc/self/fd/<number>` to the open directory itself.
    pub fn socket_address(&self) -> PathBuf {
        let number = self.as_fd().as_raw_fd();
        PathBuf::from(format!("/proc/self/fd/{number}/{CONTROL_SOCKET}"))
    }

    /// Removes the directory of a private server after its final stop; refuses any other.
    pub fn remove_private(&self) -> Result<()> {
        if !disposable::is_marked(&self.directory) {
            return Err(Error::StateDir {
                path: self.path().display().to_string(),
                problem: "it carries no marker of ours, so it is left alone".to_owned(),
                remedy: "remove it by hand where it is of no use".to_owned(),
            });
        }
        disposable::remove(&self.directory, &PRIVATE_CONTENTS)
    }

    /// Removes the directory of a private server whose client has given it up and begun to remove it; tells whether it is one.
    pub(crate) fn remove_given_up(&self) -> bool {
        let is_given_up = !disposable::is_marked(&self.directory);
        if is_given_up {
            disposable::remove(&self.directory, &PRIVATE_CONTENTS).ok();
        }
        is_given_up
    }

    /// Returns the names of all servers below `root`, sorted.
    pub fn list(root: &Directory) -> Result<Vec<String>> {
        let names = root
            .names(usize::MAX)
            .map_err(|error| root.failure(".", &error))?;
        let names = names.into_iter().filter_map(|name| name.into_string().ok());
        let mut names: Vec<_> = names.filter(|name| check_name(name).is_ok()).collect();
        names.sort();
        Ok(names)
    }
}

impl AsFd for ServerDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

/// Checks the name of a server: it is the name of a directory, and people type it.
pub fn check_name(name: &str) -> Result<()> {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = name.len() <= 64
        && name.bytes().all(inner)
        && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if fits {
        return Ok(());
    }
    Err(Error::Config {
        option: "name".to_owned(),
        problem: format!("{name:?} cannot name a server"),
        remedy: "use 1 to 64 letters, digits, `.`, `_` and `-`, a letter or digit first".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_are_paths_are_refused() {
        for bad in [
            "",
            ".",
            "..",
            "a/b",
            "-x",
            ".x",
            "a b",
            "ä",
            "a\0",
            &"x".repeat(65),
        ] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["a", "orders-2", "A.b_c", &"x".repeat(64)] {
            assert!(check_name(good).is_ok(), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn a_good_name_is_one_component(name in "\\PC{0,70}") {
            if check_name(&name).is_ok() {
                let components: Vec<_> = Path::new(&name).components().collect();
                prop_assert!(matches!(components[..], [std::path::Component::Normal(_)]));
            }
        }
    }

    #[test]
    fn the_list_holds_what_was_opened() {
        let temp = tempfile::tempdir().unwrap();
        let root = Directory::make(&temp.path().join("d"), "X").unwrap();
        for name in ["b", "a"] {
            ServerDir::open(&root, name).unwrap();
        }
        std::fs::write(root.path().join(".hidden"), "").unwrap();
        assert_eq!(ServerDir::list(&root).unwrap(), ["a", "b"]);
        assert!(ServerDir::existing(&root, "c").unwrap().is_none());
    }
}
