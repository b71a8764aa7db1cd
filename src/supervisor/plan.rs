//! What the first lease asks for, as far as a start has to be prepared for it.

use std::path::PathBuf;

use crate::control::message::LeaseRequest;
use crate::options::Identity;
use crate::paths::Locations;

/// What to prepare.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The effective options.
    pub identity: Identity,
    /// Name of the server, left in the lock of the database for others to read.
    pub name: String,
    /// Throw-away data of the server that is brought back.
    pub data_dir: Option<PathBuf>,
    /// The client's environment variable for the executable.
    pub executable_variable: Option<PathBuf>,
    /// Where the wheel of the server may lie.
    pub scripts: Vec<PathBuf>,
    /// The roots of all directories.
    pub locations: Locations,
    /// The interpreter that has `sqlite3`.
    pub python: Option<PathBuf>,
    /// The user's umask.
    pub umask: u32,
}

impl Plan {
    /// Returns what the first lease asks for; `identity` has the ports filled in.
    pub(crate) fn new(identity: Identity, request: &LeaseRequest, umask: u32) -> Self {
        Self {
            identity,
            name: request.name.clone(),
            data_dir: request.data_dir.clone(),
            executable_variable: request.executable_variable.clone(),
            scripts: request.scripts.clone(),
            locations: request.locations.clone(),
            python: request.python.clone(),
            umask,
        }
    }
}
