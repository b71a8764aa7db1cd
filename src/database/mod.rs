//! Database files: what a user's path may be, the lock that makes one server the only one, how a file comes into being,
//! and what is done to it when no server runs.
//!
//! Invariant: a database is never created in place. At every instant its path names nothing or one complete file, and a
//! file that is not ours to change is refused before anything is written.

pub mod cache;
pub mod checks;
pub mod lock;
pub mod mark;
pub mod new;
pub mod snapshot;
pub mod sqlite;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem};

/// The files that `SQLite` makes beside a database.
pub(crate) const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// Whether a database outlives its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Deleted at the final stop; not worth an fsync.
    Throwaway,
    /// The user's.
    Kept,
}

/// One database file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Database {
    /// Its real path: absolute and without links, so that two ways to one file are one lock.
    pub path: PathBuf,
    /// Whether it outlives its server.
    pub kind: Kind,
}

/// Returns `path` with `suffix` appended to its last component, as `SQLite` and we name the files beside a database.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// The error for a database that cannot be used.
pub(crate) fn refusal(path: &Path, problem: impl Into<Problem>, remedy: &str) -> Error {
    let problem = problem.into();
    Error::Database {
        path: path.display().to_string(),
        problem: problem.to_string(),
        remedy: problem.remedy(remedy),
    }
}
