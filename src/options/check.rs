//! What options may not be: refused before anything is touched, with the remedy.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value;

use super::{Db, Identity, Options, config};
use crate::error::Result;
use crate::executable::check_version;
use crate::temporal::namespaces::SYSTEM;
use crate::temporal::search_attributes::{limit_of, too_many};

/// Flags of `start-dev` that we manage, with the option that stands for each; empty: none, what we pass is the promise.
const MANAGED_FLAGS: [(&str, &str); 16] = [
    ("--db-filename", "db"),
    ("-f", "db"),
    ("--disable-config-file", ""),
    ("--dynamic-config-value", "dynamic_config"),
    ("--headless", "ui"),
    ("--http-port", "http_port"),
    ("--ip", "ip"),
    ("--log-level", "log_level"),
    ("--metrics-port", "metrics_port"),
    ("--namespace", "namespaces"),
    ("-n", "namespaces"),
    ("--port", "port"),
    ("-p", "port"),
    ("--search-attribute", "search_attributes"),
    ("--sqlite-pragma", ""),
    ("--ui-port", "ui_port"),
];

impl Options {
    pub(super) fn check(&self) -> Result<()> {
        let Identity {
            ip,
            health,
            restart,
            ..
        } = &self.identity;
        if ![Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED].contains(ip) {
            return Err(config(
                "ip",
                &format!(
                    "the server accepts {ip} but then runs no workflow, for its inner services use 127.0.0.1"
                ),
                "use 127.0.0.1, or 0.0.0.0 to open it to the network",
            ));
        }
        for (option, part, value, least) in [
            ("health", "interval", health.interval, 0.001),
            ("health", "timeout", health.timeout, 0.001),
            ("health", "failures", f64::from(health.failures), 1.0),
            ("restart", "window", restart.window, 0.0),
            ("restart", "initial_delay", restart.initial_delay, 0.0),
            (
                "restart",
                "max_delay",
                restart.max_delay,
                restart.initial_delay,
            ),
            ("restart", "reset_after", restart.reset_after, 0.0),
            (
                "restart",
                "never_ready_limit",
                f64::from(restart.never_ready_limit),
                1.0,
            ),
            ("start_timeout", "", self.mine.start_timeout, 0.001),
            ("stop_timeout", "", self.mine.stop_timeout, 0.0),
            ("linger", "", self.mine.linger, 0.0),
        ] {
            if !(least..=1e9).contains(&value) {
                let part = if part.is_empty() {
                    String::new()
                } else {
                    format!("`{part}` ")
                };
                return Err(config(
                    option,
                    &format!("{part}{value:?} is out of range"),
                    &format!("use a number from {least} to 1e9"),
                ));
            }
        }
        if let Some(version) = &self.identity.version {
            check_version(version)?;
        }
        self.check_ports()?;
        self.check_names()?;
        check_extra_args(&self.identity.extra_args)
    }

    fn check_ports(&self) -> Result<()> {
        let mut seen = BTreeMap::new();
        for (option, value) in self.identity.ports() {
            let Some(value) = value else { continue };
            if value == 0 {
                return Err(config(
                    option,
                    "0 is no port",
                    "leave the option out and a free port is chosen",
                ));
            }
            if let Some(other) = seen.insert(value, option) {
                return Err(config(
                    option,
                    &format!("{value} is also `{other}`"),
                    "give each its own port",
                ));
            }
        }
        if self.identity.ui_port.is_some() && !self.identity.ui {
            return Err(config(
                "ui_port",
                "it is the port of a UI that `ui=False` leaves out",
                "leave out one of the two",
            ));
        }
        Ok(())
    }

    fn check_names(&self) -> Result<()> {
        for namespace in &self.additive.namespaces {
            check_namespace(namespace)?;
        }
        let attributes = self.additive.search_attributes.iter();
        if let Some((kind, names)) = too_many(attributes.map(|(name, kind)| (name, *kind))) {
            let (problem, remedy) = limit_of(kind, &names);
            return Err(config("search_attributes", &problem, &remedy));
        }
        let mut keys = BTreeMap::new();
        for (key, value) in &self.identity.dynamic_config {
            if let Some(other) = keys.insert(key.to_lowercase(), key) {
                return Err(config(
                    "dynamic_config",
                    &format!("`{other}` and `{key}` are one key in two spellings"),
                    "leave out one of the two",
                ));
            }
            if is_constrained(value) {
                return Err(config(
                    "dynamic_config",
                    &format!(
                        "`{key}` has constraints, or is a list for them, but `temporal server start-dev` takes one value for a whole server"
                    ),
                    "give that value alone, or give what needs another one a server of its own",
                ));
            }
            if key.is_empty() || key.contains(['=', '\n', '\0']) {
                return Err(config(
                    "dynamic_config",
                    &format!("{key:?} is no key"),
                    "use a key like `frontend.rps`",
                ));
            }
        }
        match &self.identity.db {
            Db::Named(false) => Err(config(
                "db",
                "`False` has no meaning",
                "leave it out, or give `True` or a path",
            )),
            Db::Path(path) if !path.is_absolute() => Err(config(
                "db",
                &format!("`{}` is relative", path.display()),
                "give an absolute path",
            )),
            _ => Ok(()),
        }
    }
}

/// Tells whether a value is a list of values, as Temporal's files of dynamic configuration have it; constraints are optional there.
fn is_constrained(value: &Value) -> bool {
    let is_one = |entry: &Value| entry.get("value").is_some();
    value
        .as_array()
        .is_some_and(|entries| entries.iter().any(is_one))
}

/// Checks the name of a namespace; the server answers some odd ones by an internal error, and creates them all the same.
pub fn check_namespace(name: &str) -> Result<()> {
    let is_odd = |c: char| c.is_control() || c.is_whitespace() || c == '/';
    if name.is_empty() || name.len() > 1000 || name.chars().any(is_odd) || name == SYSTEM {
        let shown: String = name.chars().take(60).collect();
        let problem = format!("{shown:?} cannot be a namespace");
        return Err(config(
            "namespaces",
            &problem,
            "use letters, digits, `-`, `_` and `.`",
        ));
    }
    Ok(())
}

fn check_extra_args(arguments: &[String]) -> Result<()> {
    for argument in arguments {
        let flag = argument.split('=').next().unwrap_or_default();
        let managed = MANAGED_FLAGS
            .iter()
            .find(|(name, _)| *name == flag || is_short(argument, name));
        if let Some((name, option)) = managed {
            let remedy = match *option {
                "" => "leave it out".to_owned(),
                option => format!("use the option `{option}`"),
            };
            return Err(config(
                "extra_args",
                &format!("`{name}` is managed"),
                &remedy,
            ));
        }
        if argument.contains('\0') {
            return Err(config(
                "extra_args",
                "an argument has a NUL character",
                "remove it",
            ));
        }
    }
    Ok(())
}

/// Tells whether the argument is a short flag with its value glued on, like `-p7233`.
fn is_short(argument: &str, flag: &str) -> bool {
    flag.len() == 2 && argument.starts_with(flag)
}
