//! What a server is started with: the flags of `run` and `start` that are its options.
//!
//! Invariant: such a flag bears the name of the server's option; the JSON object that a session takes is made from
//! the parsed struct itself, so that no list of them stands anywhere else.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::options::config;

/// The server that is meant where none is named.
pub(crate) const SERVER: &str = "default";

/// Where the server that is meant without a name is found by whoever looks for a Temporal server.
pub(crate) const PORT: u16 = 7233;
/// Where its web UI is found.
pub(crate) const UI_PORT: u16 = 8233;

#[derive(Debug, Args, Serialize)]
pub(crate) struct Run {
    /// Name of the server, to share it; without one it is private.
    #[serde(skip)]
    pub name: Option<String>,
    /// The command to run; its Temporal clients connect to this server.
    #[arg(last = true, value_name = "COMMAND")]
    #[serde(skip)]
    pub command: Vec<OsString>,
    /// Leave the command's environment as it is, but for `TEMPORAL_ADDRESS` and `TEMPORAL_NAMESPACE`.
    #[arg(long, requires = "command")]
    #[serde(skip)]
    pub keep_environment: bool,
    #[command(flatten)]
    #[serde(flatten)]
    pub options: Options,
    /// Keep the data under the server's name.
    #[arg(long, conflicts_with = "db")]
    #[serde(skip)]
    pub keep: bool,
    /// Serve the web UI.
    #[arg(long)]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ui: bool,
    /// Port of the web UI, which is served then.
    #[arg(long, value_name = "PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui_port: Option<u16>,
    /// Seconds the server stays when nobody uses it any more.
    #[arg(long, value_name = "SECONDS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linger: Option<f64>,
    /// Root of the servers' directories.
    #[arg(long, value_name = "DIRECTORY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_dir: Option<PathBuf>,
}

impl Run {
    /// Returns the JSON object of what was given, as a session takes it.
    pub(crate) fn given(&self) -> Result<Map<String, Value>> {
        let mut given = self.options.complete(self)?;
        if self.keep {
            given.insert("db".to_owned(), Value::Bool(true));
        }
        Ok(given)
    }
}

#[derive(Debug, Args, Serialize)]
pub(crate) struct Start {
    /// Name of the server; `default` has the ports 7233 and 8233, others have free ones.
    #[arg(default_value = SERVER)]
    #[serde(skip)]
    pub name: String,
    #[command(flatten)]
    #[serde(flatten)]
    pub options: Options,
    /// Do not serve the web UI.
    #[arg(long)]
    #[serde(skip)]
    pub no_ui: bool,
    /// Port of the web UI.
    #[arg(long, value_name = "PORT", conflicts_with = "no_ui")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ui_port: Option<u16>,
    /// Print the status as JSON.
    #[arg(long)]
    #[serde(skip)]
    pub json: bool,
}

impl Start {
    /// Returns the JSON object of what was given, as a session takes it.
    pub(crate) fn given(&self) -> Result<Map<String, Value>> {
        let mut given = self.options.complete(self)?;
        if self.no_ui {
            given.insert("ui".to_owned(), Value::Bool(false));
        }
        Ok(given)
    }

    /// Returns what holds besides where the server does not run yet.
    pub(crate) fn defaults(&self) -> Map<String, Value> {
        let mut defaults = Map::from_iter([("db".to_owned(), json!(true))]);
        let is_default = self.name == SERVER;
        if is_default {
            defaults.insert("port".to_owned(), json!(PORT));
        }
        if !self.no_ui {
            defaults.insert("ui".to_owned(), json!(true));
            if is_default {
                defaults.insert("ui_port".to_owned(), json!(UI_PORT));
            }
        }
        defaults
    }
}

/// The server's options that both commands have.
#[derive(Debug, Default, Args, Serialize)]
pub(crate) struct Options {
    /// Keep the data in this file.
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub db: Option<PathBuf>,
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
}

impl Options {
    /// Returns the JSON object of what the command has that these options are a part of.
    fn complete(&self, command: &impl Serialize) -> Result<Map<String, Value>> {
        let mut given = match serde_json::to_value(command) {
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
    use clap::{CommandFactory as _, Parser as _};

    use crate::cli::args::{Arguments, Command};

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
        let given = Value::Object(run.given().unwrap());
        let expected = serde_json::json!({
            "port": 7233, "ui": true, "namespaces": ["a"], "dynamic_config": {"k": 5}, "search_attributes": {"K": "Int"}, "db": true,
        });
        assert_eq!(
            (run.name.as_deref(), run.command.len(), given),
            (Some("n"), 2, expected)
        );
    }

    #[test]
    fn the_server_without_a_name_has_the_ports_that_everybody_knows() {
        let start = |line: &str| {
            let parsed = Arguments::try_parse_from(line.split(' ')).unwrap();
            let Command::Start(start) = parsed.command else {
                panic!("start")
            };
            let (given, defaults) = (start.given().unwrap(), start.defaults());
            (Value::Object(given), Value::Object(defaults))
        };
        let defaults = json!({ "db": true, "port": 7233, "ui": true, "ui_port": 8233 });
        assert_eq!(start("x start"), (json!({}), defaults));
        let (given, defaults) = start("x start orders --no-ui --port 1");
        assert_eq!(given, json!({ "ui": false, "port": 1 }));
        assert_eq!(defaults, json!({ "db": true }));
    }
}
