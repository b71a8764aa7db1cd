//! Where a session's server lives, and what is asked of its supervisor.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::control::message::LeaseRequest;
use crate::data_dir::{CONTENTS, DataDir};
use crate::error::{Error, Result};
use crate::lock::FileLock;
use crate::options::{Db, config, real_path};
use crate::paths::{Locations, PRIVATE_CONTENTS, ServerDir};
use crate::session::Session;
use crate::session::registered::Registered;
use crate::sweep::remove_if_free;

/// The variable that sets the start timeout where the option does not.
const START_TIMEOUT: &str = "TEMPORAL_DEVSERVER_START_TIMEOUT";

/// Where the server lives.
#[derive(Debug)]
pub(crate) struct Place {
    pub name: String,
    pub locations: Locations,
    pub dir: Arc<ServerDir>,
    /// Shared with all clients; a sweep needs it alone. For a shared server it says that we have been granted a lease, and will
    /// bring the server back: so it is taken with the grant.
    pub clients: Option<Registered<FileLock>>,
}

impl Place {
    /// Removes the directory of a private server that nobody looks after: no supervisor was spawned, or it came to nothing,
    /// and no other client (a forked child, the parent of one) is about to bring it back.
    ///
    /// A supervisor that was spawned and is not there yet then finds no directory, and ends.
    pub(crate) fn clear(self) {
        drop(self.clients);
        remove_if_free(self.dir.directory(), &PRIVATE_CONTENTS).ok();
    }
}

/// Removes throw-away data whose server could not be brought back, unless others still try.
pub(crate) fn clear_data(path: &Path) {
    if let Ok(data_dir) = DataDir::reopen(path) {
        remove_if_free(data_dir.directory(), &CONTENTS).ok();
    }
}

impl Session {
    /// Finds the place of the server, or makes one for a private server.
    pub(crate) fn settle(&self) -> Result<Place> {
        let locations = self.locations()?;
        let (dir, clients) = if let Some(name) = &self.given_name {
            (ServerDir::open(&locations.servers()?, name)?, None)
        } else {
            let (dir, clients) = ServerDir::create_private(&locations.private()?)?;
            (dir, Some(Registered::new(clients)))
        };
        let made_up = || {
            dir.path()
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        };
        let name = self.given_name.clone().unwrap_or_else(made_up);
        Ok(Place {
            name,
            locations,
            dir: Arc::new(dir),
            clients,
        })
    }

    /// Finds the directory of the server, if it is a named one that has been started before.
    pub(crate) fn find(&self) -> Result<Option<Arc<ServerDir>>> {
        let Some(name) = &self.given_name else {
            return Ok(None);
        };
        Ok(ServerDir::existing(&self.locations()?.servers()?, name)?.map(Arc::new))
    }

    fn locations(&self) -> Result<Locations> {
        let state_dir = self.asked.mine.state_dir.as_deref();
        Locations::from_environment(|name| self.host.variable(name), state_dir)
    }

    pub(crate) fn request(&mut self) -> Result<LeaseRequest> {
        let Some(place) = &mut self.place else {
            return Err(Error::NotRunning {
                name: String::new(),
            });
        };
        let mut options = self.asked.clone();
        if let Some(granted) = &self.granted {
            options.pin(granted.identity.clone(), &granted.additive);
        } else if options.identity.db == Db::Named(true) {
            options.identity.db = Db::Path(real_path(&place.dir.database()));
        }
        let mut defaults = options.implied.clone();
        if defaults.get("db") == Some(&Value::Bool(true)) {
            let database = real_path(&place.dir.database());
            defaults.insert("db".to_owned(), json!(database));
        }
        if place.clients.is_none() && self.given_name.is_none() {
            // A forked child's own. None for the instant in which a sweep looks; then the next launch has it.
            place.clients = place.dir.try_client()?.map(Registered::new);
        }
        let request = LeaseRequest {
            pid: std::process::id().cast_signed(),
            command: command_line(),
            name: place.name.clone(),
            private: self.given_name.is_none(),
            options: options.to_wire(),
            defaults,
            executable_variable: self.host.executable_variable(),
            scripts: self.host.scripts.clone(),
            python: self.host.python.clone(),
            locations: place.locations.clone(),
            data_dir: self
                .granted
                .as_ref()
                .and_then(|granted| granted.data_dir.clone()),
            start_timeout: options.mine.start_timeout,
            stop_timeout: options.mine.stop_timeout,
            linger: options.mine.linger,
            // Who comes back has something to lose.
            reset_above: match self.granted {
                Some(_) => None,
                None => options.mine.reset_above,
            },
            pinned: self.pins || self.granted.as_ref().is_some_and(|granted| granted.pinned),
        };
        match serde_json::to_value(&request) {
            Ok(_) => Ok(request),
            Err(error) => Err(config(
                "environment",
                &format!("{error}, and the supervisor has to be told it"),
                "let HOME, TMPDIR and the XDG_* and TEMPORAL_DEVSERVER_* variables be UTF-8",
            )),
        }
    }
}

/// Fills in what the environment says and the options do not.
pub(crate) fn with_environment(options: &Map<String, Value>) -> Result<Map<String, Value>> {
    let mut options = options.clone();
    if let Some(text) = std::env::var_os(START_TIMEOUT)
        && !options.contains_key("start_timeout")
    {
        let number = text.to_str().and_then(|text| text.parse::<f64>().ok());
        let seconds = number.ok_or_else(|| {
            config(
                "start_timeout",
                &format!("{START_TIMEOUT} is `{}`", text.display()),
                "set it to a number of seconds, like 60",
            )
        })?;
        options.insert("start_timeout".to_owned(), json!(seconds));
    }
    Ok(options)
}

/// Returns the command line of this process, for people.
fn command_line() -> String {
    let bytes = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
    text.trim().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_stays_as_long_as_a_forked_child_or_its_parent_counts_on_it() {
        let temp = tempfile::tempdir().unwrap();
        let state = temp.path().as_os_str().to_owned();
        let locations = Locations::from_environment(
            |name| (name == "TEMPORAL_DEVSERVER_STATE_DIR").then(|| state.clone()),
            None,
        )
        .unwrap();
        let (dir, clients) = ServerDir::create_private(&locations.private().unwrap()).unwrap();
        let dir = Arc::new(dir);
        let place = |clients| Place {
            name: String::new(),
            locations: locations.clone(),
            dir: Arc::clone(&dir),
            clients: Some(Registered::new(clients)),
        };
        let parent = place(clients);
        let child = place(dir.try_client().unwrap().unwrap());
        child.clear();
        assert!(dir.path().exists());
        parent.clear();
        assert!(!dir.path().exists());
    }
}
