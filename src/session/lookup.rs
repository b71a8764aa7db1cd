//! What a server would be made of, without making it: for those who have to agree on one before it has a name.
//!
//! Invariant: executables and root are looked for as the start of a server does.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Host;
use crate::database::checks;
use crate::error::Result;
use crate::executable::{Places, find, keys_of, usable, warnings};
use crate::options::{Db, Identity, Options};
use crate::paths::Locations;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Lookup {
    /// The root of all that needs no HOME: private servers, and those of test runs.
    runtime_root: PathBuf,
    /// The executable that the server would be; where a version is asked for, all among which it is looked for, but for what is
    /// downloaded: those who come before and after a download have to agree.
    executables: Vec<PathBuf>,
    /// Of the options those that make a server what it is, as they were given.
    identity: Map<String, Value>,
    /// What such a server would ignore: keys of its dynamic configuration that the executable does not know. Empty unless asked for.
    warnings: Vec<String>,
}

impl Lookup {
    /// Returns the executable that the server would be; the first one of those to look among.
    pub fn into_executable(self) -> Option<PathBuf> {
        self.executables.into_iter().next()
    }

    /// Checks all that can be told of options before there is a server: their values, and the files that they name.
    pub fn check(options: &Map<String, Value>) -> Result<()> {
        let Identity { executable, db, .. } = Options::parse(options)?.identity;
        if let Some(named) = &executable {
            find(&Places {
                explicit: Some(named),
                variable: None,
                scripts: &[],
                path: None,
                store: None,
                version: None,
            })?;
        }
        if let Db::Path(path) = &db {
            checks::check(path)?;
        }
        Ok(())
    }

    /// Looks for what a server with these options would be made of. Its warnings may need a look at the whole executable.
    pub fn new(options: &Map<String, Value>, host: &Host, with_warnings: bool) -> Result<Self> {
        let options = Options::parse(options)?;
        let locations = Locations::from_environment(|name| host.variable(name), None)?;
        let (path, variable) = (std::env::var_os("PATH"), host.executable_variable());
        let version = options.identity.version.as_deref();
        let store = locations.executables().filter(|_| version.is_none());
        let places = Places {
            explicit: options.identity.executable.as_deref(),
            variable: variable.as_ref().map(|path| path.as_os_str()),
            scripts: &host.scripts,
            path: path.as_deref(),
            store: store.as_deref(),
            version,
        };
        let executables = match version {
            None => vec![find(&places)?],
            Some(_) => usable(&places)?,
        };
        let executable = executables.first().filter(|_| with_warnings);
        let warnings = executable.map_or_else(Vec::new, |executable| {
            ignored(executable, &options, &locations)
        });
        Ok(Self {
            warnings,
            runtime_root: locations.runtime_root().to_owned(),
            executables,
            identity: options.to_wire(),
        })
    }
}

/// Says what a server would ignore; where the executable or the cache cannot be read, that is for the start to tell.
fn ignored(executable: &Path, options: &Options, locations: &Locations) -> Vec<String> {
    let config = &options.identity.dynamic_config;
    if config.is_empty() {
        return vec![];
    }
    let keys = locations
        .templates()
        .ok()
        .and_then(|cache| keys_of(executable, config.keys(), &cache).ok());
    keys.map_or_else(Vec::new, |keys| warnings(config.keys(), &keys))
}
