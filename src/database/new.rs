//! How a database file comes into being: complete under a temporary name, then renamed.
//!
//! Invariant: there is one temporary name per database, used only under the database's lock. So what lies there when we
//! have the lock is what a kill left, and it is removed.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

use super::{Database, Kind, beside, checks, refusal};
use crate::error::Result;
use crate::failpoint;

/// The files that `SQLite` makes beside a database.
const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// Returns the temporary name of the database at `real`.
pub fn path(real: &Path) -> PathBuf {
    beside(real, ".new")
}

/// Removes what a kill left under the temporary name. The caller holds the database's lock.
pub fn remove_leftover(real: &Path) -> Result<()> {
    let new = path(real);
    let companions = COMPANIONS.map(|suffix| beside(&new, suffix));
    for file in companions.iter().chain([&new]) {
        match failpoint::pass("leftover.remove").and_then(|()| std::fs::remove_file(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(refusal(
                    real,
                    &format!(
                        "the left-over {} cannot be removed: {error}",
                        file.display()
                    ),
                    "remove it by hand",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Copies `template` to the place of the database, which must be free. The caller holds the database's lock.
///
/// `umask` is the user's, not the supervisor's: a kept database gets the mode that the user would have given it.
pub fn install_copy(template: &Path, database: &Database, umask: u32) -> Result<()> {
    remove_leftover(&database.path)?;
    let mode = match database.kind {
        Kind::Throwaway => 0o600,
        Kind::Kept => 0o666 & !umask,
    };
    let copied = copy(template, &path(&database.path), mode);
    copied.map_err(|error| failed(database, &error))?;
    adopt(database)
}

/// Puts what was built under the temporary name into its place, which must be free. The caller holds the lock.
pub fn adopt(database: &Database) -> Result<()> {
    place(database).map_err(|error| failed(database, &error))
}

/// Copies, by sharing blocks or within the kernel where the file system can.
fn copy(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    failpoint::pass("copy.open")?;
    let mut source = File::open(from)?;
    failpoint::pass("copy.create")?;
    let mut target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    failpoint::pass("copy.write")?;
    io::copy(&mut source, &mut target)?;
    failpoint::pass("copy.mode")?;
    target.set_permissions(Permissions::from_mode(mode))
}

fn place(database: &Database) -> io::Result<()> {
    let new = path(&database.path);
    if !checks::is_database(&new)? {
        return Err(io::Error::other("what was built is not a database"));
    }
    // A journal would have to be rolled back: the file is not complete.
    if beside(&new, "-journal").exists() || beside(&new, "-wal").exists() {
        return Err(io::Error::other("what was built is not one complete file"));
    }
    let lasting = database.kind == Kind::Kept;
    if lasting {
        failpoint::pass("database.sync")?;
        File::open(&new)?.sync_all()?;
    }
    failpoint::pass("database.rename")?;
    rename_to_free_place(&new, &database.path)?;
    failpoint::pass("database.renamed")?;
    match database.path.parent() {
        Some(folder) if lasting => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// Renames, unless there is a file already: only the kernel can look and rename in one step.
fn rename_to_free_place(from: &Path, to: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        // Not every file system knows how.
        Err(Errno::EINVAL | Errno::ENOSYS) if to.symlink_metadata().is_err() => {
            std::fs::rename(from, to)
        }
        Err(Errno::EINVAL | Errno::ENOSYS) => Err(Errno::EEXIST.into()),
        renamed => Ok(renamed?),
    }
}

fn failed(database: &Database, error: &io::Error) -> crate::error::Error {
    let remedy = match database.kind {
        Kind::Kept => "see that its folder has room and may be written to, or use another path",
        Kind::Throwaway => "make room there, or set TMPDIR to a directory that has room",
    };
    let problem = format!("it cannot be created: {error}");
    refusal(&database.path, &problem, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn template(directory: &Path) -> PathBuf {
        let path = directory.join("template.db");
        std::fs::write(&path, b"SQLite format 3\0and the rest").unwrap();
        path
    }

    #[test]
    fn a_copy_takes_the_place_and_the_leftover_goes() {
        let temp = tempfile::tempdir().unwrap();
        let template = template(temp.path());
        let database = Database {
            path: temp.path().join("x.db"),
            kind: Kind::Kept,
        };
        std::fs::write(path(&database.path), "half").unwrap();
        std::fs::write(temp.path().join("x.db.new-journal"), "half").unwrap();
        install_copy(&template, &database, 0o027).unwrap();
        let metadata = std::fs::metadata(&database.path).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o640);
        assert_eq!(
            std::fs::read(&database.path).unwrap(),
            std::fs::read(&template).unwrap()
        );
        assert!(!path(&database.path).exists());
        assert!(!temp.path().join("x.db.new-journal").exists());
    }

    #[test]
    fn what_is_there_is_never_overwritten() {
        let temp = tempfile::tempdir().unwrap();
        let template = template(temp.path());
        let database = Database {
            path: temp.path().join("x.db"),
            kind: Kind::Kept,
        };
        std::fs::write(&database.path, "precious").unwrap();
        assert!(install_copy(&template, &database, 0).is_err());
        assert_eq!(std::fs::read(&database.path).unwrap(), b"precious");
    }

    #[test]
    fn half_a_database_is_not_adopted() {
        let temp = tempfile::tempdir().unwrap();
        let database = Database {
            path: temp.path().join("x.db"),
            kind: Kind::Throwaway,
        };
        std::fs::copy(template(temp.path()), path(&database.path)).unwrap();
        let journal = temp.path().join("x.db.new-journal");
        std::fs::write(&journal, "hot").unwrap();
        assert!(adopt(&database).is_err());
        std::fs::remove_file(&journal).unwrap();
        adopt(&database).unwrap();
        assert!(database.path.exists());
    }
}
