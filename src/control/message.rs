//! The vocabulary of the control socket: one JSON object a line, the same for socket, `--json` and Python.
//!
//! Invariant: HELLO, STATUS and STOP (and their replies) are frozen for ever: fields may be added, none may change or go, and unknown
//! ones are ignored. So a client of any protocol version can see and stop any server; all else needs the same version.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::options::{Additive, Identity};
use crate::paths::Locations;
use crate::temporal::Probe;

/// Version of all that is not frozen.
pub const PROTOCOL: u32 = 1;

/// Longest line either side accepts, in bytes.
pub const MAX_LINE: usize = 4 << 20;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// First line of every connection (frozen).
    Hello(Box<Hello>),
    /// Asks for the status (frozen).
    Status,
    /// Stops the server (frozen).
    Stop(Force),
    /// Kills the server, which is then restarted.
    Kill(Force),
    /// Stops the server's processes by SIGSTOP.
    Pause(Force),
    /// Lets the server's processes go on.
    Resume,
    /// Stops the server in an orderly way and starts it again.
    Restart(Force),
    /// Kills the server and keeps it down, until `resume` or the end of the lease; answered when it is down.
    Outage {
        /// For how many seconds at the most; none: as long as it takes.
        seconds: Option<f64>,
        /// Whose wish it is.
        #[serde(flatten)]
        force: Force,
    },
    /// Writes a consistent copy of the server's database.
    Snapshot {
        /// Where to.
        path: PathBuf,
    },
    /// Goes back to a snapshot; answered when it has taken the place of the database.
    Restore {
        /// The snapshot.
        path: PathBuf,
        /// Whose wish it is.
        #[serde(flatten)]
        force: Force,
    },
    /// Goes back to an empty database; answered as `restore`.
    Reset(Force),
    /// Creates a namespace, usable when the reply comes.
    CreateNamespace {
        /// Its name.
        name: String,
        /// How long closed workflows are kept, in seconds; none: one day.
        retention: Option<f64>,
    },
    /// Lists the namespaces.
    ListNamespaces,
    /// Deletes a namespace.
    DeleteNamespace {
        /// Its name.
        name: String,
    },
    /// Replays the events after a point.
    Events {
        /// Identity of the supervisor and number of the last event known; an unknown identity replays all.
        since: Option<(String, u64)>,
        /// Whether those that are still to come are sent on this connection, too. It is no lease.
        #[serde(default)]
        follow: bool,
    },
    /// Gives up the lease of this connection.
    Release,
}

/// Who speaks, and whether it wants a lease.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// Protocol version of the client.
    pub protocol: u32,
    /// Package version of the client.
    pub version: String,
    /// The lease asked for; none for a single verb.
    #[serde(default)]
    pub lease: Option<LeaseRequest>,
}

/// What a client wants to hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeaseRequest {
    /// Process id of the client.
    pub pid: i32,
    /// Its command line, for people.
    pub command: String,
    /// Name of the server.
    pub name: String,
    /// Whether the name was made up for a private server.
    pub private: bool,
    /// The options given explicitly, and the additive ones.
    pub options: Map<String, Value>,
    /// Options that hold where this lease starts the server and nothing else was asked for; never compared with those of one
    /// that runs.
    #[serde(default)]
    pub defaults: Map<String, Value>,
    /// The executable that the client's environment variable names.
    pub executable_variable: Option<PathBuf>,
    /// Where the wheel of the server may have put its executable.
    pub scripts: Vec<PathBuf>,
    /// An interpreter that has `sqlite3`; none: kept databases stay in three files.
    pub python: Option<PathBuf>,
    /// The roots of all directories.
    pub locations: Locations,
    /// Throw-away data of the server that is to be brought back.
    pub data_dir: Option<PathBuf>,
    /// Seconds until the server must be ready.
    pub start_timeout: f64,
    /// Seconds a kept server gets to stop by itself.
    pub stop_timeout: f64,
    /// Seconds the server stays after this lease has ended.
    pub linger: f64,
    /// Most namespaces of a server without a lease that is not to be reset for this one.
    #[serde(default)]
    pub reset_above: Option<usize>,
    /// Whether the server stays from the grant of this lease on, whoever uses it, until it is stopped.
    #[serde(default)]
    pub pinned: bool,
}

#[cfg(test)]
impl LeaseRequest {
    /// Returns what a client wants that wants nothing special.
    pub(crate) fn of_test(name: &str) -> Self {
        Self {
            pid: 1,
            command: "me".to_owned(),
            name: name.to_owned(),
            private: false,
            options: Map::new(),
            defaults: Map::new(),
            executable_variable: None,
            scripts: vec![],
            python: None,
            locations: Locations::from_environment(|_| None, None).expect("the defaults fit"),
            data_dir: None,
            start_timeout: 60.0,
            stop_timeout: 1.0,
            linger: 0.0,
            reset_above: None,
            pinned: false,
        }
    }
}

/// Whose wish a disturbing verb is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Force {
    /// Whether it is meant even if others hold leases.
    #[serde(default)]
    pub force: bool,
    /// The caller's own lease.
    #[serde(default)]
    pub lease: Option<u64>,
}

/// What a supervisor says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// Answer to HELLO (frozen).
    Hello(Welcome),
    /// The lease is granted: the server is ready, and everything asked for exists.
    Granted(Box<Granted>),
    /// Something happened.
    Event(Event),
    /// The status (frozen).
    Status(Box<Status>),
    /// The verb is done; STOP too (frozen).
    Done {
        /// What the verb returns.
        value: Value,
    },
    /// The verb, or the lease, is refused (frozen).
    Error {
        /// Why.
        error: Error,
        /// The same for a reader that does not know the code.
        message: String,
    },
    /// The supervisor is about to end; ask again in a moment.
    Ending,
}

impl From<Error> for Reply {
    fn from(error: Error) -> Self {
        Self::Error {
            message: error.to_string(),
            error,
        }
    }
}

/// Answer to HELLO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Welcome {
    /// Protocol version of the supervisor.
    pub protocol: u32,
    /// Package version of the supervisor.
    pub version: String,
    /// Identity of the supervisor: events with another identity are of another life.
    pub identity: String,
    /// Life number of the supervisor in its directory.
    pub epoch: u64,
    /// Process id of the supervisor.
    pub pid: i32,
    /// Number of the lease, where one was asked for.
    pub lease: Option<u64>,
    /// Seconds that a stop may take the server.
    #[serde(default)]
    pub stop_timeout: f64,
}

/// What a client needs to know to use the server, and to bring it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Granted {
    /// The status at this moment.
    pub status: Status,
    /// The whole effective configuration.
    pub identity: Identity,
    /// All namespaces and search attributes asked for so far.
    pub additive: Additive,
    /// Where throw-away data lies.
    pub data_dir: Option<PathBuf>,
    /// Whether it stays until it is stopped. Where that changes, everybody is told by another grant.
    #[serde(default)]
    pub pinned: bool,
}

/// The stable states and the further events of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The server's process was started and is not ready yet (state).
    Starting,
    /// The server does its work (state).
    Ready,
    /// The server lives, but a probe failed (state).
    Unhealthy,
    /// The server does its work, but something around it does not (state).
    Degraded,
    /// The server is about to be started again (state).
    Restarting,
    /// The server was stopped by SIGSTOP on request (state).
    Paused,
    /// The restart budget is used up (state).
    Failed,
    /// The server is being stopped (state).
    Stopping,
    /// The server is gone on purpose (state).
    Stopped,
    /// The server's process, or its supervisor, has ended.
    Exited,
    /// A probe succeeds again.
    Recovered,
    /// A paused server goes on.
    Resumed,
    /// The server's data is that of a snapshot now.
    Restored,
    /// The server's data is gone: it is as new.
    Reset,
    /// A slow reader has missed events.
    Lost,
}

impl Kind {
    /// Returns the name on the wire.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(Value::String(name)) => name,
            _ => String::new(),
        }
    }
}

/// How much an event matters to who reads a log: said once, by who tells the event.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is as it should be, or as somebody has asked for.
    #[default]
    Info,
    /// Something went wrong, and goes on.
    Warning,
    /// Something went wrong for good.
    Error,
}

/// One transition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub kind: Kind,
    /// Number within the life of the supervisor, from 1.
    pub seq: u64,
    /// When, in seconds since 1970.
    pub time: f64,
    /// Identity of the supervisor.
    pub server: String,
    /// Process id of the server.
    pub pid: Option<i32>,
    /// How much it matters.
    #[serde(default)]
    pub level: Level,
    /// One line for people.
    pub message: String,
    /// Details for programs.
    pub data: Map<String, Value>,
}

/// Everything about a server at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Its state.
    pub state: Kind,
    /// Its name.
    pub name: String,
    /// Process id of the server.
    pub pid: Option<i32>,
    /// Process id of the supervisor.
    pub supervisor_pid: i32,
    /// `host:port` of gRPC.
    pub address: String,
    /// Address of the web UI.
    pub ui_url: Option<String>,
    /// `host:port` of the HTTP API.
    pub http_address: String,
    /// `host:port` of the metrics page.
    pub metrics_address: String,
    /// The namespaces asked for.
    pub namespaces: Vec<String>,
    /// Version of the `temporal` executable.
    pub version: Option<String>,
    /// When the server's process was started, in seconds since 1970.
    pub started_at: Option<f64>,
    /// Seconds since it has been ready.
    pub uptime: Option<f64>,
    /// How often it was started again.
    pub restarts: u32,
    /// The same, by what led to them.
    #[serde(default)]
    pub restart_causes: BTreeMap<String, u32>,
    /// How it ended the last time.
    pub last_exit: Option<String>,
    /// What people should know of it.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The last answer of each layer.
    pub probes: Vec<Probe>,
    /// Who uses it.
    pub leases: Vec<Lease>,
    /// Whether it stays without any, until it is stopped.
    #[serde(default)]
    pub pinned: bool,
    /// The database file.
    pub db_path: Option<String>,
    /// Its size in bytes, with what is still in its log.
    #[serde(default)]
    pub db_bytes: Option<u64>,
    /// The server's log.
    pub log_path: String,
    /// The server's directory.
    pub state_dir: String,
}

/// One user of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lease {
    /// Process id of the client.
    pub pid: i32,
    /// Its command line.
    pub command: String,
    /// When it was asked for, in seconds since 1970.
    pub since: f64,
}

impl Lease {
    /// Names the holder to a person.
    pub fn describe(&self) -> String {
        format!("pid {} (`{}`)", self.pid, self.command)
    }
}
