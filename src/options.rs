//! What a user may ask for: one list of options, their defaults, and what is refused at once.
//!
//! Invariant: every option is a field of exactly one of three structs, by what it means to an attaching client:
//! [`Identity`] (compared, where given explicitly), [`Additive`] (added where missing), [`Mine`] (this client's own).
//! All else — the names, which were given explicitly, what differs — is derived from them through their JSON.

mod check;

pub use check::check_namespace;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::error::{Difference, Error, Result};
use crate::temporal::AttributeType;

/// What the server is: two clients that ask for different values cannot share it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// The database: none for throw-away data, else the file's real path (`true` before the directory is known).
    pub db: Db,
    /// Address to listen on: 127.0.0.1, or 0.0.0.0.
    pub ip: Ipv4Addr,
    /// gRPC port; none: we choose.
    pub port: Option<u16>,
    /// Port of the HTTP API; none: we choose.
    pub http_port: Option<u16>,
    /// Port of the metrics page; none: we choose.
    pub metrics_port: Option<u16>,
    /// Whether the web UI is served.
    pub ui: bool,
    /// Port of the web UI; none: we choose.
    pub ui_port: Option<u16>,
    /// The `temporal` executable; none: the first one found.
    pub executable: Option<PathBuf>,
    /// Version of the `temporal` executable; none: any.
    pub version: Option<String>,
    /// Level of the server's own log.
    pub log_level: LogLevel,
    /// Further arguments of `temporal server start-dev`.
    pub extra_args: Vec<String>,
    /// Dynamic configuration of the server; wins over ours.
    pub dynamic_config: BTreeMap<String, Value>,
    /// How a live server is probed.
    pub health: Health,
    /// When an ended server is restarted.
    pub restart: Restart,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            db: Db::default(),
            ip: Ipv4Addr::LOCALHOST,
            port: None,
            http_port: None,
            metrics_port: None,
            ui: false,
            ui_port: None,
            executable: None,
            version: None,
            log_level: LogLevel::default(),
            extra_args: Vec::new(),
            dynamic_config: BTreeMap::new(),
            health: Health::default(),
            restart: Restart::default(),
        }
    }
}

impl Identity {
    /// Returns every port, with the name of its option.
    pub fn ports(&self) -> [(&'static str, Option<u16>); 4] {
        [
            ("port", self.port),
            ("http_port", self.http_port),
            ("metrics_port", self.metrics_port),
            ("ui_port", self.ui_port),
        ]
    }
}

/// Where the data lives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Db {
    /// Throw-away data, deleted at the final stop.
    #[default]
    Throwaway,
    /// Kept in the server's own directory (`true`).
    Named(bool),
    /// Kept in this file.
    Path(PathBuf),
}

/// Levels of the server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names of the levels say it all")]
pub enum LogLevel {
    Debug,
    Info,
    #[default]
    Warn,
    Error,
    Never,
}

/// How a live server is probed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Health {
    /// Seconds from one probe to the next.
    pub interval: f64,
    /// Seconds a probe may take.
    pub timeout: f64,
    /// Failures in a row after which the server is replaced.
    pub failures: u32,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            interval: 5.0,
            timeout: 5.0,
            failures: 12,
        }
    }
}

/// When an ended server, or a lost supervisor, is restarted, and when no more. A server that had been ready is restarted at
/// once; the delays are those between exits without being ready.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Restart {
    /// Restarts within the window; one more and the server is `failed`. Lost supervisors have a count of their own.
    pub limit: u32,
    /// Seconds of the window.
    pub window: f64,
    /// Seconds before the restart after the first exit without being ready; doubles with each further one.
    pub initial_delay: f64,
    /// Seconds a delay may grow to.
    pub max_delay: f64,
    /// Seconds for which a process must have been ready for the delays to begin anew.
    pub reset_after: f64,
    /// Exits in a row without ever being ready that are given up at.
    pub never_ready_limit: u32,
}

impl Default for Restart {
    fn default() -> Self {
        Self {
            limit: 5,
            window: 60.0,
            initial_delay: 0.1,
            max_delay: 10.0,
            reset_after: 60.0,
            never_ready_limit: 3,
        }
    }
}

/// What is added to a running server where it is missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Additive {
    /// Namespaces besides `default`.
    pub namespaces: Vec<String>,
    /// Search attributes, in every namespace.
    pub search_attributes: BTreeMap<String, AttributeType>,
}

impl Additive {
    /// Tells whether all of `other` is in it.
    pub fn covers(&self, other: &Self) -> bool {
        let mut merged = self.clone();
        merged.merge(other);
        merged == *self
    }

    /// Takes over what `other` has more.
    pub fn merge(&mut self, other: &Self) {
        for namespace in &other.namespaces {
            if !self.namespaces.contains(namespace) {
                self.namespaces.push(namespace.clone());
            }
        }
        self.search_attributes
            .extend(other.search_attributes.clone());
    }
}

/// What concerns this client alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mine {
    /// Seconds until the server must be ready.
    pub start_timeout: f64,
    /// Seconds a kept server gets to stop by itself.
    pub stop_timeout: f64,
    /// Seconds the server stays after this lease has ended.
    pub linger: f64,
    /// Most namespaces of a lingering throw-away server that is not to be reset when this lease is the first one again.
    pub reset_above: Option<usize>,
    /// Root of the directories, instead of the platform's.
    pub state_dir: Option<PathBuf>,
}

impl Default for Mine {
    fn default() -> Self {
        Self {
            start_timeout: 30.0,
            stop_timeout: 5.0,
            linger: 0.0,
            reset_above: None,
            state_dir: None,
        }
    }
}

/// The options of one client.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// Names of the identity options that were given explicitly.
    pub given: Vec<String>,
    /// Values of identity options that the command implies: they make a new server, and are compared with none.
    pub implied: Map<String, Value>,
    /// Identity options, defaults filled in.
    pub identity: Identity,
    /// Additive options.
    pub additive: Additive,
    /// This client's own options.
    pub mine: Mine,
}

impl Options {
    /// Returns every option with its default, as JSON.
    pub fn defaults() -> Map<String, Value> {
        let mut all = object(&Identity::default());
        all.extend(object(&Additive::default()));
        all.extend(object(&Mine::default()));
        all
    }

    /// Reads and checks the options that were given explicitly.
    pub fn parse(given: &Map<String, Value>) -> Result<Self> {
        Self::parse_over(Map::new(), given)
    }

    /// Reads the options that were given explicitly over those that are implied, and checks the whole.
    ///
    /// A port of the UI asks for the UI. An implied port gives way to a given one of the same number.
    pub fn parse_over(mut implied: Map<String, Value>, given: &Map<String, Value>) -> Result<Self> {
        check_known(given)?;
        let mut given = given.clone();
        if given.contains_key("ui_port") && !given.contains_key("ui") {
            given.insert("ui".to_owned(), Value::Bool(true));
        }
        let ports = Identity::default().ports().map(|(role, _)| role);
        let is_taken = |value: &Value| ports.iter().any(|role| given.get(*role) == Some(value));
        implied.retain(|key, value| {
            let gives_way = ports.contains(&&**key) && is_taken(value);
            !given.contains_key(key) && !gives_way
        });
        let mut whole = implied.clone();
        whole.extend(given.clone());
        let identity: Identity = part(&whole)?;
        let keys = object(&identity);
        let is_identity = |key: &&String| keys.contains_key(*key);
        let options = Self {
            given: given.keys().filter(is_identity).cloned().collect(),
            implied,
            identity,
            additive: part(&given)?,
            mine: part(&given)?,
        };
        options.check()?;
        Ok(options)
    }

    /// Returns what travels to the supervisor: the explicit identity options and the additive ones.
    pub fn to_wire(&self) -> Map<String, Value> {
        let mut wire = object(&self.identity);
        wire.retain(|key, _| self.given.contains(key));
        wire.extend(object(&self.additive));
        wire
    }

    /// Lists the explicit options in which a running server differs.
    pub fn differences(&self, running: &Identity) -> Vec<Difference> {
        let (asked, running) = (object(&self.identity), object(running));
        let differs = |key: &&String| asked[*key] != running[*key];
        let difference = |key: &String| Difference {
            option: key.clone(),
            running: running[key].to_string(),
            asked: asked[key].to_string(),
        };
        self.given.iter().filter(differs).map(difference).collect()
    }

    /// Takes over the whole configuration of a server that is to be brought back.
    pub fn pin(&mut self, identity: Identity, additive: &Additive) {
        self.given = object(&identity).keys().cloned().collect();
        self.implied.clear();
        self.identity = identity;
        self.additive.merge(additive);
    }
}

/// Returns the real path of a database that may not exist yet: its folder resolved, or the file behind a link.
pub fn real_path(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

/// Returns an error about the value of one option.
pub fn config(option: &str, problem: &str, remedy: &str) -> Error {
    Error::Config {
        option: option.to_owned(),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// Refuses an option that does not exist.
fn check_known(given: &Map<String, Value>) -> Result<()> {
    let known = Options::defaults();
    let Some(unknown) = given.keys().find(|key| !known.contains_key(*key)) else {
        return Ok(());
    };
    let names: Vec<&str> = known.keys().map(String::as_str).collect();
    let remedy = format!("the options are: {}", names.join(", "));
    Err(config(unknown, "there is no such option", &remedy))
}

/// Reads the fields of one struct out of a JSON object that holds others too.
fn part<T: Default + Serialize + for<'a> Deserialize<'a>>(given: &Map<String, Value>) -> Result<T> {
    let mut whole = object(&T::default());
    for (key, value) in given
        .iter()
        .filter(|(key, _)| object(&T::default()).contains_key(*key))
    {
        let before = whole.insert(key.clone(), value.clone());
        // Read after each change, so that the message can name the option.
        if let Err(error) = serde_json::from_value::<T>(Value::Object(whole.clone())) {
            let example = example(key, before.unwrap_or_default());
            let remedy = format!("give a value like {example}");
            return Err(config(
                key,
                &format!("{value} does not fit: {error}"),
                &remedy,
            ));
        }
    }
    serde_json::from_value(Value::Object(whole))
        .map_err(|error| config("options", &error.to_string(), "correct them"))
}

/// Returns a value that fits an option: its default, or where that is none, one that shows the type.
fn example(option: &str, default: Value) -> Value {
    match (default, option) {
        (_, "search_attributes") => json!({"CustomerId": "Keyword"}),
        (_, "dynamic_config") => json!({"frontend.rps": 100}),
        (_, "namespaces") => json!(["orders"]),
        (_, "extra_args") => json!(["--log-config"]),
        (Value::Null, "db") => json!("orders.db"),
        (Value::Null, "executable" | "state_dir") => json!("/path/to/it"),
        (Value::Null, "version") => json!("1.9.1"),
        (Value::Null, "reset_above") => json!(400),
        (Value::Null, _) => json!(7233),
        (default, _) => default,
    }
}

fn object<T: Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests;
