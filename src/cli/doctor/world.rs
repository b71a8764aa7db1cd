//! What all looks share, found out once: where everything lies, which servers are known, what an executable says.
//!
//! Invariant: nothing is made, mended, locked or signalled. Directories are opened as they are, state is read, and a supervisor is
//! asked for its status where there is a socket.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::Failure;
use crate::cli::asked::version_of;
use crate::cli::query::{ask_all, read};
use crate::control::message::Status;
use crate::directory::{Directory, Refused};
use crate::error::{Error, Result};
use crate::executable::{Places, VARIABLE};
use crate::options::{Additive, Db, Identity};
use crate::paths::{CONTROL_SOCKET, Locations, ServerDir, check_name};
use crate::process::identity::ProcessIdentity;
use crate::session::Host;
use crate::state_file::{Hints, State};

/// The world as it is now.
pub(crate) struct World {
    /// The server that is meant, where one was named.
    pub only: Option<String>,
    /// Whether processes can be looked at, and so be started.
    pub has_proc: bool,
    pub locations: Result<Locations>,
    pub servers: Vec<Known>,
    /// What keeps named servers from being looked at.
    pub refused: Vec<Refused>,
    /// The executable that the environment names.
    pub variable: Option<OsString>,
    path: Option<OsString>,
    store: Option<PathBuf>,
    host: Host,
    versions: RefCell<BTreeMap<PathBuf, Result<String>>>,
}

/// A named server that has been started before.
pub(crate) struct Known {
    pub name: String,
    pub dir: Arc<ServerDir>,
    /// The state file; `None` for one that is no JSON, an error for one that cannot be read.
    pub state: Result<Option<State>>,
    pub life: Life,
}

/// Whether a server runs.
pub(crate) enum Life {
    Running(Box<Status>),
    /// Its supervisor lives, and does not answer.
    Silent(Error),
    /// It was killed, and left its socket or its hints.
    Killed,
    Stopped,
}

impl World {
    /// Looks around.
    pub(crate) fn see(only: Option<String>, host: Host) -> Result<Self, Failure> {
        if let Some(name) = &only {
            check_name(name)?;
        }
        let mut world = Self {
            only,
            has_proc: ProcessIdentity::current().is_some(),
            locations: Locations::from_environment(|name| std::env::var_os(name), None),
            servers: vec![],
            refused: vec![],
            variable: std::env::var_os(VARIABLE).filter(|value| !value.is_empty()),
            path: std::env::var_os("PATH"),
            store: None,
            host,
            versions: RefCell::default(),
        };
        world.store = world
            .locations
            .as_ref()
            .ok()
            .and_then(Locations::look_at_executables);
        let looked = world.locations.as_ref().map(Locations::look_at_servers);
        match looked {
            Ok(Ok(Some(root))) => world.see_servers(&root)?,
            Ok(Err(refused)) => world.refused.push(refused),
            Ok(Ok(None)) | Err(_) => {}
        }
        Ok(world)
    }

    fn see_servers(&mut self, root: &Directory) -> Result<(), Failure> {
        let mut dirs = vec![];
        for name in ServerDir::list(root)? {
            if self.only.as_ref().is_some_and(|only| *only != name) {
                continue;
            }
            match root.look_child(name.as_ref()) {
                Ok(Some(directory)) => dirs.push((name, Arc::new(ServerDir::of(directory)))),
                Ok(None) => {}
                Err(refused) => self.refused.push(refused),
            }
        }
        let has_socket = |dir: &ServerDir| dir.directory().has(CONTROL_SOCKET);
        let asked = dirs.iter().filter(|(_, dir)| has_socket(dir)).cloned();
        let mut answers = ask_all(asked.collect())?;
        for (name, dir) in dirs {
            let state = State::examine(dir.directory());
            let life = match answers.remove(&name).map(|answer| answer.and_then(read)) {
                Some(Ok(status)) => Life::Running(Box::new(status)),
                None if !has_hints(&state) => Life::Stopped,
                None | Some(Err(Error::NotRunning { .. } | Error::SupervisorLost { .. })) => {
                    Life::Killed
                }
                Some(Err(error)) => Life::Silent(error),
            };
            self.servers.push(Known {
                name,
                dir,
                state,
                life,
            });
        }
        Ok(())
    }

    /// Returns the servers that do not run, with how they were configured.
    pub(crate) fn dead(&self) -> impl Iterator<Item = &Known> {
        let is_dead = |known: &&Known| matches!(known.life, Life::Killed | Life::Stopped);
        self.servers.iter().filter(is_dead)
    }

    /// Returns where executables are looked for.
    pub(crate) fn places<'a>(&'a self, explicit: Option<&'a Path>) -> Places<'a> {
        Places {
            explicit,
            variable: self.variable.as_deref(),
            scripts: &self.host.scripts,
            path: self.path.as_deref(),
            store: self.store.as_deref(),
            version: None,
        }
    }

    /// Returns the version of an executable, from the cache where it is known, else by asking; each is asked once.
    pub(crate) fn version(&self, executable: &Path) -> Result<String> {
        if let Some(version) = self.versions.borrow().get(executable) {
            return version.clone();
        }
        let version = version_of(executable, self.locations.as_ref().ok());
        let mut versions = self.versions.borrow_mut();
        versions.insert(executable.to_owned(), version.clone());
        version
    }
}

impl Known {
    /// Returns what its last supervisor wrote down.
    pub(crate) fn hints(&self) -> Option<&Hints> {
        let state = self.state.as_ref().ok()?.as_ref()?;
        Some(&state.hints)
    }

    /// Returns how it was configured, as far as a life that was not ended in order has left it.
    pub(crate) fn identity(&self) -> Option<Identity> {
        let configuration = self.hints()?.configuration.clone()?;
        let (identity, _): (Identity, Additive) = serde_json::from_value(configuration).ok()?;
        Some(identity)
    }

    /// Returns its kept database, where it has one.
    pub(crate) fn database(&self) -> Option<PathBuf> {
        match self.identity().map(|identity| identity.db) {
            Some(Db::Path(path)) => Some(path),
            Some(Db::Throwaway) => None,
            // Also one that is gone, or half made.
            Some(Db::Named(_)) | None => Some(self.dir.database()),
        }
    }

    /// Returns the supervisor that its state names, dead or alive.
    pub(crate) fn supervisor(&self) -> Option<ProcessIdentity> {
        serde_json::from_value(self.hints()?.supervisor.clone()?).ok()
    }
}

/// Tells whether a life was not ended in order: an ended one leaves none.
fn has_hints(state: &Result<Option<State>>) -> bool {
    let state = state.as_ref().ok().and_then(Option::as_ref);
    state.is_some_and(|state| state.hints != Hints::default())
}
