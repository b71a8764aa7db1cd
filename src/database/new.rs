//! How a database file comes into being, or is exchanged for another: complete under a temporary name, then renamed.
//!
//! Invariant: there is one temporary name per database, used only under the database's lock. So what lies there when we
//! have the lock is what a kill left, and it is removed.
//!
//! The fact: `SQLite` plays a `-wal` into whatever file it lies beside, for nothing in either names the other. So a database
//! gives way to another only when its log is folded into it and `SQLite` has removed the log: before the rename, which the
//! kernel does in one step, the old state is whole, and after it the new one.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;
use tokio::task::yield_now;

use super::{COMPANIONS, Database, Kind, beside, checks, refusal};
use crate::error::{Problem, Result};
use crate::failpoint;

/// Bytes that are copied at a time while a server runs: some milliseconds.
const PIECE: u64 = 16 << 20;

/// Returns the temporary name of the database at `real`.
pub fn path(real: &Path) -> PathBuf {
    beside(real, ".unfinished-database")
}

/// Removes what a kill left under the temporary name. The caller holds the database's lock.
pub fn remove_leftover(real: &Path) -> Result<()> {
    let new = path(real);
    remove_whole(&new).map_err(|error| {
        let what = format!("the left-over {} cannot be removed", new.display());
        refusal(
            real,
            Problem::of(what, &error),
            "remove it by hand, and what lies beside it",
        )
    })
}

/// Removes a file that is not worth anything, with all that lies beside it.
pub(super) fn remove_whole(file: &Path) -> io::Result<()> {
    remove_companions(file).and_then(|()| remove(file))
}

/// Removes what `SQLite` made beside a file that is not worth anything.
pub(super) fn remove_companions(file: &Path) -> io::Result<()> {
    let companions = COMPANIONS.map(|suffix| beside(file, suffix));
    companions
        .iter()
        .try_for_each(|companion| remove(companion))
}

fn remove(file: &Path) -> io::Result<()> {
    match failpoint::pass("leftover.remove").and_then(|()| std::fs::remove_file(file)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
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

/// Copies what is to take the place of a database that is in use, under the temporary name; others have a turn after each
/// piece. It gets the mode of the file that it replaces. The caller holds the database's lock.
pub async fn stage(source: &Path, database: &Database) -> Result<()> {
    remove_leftover(&database.path)?;
    let staged = async {
        let mode = std::fs::metadata(&database.path)?.permissions().mode() & 0o777;
        let (source, mut target) = begin_copy(source, &path(&database.path))?;
        while io::copy(&mut (&source).take(PIECE), &mut target)? > 0 {
            yield_now().await;
        }
        target.set_permissions(Permissions::from_mode(mode))
    };
    staged.await.map_err(|error| failed(database, &error))
}

/// Exchanges the database for what was staged. The caller holds the lock, no server runs, and the log is folded in.
pub fn replace(database: &Database) -> Result<()> {
    let new = path(&database.path);
    let companions = COMPANIONS.map(|suffix| beside(&database.path, suffix));
    if let Some(left) = companions.iter().find(|file| file.exists()) {
        let problem = format!("{} is still there, so it is in use", left.display());
        return Err(refusal(
            &database.path,
            &problem,
            "end what uses it, then try again",
        ));
    }
    let replaced = match database.kind {
        Kind::Kept => rename_durably(&new, &database.path),
        Kind::Throwaway => check_whole(&new).and_then(|()| rename(&new, &database.path)),
    };
    replaced.map_err(|error| failed(database, &error))
}

/// Renames a file that is whole to where another may be; both the old and the new state of the folder are on the disk in
/// that order.
pub(super) fn rename_durably(from: &Path, to: &Path) -> io::Result<()> {
    check_whole(from)?;
    let folder = File::open(to.parent().unwrap_or(Path::new("/")))?;
    failpoint::pass("replace.sync")?;
    File::open(from)?.sync_all()?;
    folder.sync_all()?;
    rename(from, to)?;
    folder.sync_all()
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    failpoint::pass("replace.rename")?;
    std::fs::rename(from, to)?;
    failpoint::pass("replace.renamed")
}

/// Copies, by sharing blocks or within the kernel where the file system can.
fn copy(from: &Path, to: &Path, mode: u32) -> io::Result<()> {
    let (mut source, mut target) = begin_copy(from, to)?;
    io::copy(&mut source, &mut target)?;
    failpoint::pass("copy.mode")?;
    target.set_permissions(Permissions::from_mode(mode))
}

fn begin_copy(from: &Path, to: &Path) -> io::Result<(File, File)> {
    failpoint::pass("copy.open")?;
    let source = File::open(from)?;
    failpoint::pass("copy.create")?;
    let target = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    failpoint::pass("copy.write")?;
    Ok((source, target))
}

/// Checks that a file is a database, and all of it.
fn check_whole(new: &Path) -> io::Result<()> {
    if !checks::is_database(new)? {
        return Err(io::Error::other("what was built is not a database"));
    }
    // A journal would have to be rolled back: the file is not complete.
    if beside(new, "-journal").exists() || beside(new, "-wal").exists() {
        return Err(io::Error::other("what was built is not one complete file"));
    }
    Ok(())
}

fn place(database: &Database) -> io::Result<()> {
    let new = path(&database.path);
    check_whole(&new)?;
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
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every file system knows how.
        Err(Errno::INVAL | Errno::NOSYS) if to.symlink_metadata().is_err() => {
            std::fs::rename(from, to)
        }
        Err(Errno::INVAL | Errno::NOSYS) => Err(Errno::EXIST.into()),
        renamed => Ok(renamed?),
    }
}

fn failed(database: &Database, error: &io::Error) -> crate::error::Error {
    let remedy = match database.kind {
        Kind::Kept => "see that its folder may be written to, or use another path",
        Kind::Throwaway => "set TMPDIR to another directory on a local disk",
    };
    refusal(
        &database.path,
        Problem::of("it cannot be made", error),
        remedy,
    )
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
        std::fs::write(temp.path().join("x.db.unfinished-database-journal"), "half").unwrap();
        install_copy(&template, &database, 0o027).unwrap();
        let metadata = std::fs::metadata(&database.path).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o640);
        assert_eq!(
            std::fs::read(&database.path).unwrap(),
            std::fs::read(&template).unwrap()
        );
        assert!(!path(&database.path).exists());
        assert!(
            !temp
                .path()
                .join("x.db.unfinished-database-journal")
                .exists()
        );
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
    fn a_database_gives_way_only_when_its_log_is_gone() {
        let temp = tempfile::tempdir().unwrap();
        let database = Database {
            path: temp.path().join("x.db"),
            kind: Kind::Kept,
        };
        let source = template(temp.path());
        for suffix in COMPANIONS {
            std::fs::write(&database.path, "old").unwrap();
            std::fs::copy(&source, path(&database.path)).unwrap();
            let log = beside(&database.path, suffix);
            std::fs::write(&log, "").unwrap();
            assert!(replace(&database).is_err());
            assert_eq!(std::fs::read(&database.path).unwrap(), b"old");
            std::fs::remove_file(log).unwrap();
            replace(&database).unwrap();
            assert_ne!(std::fs::read(&database.path).unwrap(), b"old");
        }
    }

    #[test]
    fn half_a_database_is_not_adopted() {
        let temp = tempfile::tempdir().unwrap();
        let database = Database {
            path: temp.path().join("x.db"),
            kind: Kind::Throwaway,
        };
        std::fs::copy(template(temp.path()), path(&database.path)).unwrap();
        let journal = temp.path().join("x.db.unfinished-database-journal");
        std::fs::write(&journal, "hot").unwrap();
        assert!(adopt(&database).is_err());
        std::fs::remove_file(&journal).unwrap();
        adopt(&database).unwrap();
        assert!(database.path.exists());
    }
}
