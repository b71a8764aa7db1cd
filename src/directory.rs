//! A directory that is ours alone, held open: everything in it is reached through its descriptor.
//!
//! Invariant: a [`Directory`] exists only if its owner is us, nobody else may enter it, it was reached without following
//! a link in its last component, and it lies on a local file system (a network file system gives flock other rules).
//! What is opened relative to the descriptor cannot be swapped by renaming or linking anything above it.

use std::ffi::{OsStr, OsString};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fstatat, mkdirat};
use nix::sys::statfs::fstatfs;
use nix::unistd::{Uid, UnlinkatFlags, unlinkat};

use crate::error::{Error, Problem, Result};
use crate::failpoint;
use crate::lock::{FileLock, PRIVATE};

/// Magic numbers of the file systems on which flock or the WAL of a database do not hold between all who can reach them.
/// From linux/magic.h and the drivers; virtiofs answers as FUSE.
const REMOTE: [(u32, &str); 14] = [
    (0x0000_6969, "NFS"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x0000_517B, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0000_564C, "NCP"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x786F_4256, "VirtualBox shared folders"),
    (0x4750_4653, "GPFS"),
];

/// Returns the name of the network file system that `file` lies on; `None` when it is local.
pub fn remote_file_system(file: impl AsFd) -> io::Result<Option<&'static str>> {
    let kind = u64::from_ne_bytes(fstatfs(&file)?.filesystem_type().0.to_ne_bytes()) & 0xFFFF_FFFF;
    Ok(remote_name(kind))
}

fn remote_name(kind: u64) -> Option<&'static str> {
    let found = REMOTE.iter().find(|(magic, _)| u64::from(*magic) == kind);
    found.map(|(_, name)| *name)
}

/// Why a directory is not to be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// Something else may be put into its place.
    #[error("it is a symbolic link")]
    Link,
    /// It is something else.
    #[error("it is not a directory")]
    NotADirectory,
    /// It is another user's.
    #[error("it belongs to user id {owner}, and we are {euid}")]
    Foreign { owner: u32, euid: u32 },
    /// Others get in.
    #[error("others may enter it (mode {0:04o}; `chmod 700` mends that)")]
    Enterable(u32),
    /// Others may exchange what is in it.
    #[error("others may write to it (mode {0:04o}; `chmod 700` mends that)")]
    Writable(u32),
    /// Its locks do not hold.
    #[error("it lies on {0}, where file locks cannot be relied on")]
    Remote(&'static str),
    /// The kernel says no.
    #[error("{0}")]
    Closed(Problem),
}

impl Unfit {
    /// Returns it in words, with what the kernel says of it.
    fn problem(&self) -> Problem {
        match self {
            Self::Closed(problem) => problem.clone(),
            other => other.to_string().into(),
        }
    }
}

/// A directory that is not to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub path: PathBuf,
    pub unfit: Unfit,
    /// What to set to have another one.
    pub variable: &'static str,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refusal(&refused.path, refused.unfit.problem(), refused.variable)
    }
}

/// A checked, open directory.
#[derive(Debug)]
pub struct Directory {
    /// The directory itself.
    fd: OwnedFd,
    /// How it was reached, for messages and for programs that need a path.
    path: PathBuf,
    /// The environment variable that the remedy of an error names.
    variable: &'static str,
}

impl Directory {
    /// Opens the existing directory `path`; `variable` is what a refusal tells the user to set.
    pub fn open(path: &Path, variable: &'static str) -> Result<Self> {
        Self::open_at(AT_FDCWD, path.as_os_str(), path.to_owned(), variable)?
            .ok_or_else(|| refusal(path, "it does not exist", variable))
    }

    /// Opens `path`, made with everything above it where it is missing.
    pub fn make(path: &Path, variable: &'static str) -> Result<Self> {
        make_above(path, variable)?;
        Self::make_at(AT_FDCWD, path.as_os_str(), path, variable)
    }

    /// Opens the directory `name` in this one, made where it is missing.
    pub fn make_child(&self, name: &str) -> Result<Self> {
        Self::make_at(
            self.as_fd(),
            OsStr::new(name),
            &self.path.join(name),
            self.variable,
        )
    }

    /// Opens the existing directory `name` in this one; `None` when there is none.
    pub fn child(&self, name: &OsStr) -> Result<Option<Self>> {
        Self::open_at(self.as_fd(), name, self.path.join(name), self.variable)
    }

    /// Opens the existing directory `path` as it is, for a look: what others would mend is left so.
    pub(crate) fn look(path: &Path, variable: &'static str) -> Result<Option<Self>, Refused> {
        Self::look_at(AT_FDCWD, path.as_os_str(), path.to_owned(), variable)
    }

    /// Opens the existing directory `name` in this one as it is, for a look.
    pub(crate) fn look_child(&self, name: &OsStr) -> Result<Option<Self>, Refused> {
        Self::look_at(self.as_fd(), name, self.path.join(name), self.variable)
    }

    /// Returns the path by which it was reached.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tries to lock the file `name` for us alone.
    pub fn try_exclusive(&self, name: &str) -> Result<Option<FileLock>> {
        FileLock::try_exclusive(self, Path::new(name), PRIVATE)
            .map_err(|error| self.failure(name, &error))
    }

    /// Tries to lock the file `name` together with other sharers.
    pub fn try_shared(&self, name: &str) -> Result<Option<FileLock>> {
        FileLock::try_shared(self, Path::new(name), PRIVATE)
            .map_err(|error| self.failure(name, &error))
    }

    /// Opens the file `name`, never through a link and never waiting; with `O_CREAT` its mode is 0600 whatever the umask.
    pub fn open_file(&self, name: &str, flags: OFlag) -> io::Result<File> {
        let always = OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let mode = Mode::from_bits_truncate(PRIVATE);
        failpoint::pass("file.open")?;
        let file = loop {
            match openat(self, name, flags | always, mode) {
                Err(Errno::EINTR) => {}
                other => break File::from(other?),
            }
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        if flags.contains(OFlag::O_CREAT) && metadata.mode() & 0o777 != PRIVATE {
            file.set_permissions(std::fs::Permissions::from_mode(PRIVATE))?;
        }
        Ok(file)
    }

    /// Opens the log `name` for appending, the only way that lets two writers share it.
    pub fn open_log(&self, name: &str) -> Result<File> {
        self.open_file(name, OFlag::O_CREAT | OFlag::O_RDWR | OFlag::O_APPEND)
            .map_err(|error| self.failure(name, &error))
    }

    /// Replaces the file `from` for `to` in one step, and makes that last.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        failpoint::pass("file.rename")?;
        renameat(self, from, self, to)?;
        failpoint::pass("directory.sync")?;
        Ok(nix::unistd::fsync(self)?)
    }

    /// Removes the file (or the link itself) `name`; that it is not there is success.
    pub fn remove_file(&self, name: &str) -> io::Result<()> {
        failpoint::pass("file.remove")?;
        match unlinkat(self, name, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Returns the names in it, at most `limit` of them: somebody may have filled it.
    pub fn names(&self, limit: usize) -> io::Result<Vec<OsString>> {
        names_in(self, limit, |_| true)
    }

    /// Returns whether we may create files in it.
    pub fn is_writable(&self) -> bool {
        use nix::fcntl::AtFlags;
        use nix::unistd::{AccessFlags, faccessat};
        faccessat(self, ".", AccessFlags::W_OK, AtFlags::AT_EACCESS).is_ok()
    }

    /// Returns device and inode of the file `name`, by which its holders are found.
    pub fn inode(&self, name: &str) -> Result<(u64, u64)> {
        let file = self
            .open_file(name, OFlag::O_RDONLY)
            .and_then(|file| file.metadata());
        let metadata = file.map_err(|error| self.failure(name, &error))?;
        Ok((metadata.dev(), metadata.ino()))
    }

    /// Tells whether there is anything of this name in it.
    pub fn has(&self, name: &str) -> bool {
        fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok()
    }

    /// Wraps what went wrong with the file `name` in it.
    pub fn failure(&self, name: &str, error: &io::Error) -> Error {
        refusal(&self.path, Problem::of(name, error), self.variable)
    }

    /// Makes and opens; other processes may be doing the same.
    fn make_at(
        parent: BorrowedFd<'_>,
        name: &OsStr,
        path: &Path,
        variable: &'static str,
    ) -> Result<Self> {
        match mkdirat(parent, name, Mode::S_IRWXU) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => {
                return Err(refusal(
                    path,
                    Problem::of("cannot be created", &errno),
                    variable,
                ));
            }
        }
        Self::open_at(parent, name, path.to_owned(), variable)?
            .ok_or_else(|| refusal(path, "it vanished while it was opened", variable))
    }

    /// Opens and checks; `None` when there is nothing of that name.
    ///
    /// A directory that a strange umask left without rights for us is mended by whoever comes first.
    pub(crate) fn open_at(
        parent: BorrowedFd<'_>,
        name: &OsStr,
        path: PathBuf,
        variable: &'static str,
    ) -> Result<Option<Self>> {
        Ok(Self::open_with(parent, name, path, variable, mend)?)
    }

    /// As [`Self::open_at`], but changes nothing.
    pub(crate) fn look_at(
        parent: BorrowedFd<'_>,
        name: &OsStr,
        path: PathBuf,
        variable: &'static str,
    ) -> Result<Option<Self>, Refused> {
        Self::open_with(parent, name, path, variable, |_, _| Ok(()))
    }

    fn open_with(
        parent: BorrowedFd<'_>,
        name: &OsStr,
        path: PathBuf,
        variable: &'static str,
        prepare: fn(&File, u32) -> io::Result<()>,
    ) -> Result<Option<Self>, Refused> {
        let opened = place(parent, name).and_then(|found| {
            let enter = |(place, mode): (File, u32)| {
                let entered = prepare(&place, mode).and_then(|()| enter(&place));
                entered.map_err(|error| Unfit::Closed(Problem::of("cannot be opened", &error)))
            };
            found.map(enter).transpose()
        });
        match opened {
            Ok(fd) => Ok(fd.map(|fd| Self { fd, path, variable })),
            Err(unfit) => Err(Refused {
                path,
                unfit,
                variable,
            }),
        }
    }
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Finds and checks a directory; returns it with its mode, `None` when there is nothing of that name.
///
/// It is opened as a bare place (`O_PATH`), which no mode forbids: so it is checked before it is used.
fn place(parent: BorrowedFd<'_>, name: &OsStr) -> Result<Option<(File, u32)>, Unfit> {
    let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let place = match openat(parent, name, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(Unfit::Closed(Problem::of("cannot be opened", &errno))),
    };
    let metadata = place
        .metadata()
        .map_err(|error| Unfit::Closed(Problem::of("cannot be examined", &error)))?;
    if metadata.is_symlink() {
        return Err(Unfit::Link);
    }
    if !metadata.is_dir() {
        return Err(Unfit::NotADirectory);
    }
    let (owner, euid) = (metadata.uid(), Uid::effective().as_raw());
    if owner != euid {
        return Err(Unfit::Foreign { owner, euid });
    }
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Unfit::Enterable(mode));
    }
    match remote_file_system(&place) {
        Ok(None) => Ok(Some((place, mode))),
        Ok(Some(kind)) => Err(Unfit::Remote(kind)),
        Err(error) => Err(Unfit::Closed(Problem::of(
            "its file system cannot be told",
            &error,
        ))),
    }
}

/// Puts the owner's rights right.
fn mend(place: &File, mode: u32) -> io::Result<()> {
    if mode & 0o700 != 0o700 {
        let link = format!("/proc/self/fd/{}", place.as_raw_fd());
        std::fs::set_permissions(link, std::fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Opens the directory behind a bare place.
fn enter(place: &File) -> io::Result<OwnedFd> {
    failpoint::pass("directory.open")?;
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(openat(place, ".", flags, Mode::empty())?)
}

/// Returns up to `limit` names in `dir` that `wanted` says yes to, without `.` and `..`.
pub(crate) fn names_in(
    dir: impl AsFd,
    limit: usize,
    wanted: impl Fn(&OsStr) -> bool,
) -> io::Result<Vec<OsString>> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    // Opened anew: the position of a directory is shared by all copies of its descriptor.
    let mut open = nix::dir::Dir::openat(dir, ".", flags, Mode::empty())?;
    let mut names = Vec::new();
    for entry in open.iter() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." && wanted(name) {
            names.push(name.to_owned());
            if names.len() == limit {
                break;
            }
        }
    }
    Ok(names)
}

/// Makes everything above `path`.
pub(crate) fn make_above(path: &Path, variable: &'static str) -> Result<()> {
    let Some(above) = path.parent() else {
        return Ok(());
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(above)
        .map_err(|error| refusal(above, Problem::of("cannot be created", &error), variable))
}

/// The error for a directory that cannot be used.
pub(crate) fn refusal(path: &Path, problem: impl Into<Problem>, variable: &str) -> Error {
    let problem = problem.into();
    let another =
        format!("use another directory: set {variable} to one of your own on a local disk");
    Error::StateDir {
        path: path.display().to_string(),
        problem: problem.to_string(),
        remedy: problem.remedy(&another),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remote_file_systems_are_known_by_number() {
        assert_eq!(remote_name(0x6969), Some("NFS"));
        assert_eq!(remote_name(0xFF53_4D42), Some("CIFS"));
        for local in [0xEF53, 0x794C_7630, 0x0102_1994, 0x9123_683E, 0x5846_5342] {
            assert_eq!(remote_name(local), None, "{local:#x}");
        }
    }

    #[test]
    fn the_modes_do_not_depend_on_what_was_there() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Directory::make(&temp.path().join("a/b/c"), "X").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o7777;
        assert_eq!(mode(dir.path()), 0o700);
        let _log = dir.open_log("x.log").unwrap();
        assert_eq!(mode(&dir.path().join("x.log")), 0o600);
        // A directory that a strange umask left bare is mended.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o000)).unwrap();
        let again = Directory::open(dir.path(), "X").unwrap();
        assert_eq!(mode(again.path()), 0o700);
    }

    #[test]
    fn a_directory_open_to_others_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o750)).unwrap();
        let error = Directory::open(temp.path(), "THE_VARIABLE").unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("mode 0750") && text.contains("THE_VARIABLE"),
            "{text}"
        );
    }

    #[test]
    fn names_stop_at_the_limit() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Directory::make(&temp.path().join("d"), "X").unwrap();
        for i in 0..9 {
            std::fs::write(dir.path().join(i.to_string()), "").unwrap();
        }
        assert_eq!(dir.names(4).unwrap().len(), 4);
        assert_eq!(dir.names(99).unwrap().len(), 9);
        assert_eq!(dir.names(99).unwrap().len(), 9);
    }
}
