//! Checks of a path that the user gave as `db`, before anything is written.
//!
//! Invariant: nothing is created, changed or removed here, and only a missing file or a database passes. The server
//! itself checks little: it opens any path, creates no tables in a file that exists, and dies with "no such table".

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

use super::{Database, Kind, beside, refusal};
use crate::directory::remote_file_system;
use crate::error::{Problem, Result};
use crate::failpoint;

/// How every database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Checks the path of a kept database, and returns it with its real path; the file may be missing, and then is created.
pub fn check(path: &Path) -> Result<Database> {
    let refuse = |problem: &str, remedy: &str| Err(refusal(path, problem, remedy));
    let real = real_path(path)?;
    let Some(folder) = real.parent() else {
        return refuse("it is a directory", "name a file");
    };
    match std::fs::metadata(&real) {
        Ok(metadata) => check_file(path, &real, &metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => check_rests(path, &real)?,
        Err(error) => {
            let problem = Problem::of("it cannot be examined", &error);
            return Err(refusal(path, problem, "use another path"));
        }
    }
    if !is_writable(folder) {
        return refuse(
            "its folder is read-only for us, and a database needs files beside it",
            "use a path in a folder of your own",
        );
    }
    let remote = File::open(folder).and_then(remote_file_system);
    match remote {
        Ok(None) => {}
        Ok(Some(kind)) => {
            return refuse(
                &format!("it lies on {kind}, where nothing keeps two servers off one file"),
                "use a path on a local disk",
            );
        }
        Err(error) => {
            let problem = Problem::of("its folder cannot be examined", &error);
            return Err(refusal(path, problem, "use a path in a folder of your own"));
        }
    }
    Ok(Database {
        path: real,
        kind: Kind::Kept,
    })
}

/// Returns whether the file at `path` begins as a database does.
pub fn is_database(path: &Path) -> io::Result<bool> {
    failpoint::pass("database.read")?;
    // O_NONBLOCK: a fifo would hold us up.
    let flags = nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags)
        .open(path)?;
    let mut begin = [0; MAGIC.len()];
    match file.read_exact(&mut begin) {
        Ok(()) => Ok(&begin == MAGIC),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Resolves links and relative parts; of a missing file, those of its folder.
fn real_path(path: &Path) -> Result<PathBuf> {
    let refuse = |problem: &str, remedy: &str| Err(refusal(path, problem, remedy));
    match std::fs::canonicalize(path) {
        Ok(real) => return Ok(real),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            let problem = Problem::of("it cannot be reached", &error);
            return Err(refusal(path, problem, "use another path"));
        }
    }
    if path.is_symlink() {
        return refuse(
            "it is a symbolic link to nothing",
            "remove the link, or name the file itself",
        );
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return refuse("it does not name a file", "name a file");
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    match std::fs::canonicalize(folder) {
        Ok(folder) => Ok(folder.join(name)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            refuse("its folder does not exist", "create the folder first")
        }
        Err(error) => {
            let problem = Problem::of("its folder cannot be reached", &error);
            Err(refusal(path, problem, "use another path"))
        }
    }
}

/// Checks a file that exists.
fn check_file(path: &Path, real: &Path, metadata: &Metadata) -> Result<()> {
    let refuse = |problem: &str, remedy: &str| Err(refusal(path, problem, remedy));
    if metadata.is_dir() {
        return refuse("it is a directory", "name a file in it");
    }
    if !metadata.is_file() {
        return refuse("it is not a regular file", "use another path");
    }
    // The server takes an empty file for a database that is complete, and dies with "no such table".
    if metadata.len() == 0 {
        return refuse(
            "the file is empty, so it is no database",
            "delete it (a new one is created complete), or use another path",
        );
    }
    // A second name would have a lock and a write-ahead log of its own.
    if metadata.nlink() > 1 {
        return refuse(
            "the file has a second name (a hard link), by which another server could use it",
            "copy it to a file of its own",
        );
    }
    match is_database(real) {
        Ok(true) => {}
        Ok(false) => {
            return refuse(
                "the file is not a database, so it is left as it is",
                "use another path",
            );
        }
        Err(error) => {
            let problem = Problem::of("it cannot be read", &error);
            let remedy = "change its permissions, or use another path";
            return Err(refusal(path, problem, remedy));
        }
    }
    if is_writable(real) {
        return Ok(());
    }
    refuse(
        "we may not write to it",
        "change its permissions, or copy it to a place of your own",
    )
}

/// Checks that a database which is missing left nothing beside it: a new one would be mixed with the old one's log,
/// and that log may be all there is of the old one.
fn check_rests(path: &Path, real: &Path) -> Result<()> {
    match log_beside(real) {
        None => Ok(()),
        Some(suffix) => Err(refusal(
            path,
            format!(
                "the file is missing, but its log (`{suffix}` appended to the name) is still there"
            ),
            "bring the file back, or move the log away",
        )),
    }
}

/// Returns the suffix of a log that lies beside a file and would be played into it.
pub(super) fn log_beside(real: &Path) -> Option<&'static str> {
    let holds_data = |suffix: &&str| {
        std::fs::symlink_metadata(beside(real, suffix)).is_ok_and(|metadata| metadata.len() > 0)
    };
    ["-wal", "-journal"].into_iter().find(holds_data)
}

/// Asks with our effective rights, as open(2) does; a read-only mount says no too.
fn is_writable(path: &Path) -> bool {
    faccessat(AT_FDCWD, path, AccessFlags::W_OK, AtFlags::AT_EACCESS).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(path: &Path) -> String {
        check(path).unwrap_err().to_string()
    }

    #[test]
    fn a_missing_file_in_a_good_folder_passes_with_its_real_path() {
        let temp = tempfile::tempdir().unwrap();
        let real = temp.path().join("real");
        std::fs::create_dir(&real).unwrap();
        std::os::unix::fs::symlink(&real, temp.path().join("link")).unwrap();
        let database = check(&temp.path().join("link/../link/x.db")).unwrap();
        assert_eq!(database.path, real.canonicalize().unwrap().join("x.db"));
    }

    #[test]
    fn each_violation_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let at = |name: &str| temp.path().join(name);
        std::fs::write(at("empty"), "").unwrap();
        std::fs::write(at("text"), "just a text").unwrap();
        std::os::unix::fs::symlink(at("nothing"), at("dangling")).unwrap();
        std::fs::write(at("gone.db-wal"), "all that is left").unwrap();
        std::fs::write(at("one"), [MAGIC.as_slice(), &[0; 99]].concat()).unwrap();
        assert!(check(&at("one")).is_ok());
        std::fs::hard_link(at("one"), at("two")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        for (path, part) in [
            (at("no/such/folder.db"), "folder does not exist"),
            (temp.path().to_owned(), "is a directory"),
            (at("empty"), "empty"),
            (at("text"), "not a database"),
            (at("dangling"), "link to nothing"),
            (at("gone.db"), "log"),
            (at("two"), "hard link"),
            (at("fifo"), "not a regular file"),
            (at("text/x.db"), "cannot be reached"),
        ] {
            let text = says(&path);
            assert!(text.contains(part), "{text}");
        }
    }
}
