//! Removes what is left of throw-away servers when everything was killed at once.
//!
//! Invariant: a directory is removed only while we hold every lock in it, `clients.lock` first and alone. Everybody who
//! makes, uses or is about to heal a server holds that one shared, so nothing in use is touched; why a directory that is
//! just being made cannot be hurt either, [`crate::disposable`] explains. Where to look comes from the caller's own
//! [`Locations`], never from a file; what is found is opened without following links and without waiting, and whatever is
//! not entirely ours is passed over.
//!
//! Who still holds the lock that a server inherits, while all others are ours, is an orphan of that server: a process that
//! it had started, which no death signal reaches. It is killed; its directory goes once it is dead.

use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::data_dir::{self, open_temp};
use nix::sys::signal::Signal;

use crate::directory::{Directory, names_in};
use crate::disposable::{self, Claim, Contents};
use crate::error::Result;
use crate::lock::FileLock;
use crate::paths::{Locations, PRIVATE_CONTENTS, STATE_DIR, TEMP_DIR};
use crate::process::holders::lock_holders_of;

/// Most directories that one sweep looks at in one place; the next start goes on.
const MOST: usize = 1000;

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Swept {
    /// The paths that are gone.
    pub removed: Vec<PathBuf>,
    /// Whether something stays only because a process that was killed for it has not died yet.
    pub has_orphans: bool,
}

/// Removes the left-overs of private servers and of throw-away data.
///
/// It never fails: a start must not depend on what others left behind.
pub fn sweep(locations: &Locations) -> Swept {
    let mut swept = Swept::default();
    if let Ok(private) = locations.private() {
        PRIVATE.sweep(&private, private.path(), &mut swept);
    }
    if let Ok(temp) = open_temp(locations.temp_root()) {
        DATA.sweep(&temp, locations.temp_root(), &mut swept);
    }
    swept
}

/// Returns what a sweep would remove; `is_locked` tells whether somebody holds a lock on the file of this device and inode.
pub(crate) fn left_over(
    locations: &Locations,
    is_locked: impl Fn((u64, u64)) -> bool,
) -> Vec<PathBuf> {
    let mut found = vec![];
    if let Ok(Some(private)) = locations.look_at_private() {
        found.extend(PRIVATE.left_over(&private, private.path(), &is_locked));
    }
    if let Ok(temp) = open_temp(locations.temp_root()) {
        found.extend(DATA.left_over(&temp, locations.temp_root(), &is_locked));
    }
    found
}

/// Directories of private servers.
const PRIVATE: Place<'_> = Place {
    prefix: "",
    contents: &PRIVATE_CONTENTS,
    variable: STATE_DIR,
};

/// Throw-away data.
const DATA: Place<'_> = Place {
    prefix: data_dir::PREFIX,
    contents: &data_dir::CONTENTS,
    variable: TEMP_DIR,
};

/// One kind of left-over.
struct Place<'a> {
    /// How the names begin.
    prefix: &'a str,
    /// What may lie in one.
    contents: &'a Contents,
    /// What an error would name.
    variable: &'static str,
}

impl Place<'_> {
    fn sweep(&self, parent: &impl AsFd, path: &Path, swept: &mut Swept) {
        let ours = |name: &std::ffi::OsStr| disposable::is_our_name(name, self.prefix);
        for name in names_in(parent, MOST, ours).unwrap_or_default() {
            let path = path.join(&name);
            let opened = Directory::open_at(parent.as_fd(), &name, path.clone(), self.variable);
            let Ok(Some(directory)) = opened else {
                continue;
            };
            match remove_if_free(&directory, self.contents) {
                Ok(Removal::Done) => swept.removed.push(path),
                Ok(Removal::OrphanKilled) => swept.has_orphans = true,
                Ok(Removal::No) | Err(_) => {}
            }
        }
    }
}

impl Place<'_> {
    fn left_over(
        &self,
        parent: &impl AsFd,
        path: &Path,
        is_locked: impl Fn((u64, u64)) -> bool,
    ) -> Vec<PathBuf> {
        let ours = |name: &std::ffi::OsStr| disposable::is_our_name(name, self.prefix);
        let is_free = |directory: &Directory| {
            let locks = self.contents.locks.iter();
            !locks.flat_map(|lock| directory.inode(lock)).any(&is_locked)
        };
        let names = names_in(parent, MOST, ours).unwrap_or_default().into_iter();
        names
            .filter_map(|name| {
                let path = path.join(&name);
                let opened = Directory::look_at(parent.as_fd(), &name, path, self.variable);
                let directory = opened.ok()??;
                (!is_foreign(&directory, self.contents) && is_free(&directory))
                    .then(|| directory.path().to_owned())
            })
            .collect()
    }
}

/// What became of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is gone.
    Done,
    /// It is in use, or not ours.
    No,
    /// It was in use by nobody but an orphan, which is dying.
    OrphanKilled,
}

/// Removes the directory if it is ours and free.
pub(crate) fn remove_if_free(directory: &Directory, contents: &Contents) -> Result<Removal> {
    // Looked at before locking too, since locking makes lock files: not in somebody else's directory.
    if is_foreign(directory, contents) {
        return Ok(Removal::No);
    }
    let mut held: Vec<FileLock> = Vec::with_capacity(contents.locks.len());
    for name in contents.locks {
        match directory.try_exclusive(name)? {
            Some(lock) => held.push(lock),
            None if contents.locks.last() == Some(name) => {
                end_orphans(directory, name)?;
                return Ok(Removal::OrphanKilled);
            }
            None => return Ok(Removal::No),
        }
    }
    if is_foreign(directory, contents) {
        return Ok(Removal::No);
    }
    disposable::remove(directory, contents)?;
    drop(held);
    Ok(Removal::Done)
}

fn is_foreign(directory: &Directory, contents: &Contents) -> bool {
    !matches!(
        disposable::claim(directory, contents),
        Ok(Claim::Marked | Claim::Unfinished)
    )
}

fn end_orphans(directory: &Directory, lock: &str) -> Result<()> {
    let (device, inode) = directory.inode(lock)?;
    for orphan in lock_holders_of(device, inode) {
        let pid = orphan.pid;
        tracing::warn!(pid, "killing an orphan of a server that was killed");
        orphan.signal(Signal::SIGKILL).ok();
    }
    Ok(())
}
