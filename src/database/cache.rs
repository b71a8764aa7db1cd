//! The templates: one complete, empty database for each executable, copied for every new server.
//!
//! Invariant: a template is built under a temporary name and under a lock of its digest, and has its own name only once
//! it is complete and on the disk. So a template that is found is good, and a kill while building leaves only what the
//! next builder removes.

use std::path::{Path, PathBuf};

use super::{Database, Kind, checks, new, refusal};
use crate::directory::Directory;
use crate::error::Result;
use crate::executable::is_digest;
use crate::lock::FileLock;

/// The directory of the templates.
#[derive(Debug)]
pub struct Templates {
    /// The directory, checked.
    directory: Directory,
}

/// A template under construction.
#[derive(Debug)]
pub struct Building {
    /// Held while it is built.
    _lock: FileLock,
    /// The template as it will be.
    template: Database,
}

impl Templates {
    /// Uses `directory`, see `Locations::templates`.
    pub fn new(directory: Directory) -> Self {
        Self { directory }
    }

    /// Returns the template for an executable of this digest; `None` when there is none yet, or a spoiled one.
    pub fn find(&self, digest: &str) -> Option<PathBuf> {
        let path = self.path(digest)?;
        matches!(checks::is_database(&path), Ok(true)).then_some(path)
    }

    /// Tries to be the one who builds it; `None` while another does: wait, then look again.
    ///
    /// With the lock comes a free place: what a kill or a spoiled disk left is gone.
    pub fn try_build(&self, digest: &str) -> Result<Option<Building>> {
        let Some(path) = self.path(digest) else {
            return Err(refusal(
                Path::new(digest),
                "that is no digest of an executable",
                "use the digest that was computed",
            ));
        };
        let Some(lock) = self.directory.try_exclusive(&format!("{digest}.lock"))? else {
            return Ok(None);
        };
        new::remove_leftover(&path)?;
        if self.find(digest).is_none() {
            let name = format!("{digest}.db");
            self.directory
                .remove_file(&name)
                .map_err(|error| self.directory.failure(&name, &error))?;
        }
        Ok(Some(Building {
            _lock: lock,
            template: Database {
                path,
                kind: Kind::Kept,
            },
        }))
    }

    /// Returns the directory, where the digests are stored too.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    fn path(&self, digest: &str) -> Option<PathBuf> {
        let path = self.directory.path().join(format!("{digest}.db"));
        is_digest(digest).then_some(path)
    }
}

impl Building {
    /// Returns the name under which the server is to build it.
    pub fn new_path(&self) -> PathBuf {
        new::path(&self.template.path)
    }

    /// Returns the finished template, if another finished it before we had the lock.
    pub fn finished(&self) -> Option<&Path> {
        let path = self.template.path.as_path();
        path.exists().then_some(path)
    }

    /// Gives the template its name, after the caller checked it; the server that built it is gone.
    pub fn adopt(self) -> Result<PathBuf> {
        new::adopt(&self.template)?;
        Ok(self.template.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_builds_and_all_find_it() {
        let temp = tempfile::tempdir().unwrap();
        let open = || {
            let path = temp.path().join("templates");
            Templates::new(Directory::make(&path, "X").unwrap())
        };
        let (one, two) = (open(), open());
        let digest = "0a".repeat(32);
        assert_eq!(one.find(&digest), None);
        let building = one.try_build(&digest).unwrap().unwrap();
        assert!(two.try_build(&digest).unwrap().is_none());
        std::fs::write(building.new_path(), "SQLite format 3\0...").unwrap();
        assert_eq!(two.find(&digest), None);
        let path = building.adopt().unwrap();
        assert_eq!(two.find(&digest), Some(path.clone()));
        let late = two.try_build(&digest).unwrap().unwrap();
        assert_eq!(late.finished(), Some(path.as_path()));
    }

    #[test]
    fn a_spoiled_template_is_built_again() {
        let temp = tempfile::tempdir().unwrap();
        let directory = Directory::make(&temp.path().join("t"), "X").unwrap();
        let templates = Templates::new(directory);
        let digest = "0b".repeat(32);
        let path = templates.path(&digest).unwrap();
        std::fs::write(&path, "").unwrap();
        assert_eq!(templates.find(&digest), None);
        let building = templates.try_build(&digest).unwrap().unwrap();
        assert_eq!(building.finished(), None);
        std::fs::write(building.new_path(), "SQLite format 3\0...").unwrap();
        building.adopt().unwrap();
        assert!(templates.try_build("../evil").is_err());
    }
}
