//! The one error type: what went wrong, its stable code, and what to do about it.
//!
//! Invariant: an error reads the same on both sides of the control socket. It is serialised with its `code` as tag, and
//! the message is derived from the fields, so nothing is written down twice. Messages end with the remedy.

mod problem;

use serde::{Deserialize, Serialize};

pub(crate) use self::problem::{Cause, Problem};

/// A result with our [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One option that an attaching client asked for differently from what runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Name of the option.
    pub option: String,
    /// Value (as JSON text) that the running server has.
    pub running: String,
    /// Value (as JSON text) that was asked for.
    pub asked: String,
}

/// Everything that can go wrong, one variant per class of the Python tree.
#[derive(Debug, Clone, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Error {
    /// An option has a value that cannot work.
    #[error("option `{option}`: {problem}; {remedy}")]
    Config {
        /// Name of the option.
        option: String,
        /// What is wrong with its value.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// No usable `temporal` executable.
    #[error("{problem}; looked at: {}; {remedy}", searched.join(", "))]
    ExecutableNotFound {
        /// What is wrong.
        problem: String,
        /// Every place looked at, in order.
        searched: Vec<String>,
        /// The ways out.
        remedy: String,
        /// Version whose installation would help; `None` where something else is wrong.
        #[serde(default)]
        installable: Option<String>,
    },
    /// The server could not be started.
    #[error("the server could not be started: {reason}{}", end(log_tail, remedy))]
    Start {
        /// What happened.
        reason: String,
        /// Last lines of the server's log.
        log_tail: Vec<String>,
        /// What to do.
        remedy: String,
    },
    /// The server was not ready within the start timeout.
    #[error(
        "the server was not ready within {deadline} s; the last probe said: {last_probe}{}",
        end(log_tail, "raise `start_timeout`, or look at the log")
    )]
    StartTimeout {
        /// The start timeout, in seconds.
        deadline: f64,
        /// What the last readiness probe said.
        last_probe: String,
        /// Last lines of the server's log.
        log_tail: Vec<String>,
    },
    /// A port we need is taken.
    #[error(
        "port {port} ({role}) is in use by {holder}; stop that process, or choose another port"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// What we wanted it for: `port`, `http_port`, `metrics_port` or `ui_port`.
        role: String,
        /// Who has it: pid and command, as far as we may see.
        holder: String,
    },
    /// The server ended before it was ever ready.
    #[error(
        "the server ended before it was ready ({exit}){}",
        end(log_tail, remedy)
    )]
    ServerExited {
        /// How it ended: exit code or signal.
        exit: String,
        /// Last lines of the server's log.
        log_tail: Vec<String>,
        /// What to do.
        remedy: String,
    },
    /// The restart budget is used up.
    #[error(
        "the server failed {restarts} times within {window} s and is not restarted any more ({reason}){}",
        end(log_tail, "mend the cause, then call `restart()` or start it again")
    )]
    CrashLoop {
        /// Restarts within the window.
        restarts: u32,
        /// The window, in seconds.
        window: f64,
        /// Why it ended the last time.
        reason: String,
        /// Last lines of the server's log.
        log_tail: Vec<String>,
    },
    /// There is no such server.
    #[error("server `{name}` is not running; start it first")]
    NotRunning {
        /// Name of the server.
        name: String,
    },
    /// The supervisor misbehaved or could not be started.
    #[error("{reason}; {remedy}")]
    Supervisor {
        /// What happened.
        reason: String,
        /// What to do.
        remedy: String,
        /// Whether it could be started a moment later; known to who starts it, and no part of what is told.
        #[serde(skip)]
        may_pass: bool,
    },
    /// The supervisor went away and could not be replaced.
    #[error("the supervisor of server `{name}` was lost: {reason}; start the server again")]
    SupervisorLost {
        /// Name of the server.
        name: String,
        /// What happened.
        reason: String,
    },
    /// Client and supervisor speak different protocol versions.
    #[error(
        "this package speaks protocol {ours}, the other side (version {version}) speaks {theirs}; status and stop work, for all else use the same version of temporal-devserver on both sides"
    )]
    Protocol {
        /// Protocol version of the client, who reads the error.
        ours: u32,
        /// Protocol version of the supervisor.
        theirs: u32,
        /// Package version of the other side.
        version: String,
    },
    /// A line on the control socket is no request that can be answered.
    #[error("{reason}; {remedy}")]
    Request {
        /// What is wrong with it.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The running server has other identity options than were asked for.
    #[error(
        "server `{name}` runs with other options: {}; leave these options out, choose another name, or stop the server first",
        differ(differences)
    )]
    OptionsConflict {
        /// Name of the server.
        name: String,
        /// The options that differ.
        differences: Vec<Difference>,
    },
    /// A verb that would disturb others was refused.
    #[error(
        "`{verb}` would disturb others who use server `{name}`: {}; pass `force=True` (`--force`) if that is meant",
        holders.join(", ")
    )]
    SharedServer {
        /// Name of the server.
        name: String,
        /// The verb that was refused.
        verb: String,
        /// The other holders of leases.
        holders: Vec<String>,
    },
    /// The database cannot be used.
    #[error("database `{path}`: {problem}; {remedy}")]
    Database {
        /// Path of the database file.
        path: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A snapshot is of a server that is newer than the one that runs.
    #[error(
        "snapshot `{path}` was made by temporal {made_by}, but {running} runs, which may not understand it; use an executable of version {made_by} or newer, or another snapshot"
    )]
    SnapshotVersion {
        /// Path of the snapshot.
        path: String,
        /// Version that made it.
        made_by: String,
        /// Version that runs.
        running: String,
    },
    /// The directory for locks, socket and state cannot be used.
    #[error("state directory `{path}`: {problem}; {remedy}")]
    StateDir {
        /// Path of the directory.
        path: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A namespace or search attribute operation was refused by the server.
    #[error("namespace `{namespace}`: {problem}; {remedy}")]
    Namespace {
        /// The namespace.
        namespace: String,
        /// What the server said.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// This platform is not supported.
    #[error("{problem}; {remedy}")]
    UnsupportedPlatform {
        /// What is missing.
        problem: String,
        /// What to do.
        remedy: String,
    },
}

impl Error {
    /// Returns the error for a supervisor that would not work a moment later, either.
    pub(crate) fn supervisor(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Supervisor {
            reason: reason.into(),
            remedy: remedy.into(),
            may_pass: false,
        }
    }

    /// Returns every code there is; serde knows them, and says so when it is asked for one that is none.
    pub fn codes() -> Vec<String> {
        let refusal = serde_json::from_str::<Self>(r#"{"code": ""}"#)
            .map_or_else(|error| error.to_string(), |_| String::new());
        refusal
            .split('`')
            .skip(3)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    /// Tells whether the cause lies around the server and may pass: a port that is taken, a disk that is full.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::ExecutableNotFound { .. }
                | Self::Start { .. }
                | Self::Supervisor { may_pass: true, .. }
                | Self::PortInUse { .. }
                | Self::Database { .. }
                | Self::StateDir { .. }
        )
    }

    /// Takes the end of the server's log into an error that has none yet, and the remedy from it where it names a limit.
    pub(crate) fn complete(&mut self, log: impl FnOnce() -> Vec<String>) {
        let (log_tail, remedy) = match self {
            Self::Start {
                log_tail, remedy, ..
            }
            | Self::ServerExited {
                log_tail, remedy, ..
            } => (log_tail, Some(remedy)),
            Self::CrashLoop { log_tail, .. } => (log_tail, None),
            _ => return,
        };
        if log_tail.is_empty() {
            *log_tail = log();
        }
        if let Some(remedy) = remedy {
            *remedy = Problem::from("").said(&*log_tail).remedy(remedy);
        }
    }

    /// Returns the version whose installation would help.
    pub fn installable(&self) -> Option<&str> {
        match self {
            Self::ExecutableNotFound { installable, .. } => installable.as_deref(),
            _ => None,
        }
    }

    /// Returns this error as JSON: its `code`, its fields and its words (`message`).
    pub fn worded(&self) -> serde_json::Value {
        let mut wire = serde_json::json!(self);
        wire["message"] = self.to_string().into();
        wire
    }
}

/// Returns the end of a message: what the log ends with, where there is any, on lines of its own, and last what to do.
fn end(log_tail: &[String], remedy: &str) -> String {
    if log_tail.is_empty() {
        format!("; {remedy}")
    } else {
        let log = log_tail.join("\n  ");
        format!("; its log ends with:\n  {log}\n{remedy}")
    }
}

fn differ(differences: &[Difference]) -> String {
    let each = |d: &Difference| format!("`{}` is {}, asked for {}", d.option, d.running, d.asked);
    differences.iter().map(each).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_survives_the_wire() {
        let error = Error::PortInUse {
            port: 7233,
            role: "port".to_owned(),
            holder: "pid 41".to_owned(),
        };
        let text = serde_json::to_string(&error).unwrap();
        assert_eq!(serde_json::from_str::<Error>(&text).unwrap(), error);
        assert!(text.contains(r#""code":"port_in_use""#), "{text}");
    }

    #[test]
    fn the_remedy_comes_last() {
        let exited = |log_tail: &[&str]| {
            let log_tail = log_tail.iter().map(ToString::to_string).collect();
            let (exit, remedy) = ("exit code 1".to_owned(), "mend it".to_owned());
            let error = Error::ServerExited {
                exit,
                log_tail,
                remedy,
            };
            error.to_string()
        };
        let what = "the server ended before it was ready (exit code 1); ";
        assert_eq!(exited(&[]), format!("{what}mend it"));
        let log = "its log ends with:\n  a\n  b\nmend it";
        assert_eq!(exited(&["a", "b"]), format!("{what}{log}"));
    }

    #[test]
    fn all_codes_are_known() {
        let codes = Error::codes();
        assert!(
            codes.contains(&"config".to_owned())
                && codes.contains(&"unsupported_platform".to_owned()),
            "{codes:?}"
        );
    }
}
