//! Removes what is left of throw-away servers when everything was killed at once.
//!
//! Invariant: a directory is removed only while we hold every lock in it, `clients.lock` first and alone. Everybody who
//! makes, uses or is about to heal a server holds that one shared, so nothing in use is touched; why a directory that is
//! just being made cannot be hurt either, [`crate::disposable`] explains. Where to look comes from the caller's own
//! [`Locations`], never from a file; what is found is opened without following links and without waiting, and whatever is
//! not entirely ours is passed over.

use std::ffi::OsString;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use crate::data_dir::{self, open_temp};
use crate::directory::{Directory, names_in};
use crate::disposable::{self, Claim, Contents};
use crate::error::Result;
use crate::lock::FileLock;
use crate::paths::{Locations, PRIVATE_CONTENTS, STATE_DIR, TEMP_DIR};

/// Most directories that one sweep looks at in one place; the next start goes on.
const MOST: usize = 1000;

/// Removes the left-overs of private servers and of throw-away data, and returns the paths that are gone.
///
/// It never fails: a start must not depend on what others left behind.
pub fn sweep(locations: &Locations) -> Vec<PathBuf> {
    let mut removed = Vec::new();
    if let Ok(private) = locations.private() {
        let place = Place {
            prefix: "",
            contents: &PRIVATE_CONTENTS,
            variable: STATE_DIR,
        };
        removed.extend(place.sweep(&private, private.path()));
    }
    if let Ok(temp) = open_temp(locations.temp_root()) {
        let place = Place {
            prefix: data_dir::PREFIX,
            contents: &data_dir::CONTENTS,
            variable: TEMP_DIR,
        };
        removed.extend(place.sweep(&temp, locations.temp_root()));
    }
    removed
}

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
    fn sweep(&self, parent: &impl AsFd, path: &Path) -> Vec<PathBuf> {
        let ours = |name: &std::ffi::OsStr| disposable::is_our_name(name, self.prefix);
        let names = names_in(parent, MOST, ours).unwrap_or_default();
        let gone = |name: OsString| {
            let path = path.join(&name);
            let opened = Directory::open_at(parent.as_fd(), &name, path.clone(), self.variable);
            let directory = opened.ok().flatten()?;
            matches!(self.remove(&directory), Ok(true)).then_some(path)
        };
        names.into_iter().filter_map(gone).collect()
    }

    /// Removes the directory if it is ours and free; returns whether it did.
    fn remove(&self, directory: &Directory) -> Result<bool> {
        // Looked at before locking too, since locking makes lock files: not in somebody else's directory.
        if self.is_foreign(directory) {
            return Ok(false);
        }
        let mut held: Vec<FileLock> = Vec::with_capacity(self.contents.locks.len());
        for name in self.contents.locks {
            match directory.try_exclusive(name)? {
                Some(lock) => held.push(lock),
                None => return Ok(false),
            }
        }
        if self.is_foreign(directory) {
            return Ok(false);
        }
        disposable::remove(directory, self.contents)?;
        drop(held);
        Ok(true)
    }

    fn is_foreign(&self, directory: &Directory) -> bool {
        !matches!(
            disposable::claim(directory, self.contents),
            Ok(Claim::Marked | Claim::Unfinished)
        )
    }
}
