//! Directories made to be thrown away: how one comes into being, how it is told from all others, and how it goes.
//!
//! Invariant: whoever makes or uses such a directory holds its `clients.lock`, and whoever removes one holds that lock
//! alone. A maker takes the lock *before* anything else is in the directory and writes the marker *last*. A remover may
//! come at any instant between `mkdir` and the lock; then the maker cannot open, or cannot lock, or finds that the locked
//! file has no name any more, and it begins anew under another name. Once it has the lock no remover gets in. So no
//! directory in use is ever removed, and a kill at any instant leaves one that the next sweep can tell for ours: no
//! marker and nothing but lock files, or marker and nothing but files we know.
//! A removal takes the data first, then the marker, then the locks: killed half-way, it leaves one of the same two.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, mkdirat};

use crate::directory::{Directory, refusal};
use crate::error::{Problem, Result};
use crate::failpoint;
use crate::lock::FileLock;

/// Held shared by each client of a server, alone by who removes the directory.
pub const CLIENTS_LOCK: &str = "clients.lock";
/// Says that a directory is ours and may be removed.
pub const MARKER: &str = ".temporal-devserver";
/// What the marker says.
const MARKER_TEXT: &[u8] =
    b"Made by temporal-devserver for a throw-away server; removed when nobody uses it.\n";
/// Hexadecimal digits of a random name.
const DIGITS: usize = 16;

/// Which files may lie in a disposable directory.
#[derive(Debug)]
pub struct Contents {
    /// Every file but marker and locks, in the order of removal.
    pub data: &'static [&'static str],
    /// The lock files; `clients.lock` is the first, as it is the first to be taken, and the last one is inherited by the
    /// server and all that it starts.
    pub locks: &'static [&'static str],
}

/// What lies in a directory that is just being made.
const EMPTY: Contents = Contents {
    data: &[],
    locks: &[CLIENTS_LOCK],
};

/// What the names in a directory say about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Ours: the marker is there, and nothing that we do not know.
    Marked,
    /// Ours, cut off in the making or in the removal: nothing but lock files and perhaps an unfinished marker.
    Unfinished,
    /// Not to be touched.
    Foreign,
}

/// Makes a directory `prefix` + 16 random hexadecimal digits in `parent`, and returns it with `clients.lock` held shared.
pub fn create(
    parent: impl AsFd,
    parent_path: &Path,
    prefix: &str,
    variable: &'static str,
) -> Result<(Directory, FileLock)> {
    let fail = |problem: Problem| refusal(parent_path, problem, variable);
    for _ in 0..64 {
        let name =
            random_name(prefix).map_err(|error| fail(Problem::of("no random name", &error)))?;
        failpoint::pass("disposable.make")
            .map_err(|error| fail(Problem::of("cannot make a directory in it", &error)))?;
        match mkdirat(parent.as_fd(), name.as_str(), Mode::S_IRWXU) {
            Ok(()) => {}
            Err(Errno::EEXIST) => continue,
            Err(errno) => return Err(fail(Problem::of("cannot make a directory in it", &errno))),
        }
        let path = parent_path.join(&name);
        let made = Directory::open_at(parent.as_fd(), OsStr::new(&name), path, variable)?;
        let Some(directory) = made else { continue };
        match FileLock::try_shared(&directory, Path::new(CLIENTS_LOCK), 0o600) {
            Ok(Some(clients)) => {
                if let Err(error) = write_marker(&directory) {
                    remove(&directory, &EMPTY).ok();
                    return Err(directory.failure(MARKER, &error));
                }
                return Ok((directory, clients));
            }
            // A sweep was faster than we.
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(directory.failure(CLIENTS_LOCK, &error)),
        }
    }
    Err(fail("no directory could be made in 64 tries".into()))
}

/// Returns whether `name` is `prefix` and a random part as [`create`] makes it.
pub fn is_our_name(name: &OsStr, prefix: &str) -> bool {
    let digits = name.to_str().and_then(|name| name.strip_prefix(prefix));
    digits.is_some_and(|digits| {
        digits.len() == DIGITS
            && digits
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Returns whether the directory carries our marker.
pub fn is_marked(directory: &Directory) -> bool {
    matches!(read_marker(directory), Ok(text) if text == MARKER_TEXT)
}

/// Looks at what lies in the directory, without changing anything.
pub fn claim(directory: &Directory, contents: &Contents) -> io::Result<Claim> {
    let most = contents.data.len() + contents.locks.len() + 1;
    let names = directory.names(most + 1)?;
    let is_lock = |name: &OsStr| contents.locks.iter().any(|lock| name == *lock);
    let is_data = |name: &OsStr| contents.data.iter().any(|file| name == *file);
    let known = |name: &OsStr| name == MARKER || is_lock(name) || is_data(name);
    if !names.iter().all(|name| known(name)) {
        return Ok(Claim::Foreign);
    }
    let marker = match read_marker(directory) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(_) => return Ok(Claim::Foreign),
    };
    if marker == MARKER_TEXT {
        Ok(Claim::Marked)
    } else if MARKER_TEXT.starts_with(&marker) && !names.iter().any(|name| is_data(name)) {
        Ok(Claim::Unfinished)
    } else {
        Ok(Claim::Foreign)
    }
}

/// Removes the files we know and then the directory itself, if nothing else is in it.
///
/// Every step is relative to the open directory and removes a link rather than what it points to.
pub fn remove(directory: &Directory, contents: &Contents) -> Result<()> {
    // The first lock last: as long as it is there, nobody else gets in.
    let locks = contents.locks.iter().rev();
    let files = contents.data.iter().chain([&MARKER]).chain(locks);
    for name in files {
        directory
            .remove_file(name)
            .map_err(|error| directory.failure(name, &error))?;
    }
    // By path, but that can only ever remove an empty directory.
    failpoint::pass("disposable.remove").map_err(|error| directory.failure(".", &error))?;
    match std::fs::remove_dir(directory.path()) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(directory.failure(".", &error))
        }
        _ => Ok(()),
    }
}

fn write_marker(directory: &Directory) -> io::Result<()> {
    failpoint::pass("disposable.mark")?;
    let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY;
    directory.open_file(MARKER, flags)?.write_all(MARKER_TEXT)
}

fn read_marker(directory: &Directory) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let file = directory.open_file(MARKER, OFlag::O_RDONLY)?;
    // One byte more than ours has: a longer one is not ours, however long it is.
    file.take(MARKER_TEXT.len() as u64 + 1)
        .read_to_end(&mut text)?;
    Ok(text)
}

fn random_name(prefix: &str) -> io::Result<String> {
    let mut bytes = [0; DIGITS / 2];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(format!("{prefix}{:016x}", u64::from_ne_bytes(bytes)))
}
