//! The commands and their options.
//!
//! Invariant: an option of `run` bears the name of the server's option; the JSON object that a session takes is made from
//! the parsed struct itself, so that no list of them stands anywhere else.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::executable::SERVER_VERSION;
use crate::options::config;

/// The server that is meant where none is named.
const SERVER: &str = "default";

/// Runs and supervises a real local Temporal server: kill anything, it heals; kill everything, nothing is left.
#[derive(Debug, Parser)]
#[command(
    name = "temporal-devserver",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not running; `run -- COMMAND` ends with the command's own, or 128 + the signal that ended it."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server in the foreground, or for the time of a command.
    #[command(after_help = "Example: temporal-devserver run --db orders.db orders -- npm test")]
    Run(Box<Run>),
    /// Show the state of a server.
    #[command(after_help = "Example: temporal-devserver status orders --json")]
    Status(Which),
    /// List the named servers.
    #[command(after_help = "Example: temporal-devserver list")]
    List(List),
    /// Stop a server.
    #[command(after_help = "Example: temporal-devserver stop orders --force")]
    Stop(Stop),
    /// Show the log of a server.
    #[command(after_help = "Example: temporal-devserver logs orders --tail 20 --follow")]
    Logs(Logs),
    /// Find and explain what keeps a server from working; nothing is changed.
    #[command(after_help = "Example: temporal-devserver doctor --json")]
    Doctor(Doctor),
    /// Download the `temporal` executable, or look after those that were downloaded.
    #[command(after_help = "Example: temporal-devserver install 1.8.3")]
    Install(Install),
}

/// The server to look at.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Of the servers, look at this one alone.
    pub name: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Stop {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Stop all named servers.
    #[arg(long, conflicts_with = "name")]
    pub all: bool,
    /// Even if others use it.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// Name of the server.
    #[arg(default_value = SERVER)]
    pub name: String,
    /// Go on with what is written from now on, until Ctrl-C or the server's end.
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines.
    #[arg(short = 'n', long, value_name = "LINES")]
    pub tail: Option<usize>,
}

/// What `python/temporal_devserver/_install/` is asked for.
#[derive(Debug, Args, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are flags, and clap knows which go together"
)]
pub(crate) struct Install {
    /// Version to have.
    #[arg(default_value = SERVER_VERSION)]
    pub version: String,
    /// SHA-256 that the archive must have.
    #[arg(long, value_name = "HEX", conflicts_with = "lock")]
    pub sha256: Option<String>,
    /// File with the SHA-256 that the archive must have, in a line `SHA256 VERSION PLATFORM-ARCH`.
    #[arg(long, value_name = "FILE")]
    pub lock: Option<String>,
    /// Write that line where the file does not have it.
    #[arg(long, requires = "lock")]
    pub write_lock: bool,
    /// List what was downloaded.
    #[arg(long, conflicts_with_all = ["version", "sha256", "lock", "prune"])]
    pub list: bool,
    /// Remove all versions but the newest, and but those in use.
    #[arg(long, conflicts_with_all = ["version", "sha256", "lock"])]
    pub prune: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Name of the server, to share it; without one it is private.
    pub name: Option<String>,
    /// The command to run, with `TEMPORAL_ADDRESS` and `TEMPORAL_NAMESPACE` set.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
    #[command(flatten)]
    pub options: Options,
}

/// The server's options.
#[derive(Debug, Default, Args, Serialize)]
pub(crate) struct Options {
    /// Keep the data in this file.
    #[arg(long, value_name = "FILE", conflicts_with = "keep")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub db: Option<PathBuf>,
    /// Keep the data under the server's name.
    #[arg(long)]
    #[serde(skip)]
    pub keep: bool,
    /// Address to listen on: 127.0.0.1, or 0.0.0.0 for everybody.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// gRPC port.
    #[arg(long)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Port of the HTTP API.
    #[arg(long, value_name = "PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_port: Option<u16>,
    /// Port of the metrics page.
    #[arg(long, value_name = "PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics_port: Option<u16>,
    /// Serve the web UI.
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ui: bool,
    /// Port of the web UI.
    #[arg(long, value_name = "PORT", requires = "ui")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui_port: Option<u16>,
    /// The `temporal` executable.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executable: Option<PathBuf>,
    /// Version of the `temporal` executable.
    #[arg(long = "server-version", value_name = "VERSION")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Level of the server's log: debug, info, warn, error or never.
    #[arg(long, value_name = "LEVEL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// A further argument of `temporal server start-dev`; repeatable.
    #[arg(
        long = "extra-arg",
        value_name = "ARGUMENT",
        allow_hyphen_values = true
    )]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub extra_args: Vec<String>,
    /// Dynamic configuration, the value as JSON; repeatable.
    #[arg(long, value_name = "KEY=JSON", value_parser = pair)]
    #[serde(skip)]
    pub dynamic_config: Vec<(String, String)>,
    /// A namespace; the first one is the command's; repeatable.
    #[arg(long = "namespace", value_name = "NAME")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// A search attribute, like CustomerId=Keyword; repeatable.
    #[arg(long = "search-attribute", value_name = "NAME=TYPE", value_parser = pair)]
    #[serde(skip)]
    pub search_attributes: Vec<(String, String)>,
    /// Seconds until the server must be ready.
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<f64>,
    /// Seconds a kept server gets to stop by itself.
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<f64>,
    /// Seconds the server stays when nobody uses it any more.
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linger: Option<f64>,
    /// Root of the servers' directories.
    #[arg(long, value_name = "DIRECTORY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
}

impl Options {
    /// Returns the JSON object of what was given, as a session takes it.
    pub(crate) fn given(&self) -> Result<Map<String, Value>> {
        let mut given = match serde_json::to_value(self) {
            Ok(Value::Object(given)) => given,
            _ => Map::new(),
        };
        for key in ["db", "executable", "state_dir"] {
            if let Some(Value::String(path)) = given.get_mut(key)
                && let Ok(absolute) = std::path::absolute(&*path)
            {
                *path = absolute.display().to_string();
            }
        }
        if self.keep {
            given.insert("db".to_owned(), Value::Bool(true));
        }
        let mut dynamic = Map::new();
        for (key, text) in &self.dynamic_config {
            let value = serde_json::from_str(text).map_err(|error| {
                let problem = format!("{text} is no JSON ({error})");
                config(
                    "dynamic_config",
                    &problem,
                    "quote a string twice: --dynamic-config 'key=\"text\"'",
                )
            })?;
            dynamic.insert(key.clone(), value);
        }
        if !dynamic.is_empty() {
            given.insert("dynamic_config".to_owned(), Value::Object(dynamic));
        }
        if !self.search_attributes.is_empty() {
            let pairs = self.search_attributes.iter();
            let attributes = pairs
                .map(|(name, kind)| (name.clone(), Value::String(kind.clone())))
                .collect();
            given.insert("search_attributes".to_owned(), Value::Object(attributes));
        }
        Ok(given)
    }
}

fn pair(text: &str) -> std::result::Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` has no `=`"))?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Options of a server that `run` has no flag for.
    const LEFT_OUT: [&str; 3] = ["health", "reset_above", "restart"];

    #[test]
    fn every_option_of_a_server_is_a_flag() {
        Arguments::command().debug_assert();
        let command = Arguments::command();
        let run = command.find_subcommand("run").unwrap();
        let flags: Vec<&str> = run
            .get_arguments()
            .map(|flag| flag.get_id().as_str())
            .collect();
        for name in crate::options::Options::defaults().keys() {
            assert!(
                flags.contains(&&**name) != LEFT_OUT.contains(&&**name),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_typed_is_what_the_session_gets() {
        let line = "x run --port 7233 --ui --namespace a --dynamic-config k=5 --search-attribute K=Int --keep n -- npm test";
        let parsed = Arguments::try_parse_from(line.split(' ')).unwrap();
        let Command::Run(run) = parsed.command else {
            panic!("run")
        };
        let given = Value::Object(run.options.given().unwrap());
        let expected = serde_json::json!({
            "port": 7233, "ui": true, "namespaces": ["a"], "dynamic_config": {"k": 5}, "search_attributes": {"K": "Int"}, "db": true,
        });
        assert_eq!(
            (run.name.as_deref(), run.command.len(), given),
            (Some("n"), 2, expected)
        );
    }
}
