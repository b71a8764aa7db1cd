//! File locks that the kernel keeps: whoever holds one is alive, and whoever died holds none.
//!
//! The kernel fact: flock(2) belongs to the *open file description*, which fork and exec share. It ends when the last
//! copy of the descriptor closes, or as soon as anyone who has a copy calls `LOCK_UN`. So nothing here ever unlocks: a
//! lock is released by closing the file, and a forked child that closes its copy takes nothing from its parent.
//! A lock file is never unlinked while its directory lives; where a whole directory goes away (a sweep), the check that
//! the path still names the locked inode makes a late locker begin anew instead of holding a lock nobody can see.

use std::fs::{File, TryLockError};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, openat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, fstatat};

use crate::failpoint;

/// Mode of the lock files in our own directories.
pub const PRIVATE: u32 = 0o600;

/// A lock on a file, held until this and every inherited copy of its descriptor are closed.
#[must_use = "the lock is released when this is dropped"]
#[derive(Debug)]
pub struct FileLock {
    /// The locked open file description; close-on-exec, until a spawn clears that in its child.
    file: File,
}

impl FileLock {
    /// Tries to lock `path` (relative to `dir`) for us alone; `None` when anyone else holds it.
    ///
    /// A missing file is created with exactly `mode`, whatever the umask.
    pub fn try_exclusive(dir: impl AsFd, path: &Path, mode: u32) -> io::Result<Option<Self>> {
        Self::try_with(dir.as_fd(), path, mode, File::try_lock)
    }

    /// Tries to lock `path` (relative to `dir`) together with other sharers; `None` when somebody holds it alone.
    pub fn try_shared(dir: impl AsFd, path: &Path, mode: u32) -> io::Result<Option<Self>> {
        Self::try_with(dir.as_fd(), path, mode, File::try_lock_shared)
    }

    /// Tells whether `path` (relative to `dir`) is the file that this locks; not where that was deleted or replaced.
    pub fn is_at(&self, dir: impl AsFd, path: &Path) -> bool {
        let named = fstatat(dir, path, AtFlags::AT_SYMLINK_NOFOLLOW);
        match (named, fstat(&self.file)) {
            (Ok(named), Ok(ours)) => inode(&named) == inode(&ours),
            _ => false,
        }
    }

    fn try_with(
        dir: BorrowedFd<'_>,
        path: &Path,
        mode: u32,
        lock: fn(&File) -> Result<(), TryLockError>,
    ) -> io::Result<Option<Self>> {
        loop {
            failpoint::pass("lock.open")?;
            let file = File::from(open(dir, path, Mode::from_bits_truncate(mode))?);
            let status = fstat(&file)?;
            if SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "the lock file is not a regular file",
                ));
            }
            failpoint::pass("lock.take")?;
            loop {
                match lock(&file) {
                    Ok(()) => break,
                    Err(TryLockError::WouldBlock) => return Ok(None),
                    Err(TryLockError::Error(error))
                        if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(TryLockError::Error(error)) => return Err(error),
                }
            }
            // Between our open and our lock the file may have been removed with its directory, or replaced.
            match fstatat(dir, path, AtFlags::AT_SYMLINK_NOFOLLOW) {
                Ok(named) if inode(&named) == inode(&status) => return Ok(Some(Self { file })),
                Ok(_) | Err(Errno::ENOENT | Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for FileLock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn inode(status: &FileStat) -> (u64, u64) {
    (status.st_dev, status.st_ino)
}

/// Opens the lock file, or creates it.
///
/// First without `O_CREAT`: in a sticky directory that others may write to, `fs.protected_regular` forbids opening
/// somebody else's existing file with it. Reading is enough for flock, so a file that we may only read serves too.
/// `O_NONBLOCK` keeps a planted fifo from holding us up.
fn open(dir: BorrowedFd<'_>, path: &Path, mode: Mode) -> Result<OwnedFd, Errno> {
    let always = OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    loop {
        let mut opened = openat(dir, path, always | OFlag::O_RDWR, Mode::empty());
        if matches!(opened, Err(Errno::EACCES | Errno::EROFS)) {
            opened = openat(dir, path, always | OFlag::O_RDONLY, Mode::empty());
        }
        if matches!(opened, Err(Errno::ENOENT)) {
            let create = always | OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL;
            opened = openat(dir, path, create, mode);
            if let Ok(file) = &opened {
                fchmod(file, mode)?; // whatever the umask took away
            }
        }
        match opened {
            Err(Errno::EINTR | Errno::EEXIST) => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::fcntl::AT_FDCWD;

    use super::*;
    use crate::clock::tests::soon;

    fn exclusive(path: &Path) -> Option<FileLock> {
        FileLock::try_exclusive(AT_FDCWD, path, PRIVATE).unwrap()
    }

    fn is_let_go(path: &Path) -> bool {
        soon(|| exclusive(path).is_some())
    }

    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.lock");
        let first = exclusive(&path).unwrap();
        assert!(exclusive(&path).is_none());
        assert!(
            FileLock::try_shared(AT_FDCWD, &path, PRIVATE)
                .unwrap()
                .is_none()
        );
        drop(first);
        assert!(is_let_go(&path));
    }

    #[test]
    fn sharers_exclude_only_the_exclusive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.lock");
        let one = FileLock::try_shared(AT_FDCWD, &path, PRIVATE)
            .unwrap()
            .unwrap();
        let two = FileLock::try_shared(AT_FDCWD, &path, PRIVATE)
            .unwrap()
            .unwrap();
        drop(one);
        assert!(exclusive(&path).is_none());
        drop(two);
        assert!(is_let_go(&path));
    }

    #[test]
    fn a_replaced_file_is_a_new_lock() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.lock");
        let old = exclusive(&path).unwrap();
        std::fs::rename(&path, dir.path().join("old")).unwrap();
        let new = exclusive(&path).unwrap();
        assert_ne!(inode(&fstat(&old).unwrap()), inode(&fstat(&new).unwrap()));
    }

    /// A lock on a file that has lost its name would let a second holder in by the new file of that name.
    #[test]
    fn a_file_that_is_removed_while_locked_lets_only_one_in() {
        use std::sync::atomic::{AtomicU32, Ordering};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.lock");
        let inside = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..3000 {
                        let Some(lock) = exclusive(&path) else {
                            continue;
                        };
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        std::fs::remove_file(&path).unwrap();
                        drop(lock);
                    }
                });
            }
        });
    }

    #[test]
    fn symlinks_and_fifos_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("target");
        std::fs::write(&target, "").unwrap();
        let link = dir.path().join("link.lock");
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(FileLock::try_exclusive(AT_FDCWD, &link, PRIVATE).is_err());
        let fifo = dir.path().join("fifo.lock");
        nix::unistd::mkfifo(&fifo, Mode::S_IRWXU).unwrap();
        assert!(FileLock::try_exclusive(AT_FDCWD, &fifo, PRIVATE).is_err());
    }
}
