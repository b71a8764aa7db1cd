//! Snapshots: how one is written, and where.
//!
//! Invariant: only a file that `snapshot()` wrote whole bears the mark of one, and it loses it before a server runs on it. So
//! what bears it may be replaced by a newer snapshot, and nothing else may.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;

use super::mark::{self, Mark, Version};
use super::{COMPANIONS, beside, checks, lock, new, refusal};
use crate::error::{Problem, Result};
use crate::lock::FileLock;

/// Appended to the name of a snapshot while it is written: nobody else calls a file so.
const UNFINISHED: &str = ".unfinished-snapshot";

/// Returns the version that made the snapshot at `path`; none where it is no snapshot of ours.
pub fn made_by(path: &Path) -> io::Result<Option<Version>> {
    let mark = mark::read(path)?;
    Ok(mark.and_then(|(kind, version)| (kind == Mark::Snapshot).then_some(version)))
}

/// A snapshot that is being written, under a temporary name beside its own.
///
/// Its lock is on the temporary file itself: what somebody finds there and can lock, a kill has left.
#[derive(Debug)]
#[must_use = "what was written goes when this is dropped"]
pub struct Writing {
    path: PathBuf,
    lock: FileLock,
    is_finished: bool,
}

impl Writing {
    /// Begins one at `path`, a real path; `database` is the one that it is of, `umask` the user's.
    pub fn begin(path: &Path, database: &Path, umask: u32) -> Result<Self> {
        check(path, database)?;
        let (new, mode) = (beside(path, UNFINISHED), 0o666 & !umask);
        let lock = FileLock::try_exclusive(AT_FDCWD, &new, mode);
        let Some(lock) = lock.map_err(|error| failed(path, &error))? else {
            return Err(refusal(
                path,
                "another snapshot is just being written to it",
                "wait for that one, or use another path",
            ));
        };
        let writing = Self {
            path: path.to_owned(),
            lock,
            is_finished: false,
        };
        new::remove_companions(&new)
            .and_then(|()| {
                let file = File::options().write(true).truncate(true).open(&new)?;
                file.set_permissions(Permissions::from_mode(mode))
            })
            .map_err(|error| failed(path, &error))?;
        Ok(writing)
    }

    /// Returns the empty file to write to.
    pub fn new_path(&self) -> PathBuf {
        beside(&self.path, UNFINISHED)
    }

    /// Returns the lock, for the child that writes.
    pub fn lock(&self) -> &FileLock {
        &self.lock
    }

    /// Gives what was written its mark and its name; it is on the disk when this returns.
    pub fn finish(mut self, database: &Path, version: Version) -> Result<()> {
        let new = self.new_path();
        mark::write(&new, Some((Mark::Snapshot, version)))
            .map_err(|error| failed(&self.path, &error))?;
        // Once more: somebody may have put a file there.
        check(&self.path, database)?;
        new::rename_durably(&new, &self.path).map_err(|error| failed(&self.path, &error))?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if !self.is_finished {
            new::remove_whole(&self.new_path()).ok();
        }
    }
}

/// Checks where a snapshot is to lie: in a free place, or in that of another snapshot.
fn check(path: &Path, database: &Path) -> Result<()> {
    let refuse = |problem: &str, remedy: &str| Err(refusal(path, problem, remedy));
    let mut of_database = COMPANIONS.map(|suffix| beside(database, suffix)).to_vec();
    of_database.extend([
        database.to_owned(),
        new::path(database),
        lock::path(database),
    ]);
    if of_database.iter().any(|file| file == path) {
        return refuse("it belongs to the database in use", "use another path");
    }
    if path.file_name().is_none() || path.is_dir() {
        return refuse("it is a directory", "name a file in it");
    }
    if !path.parent().is_some_and(Path::is_dir) {
        return refuse("its folder does not exist", "create the folder first");
    }
    if let Some(suffix) = checks::log_beside(path) {
        let problem = format!("a log lies beside it (`{suffix}` appended to its name)");
        return refuse(&problem, "move that log away, or use another path");
    }
    if lock::path(path).exists() && lock::try_lock(path, 0o077)?.is_none() {
        return refuse("it is the database of another server", "use another path");
    }
    match made_by(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => Ok(()),
        Ok(Some(_)) => Ok(()),
        _ => refuse(
            "there is something that is no snapshot of ours, so it is left as it is",
            "move it away, or use another path",
        ),
    }
}

fn failed(path: &Path, error: &io::Error) -> crate::error::Error {
    refusal(
        path,
        Problem::of("the snapshot cannot be written", error),
        "see that its folder may be written to, or use another path",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that begins as a database does.
    fn file(path: &Path) {
        std::fs::write(path, [b"SQLite format 3\0".as_slice(), &[0; 4080]].concat()).unwrap();
    }

    #[test]
    fn what_is_written_has_its_name_only_when_it_is_whole() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        for version in ["1.9.1", "1.10.0"] {
            let writing = Writing::begin(&at("x"), &at("db"), 0o022).unwrap();
            let second = Writing::begin(&at("x"), &at("db"), 0o022).unwrap_err();
            assert!(second.to_string().contains("another snapshot"), "{second}");
            file(&writing.new_path());
            writing.finish(&at("db"), Version::of(version)).unwrap();
            assert_eq!(made_by(&at("x")).unwrap(), Some(Version::of(version)));
        }
        drop(Writing::begin(&at("x"), &at("db"), 0o022).unwrap());
        assert!(!beside(&at("x"), UNFINISHED).exists());
    }

    #[test]
    fn nothing_else_is_ever_replaced() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        file(&at("kept"));
        file(&at("locked"));
        mark::write(&at("locked"), Some((Mark::Snapshot, Version::of("0.0.1")))).unwrap();
        let _held = lock::try_lock(&at("locked"), 0o077).unwrap().unwrap();
        std::fs::write(at("logged-wal"), "frames").unwrap();
        std::fs::write(at("text"), "precious").unwrap();
        std::os::unix::fs::symlink(at("nothing"), at("dangling")).unwrap();
        for (path, part) in [
            (at("db"), "in use"),
            (at("db-wal"), "in use"),
            (at("db-shm"), "in use"),
            (temp.path().to_owned(), "is a directory"),
            (at("no/x"), "create the folder first"),
            (at("kept"), "no snapshot"),
            (at("text"), "no snapshot"),
            (at("dangling"), "no snapshot"),
            (at("locked"), "another server"),
            (at("logged"), "log"),
        ] {
            let error = Writing::begin(&path, &at("db"), 0).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        assert_eq!(std::fs::read(at("text")).unwrap(), b"precious");
    }
}
