//! The command line of the server.
//!
//! Invariant: the server's world is clean: every port, the database and the dynamic configuration are passed explicitly, no
//! configuration file of the user's is read, and nothing goes out to the network.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use serde_json::{Value, json};

use crate::executable::{Facts, Keys};
use crate::options::{Additive, Identity};

/// Keeps the UI from fetching news.
const DISABLE_NEWS: &str = "--ui-disable-news-fetch";

/// Keeps the user's configuration file out.
const DISABLE_CONFIG: &str = "--disable-config-file";

/// The flags that are left out where a version does not know them; no server of ours works without the others.
pub(crate) const DISPENSABLE: [&str; 2] = [DISABLE_NEWS, DISABLE_CONFIG];

/// The `Host` headers that the HTTP API of a server on loopback answers, so that no web page reaches it through DNS rebinding.
///
/// Every port is allowed, because a forwarded port has another number. The order matters: the server anchors the first
/// pattern at its start alone, the last one at its end alone, and the others nowhere. No name that anyone can register
/// contains `127.0.0.1:` or `localhost:`, or ends with `localhost`. A pattern `127.0.0.1` would allow `127.0.0.1.evil.example`.
const LOOPBACK_HOSTS: [&str; 4] = ["127.0.0.1:*", "[::1]:*", "localhost:*", "localhost"];

/// The ports of a server; each is reserved by us.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// gRPC.
    pub grpc: u16,
    /// HTTP API.
    pub http: u16,
    /// Metrics page.
    pub metrics: u16,
    /// Web UI, where it is served.
    pub ui: Option<u16>,
}

/// How the server treats its database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A new database under a temporary name: one complete file as soon as the server is idle.
    Building,
    /// Data that ends with the server: safe against the death of the process.
    Throwaway,
    /// Kept data: safe against the death of the machine, as WAL with `NORMAL` is.
    Kept,
}

impl Durability {
    fn pragmas(self) -> [&'static str; 2] {
        match self {
            Self::Building => ["journal_mode=delete", "synchronous=0"],
            Self::Throwaway => ["journal_mode=wal", "synchronous=0"],
            Self::Kept => ["journal_mode=wal", "synchronous=1"],
        }
    }
}

/// Returns the arguments of the `temporal` executable.
pub fn arguments(
    identity: &Identity,
    additive: &Additive,
    ports: Ports,
    database: &Path,
    durability: Durability,
    facts: &Facts,
    keys: &Keys,
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = ["server", "start-dev"].map(OsString::from).into();
    let mut flag = |name: &str, value: &OsStr| arguments.extend([name.into(), value.to_owned()]);
    flag("--ip", identity.ip.to_string().as_ref());
    flag("--port", ports.grpc.to_string().as_ref());
    flag("--http-port", ports.http.to_string().as_ref());
    flag("--metrics-port", ports.metrics.to_string().as_ref());
    flag("--db-filename", database.as_os_str());
    for pragma in durability.pragmas() {
        flag("--sqlite-pragma", pragma.as_ref());
    }
    flag("--log-level", text(&json!(identity.log_level)).as_ref());
    for namespace in &additive.namespaces {
        flag("--namespace", namespace.as_ref());
    }
    for (key, value) in dynamic_config(identity, keys) {
        flag("--dynamic-config-value", format!("{key}={value}").as_ref());
    }
    match ports.ui {
        Some(port) => {
            flag("--ui-port", port.to_string().as_ref());
            if facts.knows(DISABLE_NEWS) {
                arguments.push(DISABLE_NEWS.into());
            }
        }
        None => arguments.push("--headless".into()),
    }
    if facts.knows(DISABLE_CONFIG) {
        arguments.push(DISABLE_CONFIG.into());
    }
    arguments.extend(identity.extra_args.iter().map(OsString::from));
    arguments
}

/// Returns arguments with every flag that a server of ours may be given, as far as it is known.
pub(crate) fn every_flag(facts: &Facts) -> Vec<OsString> {
    let ports = Ports {
        grpc: 1,
        http: 2,
        metrics: 3,
        ui: Some(4),
    };
    let identity = Identity::default();
    let additive = Additive {
        namespaces: vec!["default".to_owned()],
        ..Additive::default()
    };
    let database = Path::new("asked.db");
    let kind = Durability::Building;
    let keys = Keys::default();
    let mut all = arguments(&identity, &additive, ports, database, kind, facts, &keys);
    all.push("--headless".into());
    all
}

/// Ours first; what the user says of the same key wins. A server before 1.30 tells upper case from lower in a key, one since
/// then does not: the key is passed as the executable spells it, and no key twice.
fn dynamic_config(identity: &Identity, keys: &Keys) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::from([
        // No look-up of a newer version, at every start.
        ("frontend.enableServerVersionCheck".to_owned(), json!(false)),
        // 20 namespaces a second otherwise: too few for a test suite.
        (
            "frontend.rps.namespaceReplicationInducingAPIs".to_owned(),
            json!(10_000),
        ),
        // Clusters whose clocks differ wait a second more before a timer fires or an activity is tried again; here is one clock.
        (
            "history.timerProcessorMaxTimeShift".to_owned(),
            json!("10ms"),
        ),
        // The server reads its queue of timers 20 times a second otherwise, and a timer costs two reads or more: each of several
        // short timers fires 0.2 s late. The other queues keep that rate: with 1000 some clients learned 20 s late that their
        // workflow had ended, because the server's notifier drops what a long poll has no room for.
        ("history.timerProcessorMaxPollRPS".to_owned(), json!(1000)),
    ]);
    // A user of `0.0.0.0` opens the server to the network, under names that the supervisor cannot know.
    if identity.ip.is_loopback() {
        let key = "frontend.httpAllowedHosts".to_owned();
        values.insert(key, json!(LOOPBACK_HOSTS));
    }
    for (key, value) in &identity.dynamic_config {
        values.retain(|ours, _| !ours.eq_ignore_ascii_case(key));
        let spelling = keys.spelling(key).unwrap_or(key);
        values.insert(spelling.to_owned(), value.clone());
    }
    values
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(identity: &Identity) -> String {
        line_of(identity, &Facts::default())
    }

    fn line_of(identity: &Identity, facts: &Facts) -> String {
        let ports = Ports {
            grpc: 1,
            http: 2,
            metrics: 3,
            ui: identity.ui.then_some(4),
        };
        let additive = Additive {
            namespaces: vec!["a b".to_owned()],
            ..Additive::default()
        };
        let arguments = arguments(
            identity,
            &additive,
            ports,
            Path::new("/x.db"),
            Durability::Throwaway,
            facts,
            &Keys::default(),
        );
        arguments.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn the_users_dynamic_config_wins() {
        let mut identity = Identity::default();
        assert!(line(&identity).contains("frontend.enableServerVersionCheck=false"));
        identity
            .dynamic_config
            .insert("frontend.enableServerVersionCheck".to_owned(), json!(true));
        assert!(line(&identity).contains("frontend.enableServerVersionCheck=true"));
        assert!(!line(&identity).contains("frontend.enableServerVersionCheck=false"));
        identity.dynamic_config =
            [("FRONTEND.enableserverversioncheck".to_owned(), json!(1))].into();
        assert_eq!(
            line(&identity)
                .to_lowercase()
                .matches("versioncheck")
                .count(),
            1
        );
    }

    #[test]
    fn without_a_ui_the_server_is_headless() {
        assert!(line(&Identity::default()).contains("--headless"));
        let with_ui = line(&Identity {
            ui: true,
            ..Identity::default()
        });
        assert!(
            with_ui.contains("--ui-port 4 --ui-disable-news-fetch")
                && !with_ui.contains("--headless")
        );
    }

    #[test]
    fn what_a_version_does_not_know_is_left_out() {
        let with_ui = Identity {
            ui: true,
            ..Identity::default()
        };
        let facts = Facts {
            unknown: DISPENSABLE.map(str::to_owned).into(),
            ..Facts::default()
        };
        let (all, fewer) = (line(&with_ui), line_of(&with_ui, &facts));
        for flag in DISPENSABLE {
            assert!(all.contains(flag) && !fewer.contains(flag), "{fewer}");
        }
    }

    #[test]
    fn it_is_asked_for_every_flag_that_is_passed() {
        let asked = every_flag(&Facts::default());
        for ui in [true, false] {
            let line = line(&Identity {
                ui,
                ..Identity::default()
            });
            for flag in line.split(' ').filter(|word| word.starts_with("--")) {
                assert!(asked.iter().any(|word| word == flag), "{flag}");
            }
        }
    }
}
