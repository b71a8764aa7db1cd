//! What can happen to a server, in words: each transition is one event and one line that a person understands.
//!
//! Invariant: kind and data of the event are derived from the variant; only the sentence is written here.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::control::message::{Kind, Level};
use crate::process::server::Exit;

/// One transition of the server, with what a program may want to know of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "the sentences below explain the fields; durations are in seconds"
)]
pub enum Transition {
    Starting {
        pid: i32,
    },
    Ready {
        pid: i32,
        address: String,
        took: f64,
        restarts: u32,
        warning: Option<String>,
    },
    Unhealthy {
        pid: i32,
        reason: String,
    },
    Recovered {
        pid: i32,
        after: f64,
    },
    Degraded {
        reason: String,
    },
    Exited {
        pid: i32,
        cause: Exit,
        lived: f64,
        planned: Option<Planned>,
    },
    Restarting {
        /// None: when the outage ends.
        delay: Option<f64>,
        restarts: u32,
        /// How it ended the last time; none: it was never there.
        cause: Option<Exit>,
        planned: Option<Planned>,
    },
    /// Whoever keeps something of the server's state in mind has to forget it: a worker its cached workflows.
    Restored {
        path: PathBuf,
    },
    /// So here.
    Reset,
    Paused {
        pid: i32,
    },
    Resumed {
        pid: i32,
        after: f64,
    },
    Failed {
        reason: String,
        /// The same as those who wait are told it.
        error: Value,
    },
    Stopping {
        reason: String,
    },
    Stopped {
        took: f64,
        warning: Option<String>,
    },
}

/// Why we ended the server ourselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Planned {
    /// `kill()` was called.
    Kill,
    /// `restart()` was called.
    Restart,
    /// It lived but did not work.
    Unhealthy,
    /// It was not ready in time.
    NeverReady,
    /// `outage()` was called.
    Outage,
    /// It is to go on with a snapshot.
    Restore,
    /// It is to go on with an empty database.
    Reset,
}

impl Planned {
    /// Tells whether the restart that follows counts against the budget.
    pub fn counts(self) -> bool {
        matches!(self, Self::Unhealthy | Self::NeverReady)
    }

    /// Tells whether the database is exchanged before the server is started again.
    pub fn is_exchange(self) -> bool {
        matches!(self, Self::Restore | Self::Reset)
    }
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "as `kill()` asked",
            Self::Restart => "as `restart()` asked",
            Self::Unhealthy => "by us, for it did not work any more",
            Self::NeverReady => "by us, for it was not ready in time",
            Self::Outage => "as `outage()` asked",
            Self::Restore => "to go on with a snapshot",
            Self::Reset => "to go on with an empty database",
        })
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting { pid } => write!(f, "server starting (pid {pid})"),
            Self::Ready {
                pid,
                address,
                took,
                restarts,
                warning,
            } => {
                let (again, since) = match restarts {
                    0 => ("", format!("{took:.3} s after it was started")),
                    _ => (" again", format!("after {took:.3} s, restart {restarts}")),
                };
                write!(
                    f,
                    "server ready{again} at {address} (pid {pid}), {since}{}{}",
                    exposure(address),
                    and(warning.as_ref())
                )
            }
            Self::Unhealthy { pid, reason } => {
                write!(f, "server (pid {pid}) does not work: {reason}")
            }
            Self::Recovered { pid, after } => {
                write!(f, "server (pid {pid}) works again after {after:.3} s")
            }
            Self::Degraded { reason } => write!(f, "server works, but {reason}"),
            Self::Exited {
                pid,
                cause,
                lived,
                planned,
            } => {
                let cause = ending(cause, *planned);
                write!(f, "server (pid {pid}) ended after {lived:.3} s: {cause}")
            }
            Self::Restarting {
                delay,
                restarts,
                cause,
                planned,
            } => {
                let wait = match delay {
                    None => " when the outage ends".to_owned(),
                    Some(delay) if *delay > 0.0 => format!(" in {delay:.3} s"),
                    Some(_) => String::new(),
                };
                let cause = cause.as_ref().map(|cause| ending(cause, *planned));
                let cause = cause.map_or_else(String::new, |cause| format!("; it ended: {cause}"));
                write!(
                    f,
                    "server is started again{wait}, restart {restarts}{cause}"
                )
            }
            Self::Restored { path } => {
                write!(f, "server is as it was in the snapshot {}", path.display())
            }
            Self::Reset => f.write_str("server is as new, its database is empty"),
            Self::Paused { pid } => write!(f, "server (pid {pid}) is paused"),
            Self::Resumed { pid, after } => write!(
                f,
                "server (pid {pid}) goes on after a pause of {after:.3} s"
            ),
            Self::Failed { reason, .. } => {
                write!(f, "server failed and is not restarted: {reason}")
            }
            Self::Stopping { reason } => write!(f, "server is being stopped: {reason}"),
            Self::Stopped { took, warning } => {
                write!(f, "server stopped in {took:.3} s{}", and(warning.as_ref()))
            }
        }
    }
}

/// Says how a process ended, and why we ended it, if we did.
fn ending(cause: &Exit, planned: Option<Planned>) -> String {
    let why = planned.map_or_else(String::new, |why| format!(", {why}"));
    format!("{cause}{why}")
}

/// Adds a warning to a sentence.
fn and(warning: Option<&String>) -> String {
    warning.map_or_else(String::new, |warning| format!("; {warning}"))
}

/// Warns of an address that others can reach.
fn exposure(address: &str) -> &'static str {
    if address.starts_with("0.0.0.0:") {
        "; the whole network can reach its six unauthenticated ports"
    } else {
        ""
    }
}

impl Transition {
    /// Returns how much it matters. A crash is one warning: that of the restart, which names the cause.
    pub fn level(&self) -> Level {
        match self {
            Self::Failed { .. } => Level::Error,
            Self::Unhealthy { .. }
            | Self::Degraded { .. }
            | Self::Ready {
                warning: Some(_), ..
            } => Level::Warning,
            Self::Restarting { planned, .. } if planned.is_none_or(Planned::counts) => {
                Level::Warning
            }
            _ => Level::Info,
        }
    }

    /// Returns the kind and the data of the event.
    pub fn parts(&self) -> (Kind, Map<String, Value>) {
        let mut data = match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        };
        let kind = data
            .remove("kind")
            .and_then(|kind| serde_json::from_value(kind).ok());
        (kind.unwrap_or(Kind::Lost), data)
    }
}
