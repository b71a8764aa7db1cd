//! The supervisor: one small process per server, which alone spawns, probes, restarts and stops it.
//!
//! Invariant: it holds `supervisor.lock` from its first step to its last, so there is never a second one; whatever kills
//! it, the kernel then kills the server (death signal), frees the locks and tells every client (end of connection).
//! It has one thread: the death signal follows the thread that spawned.

mod answer;
mod begin;
mod boot;
pub mod budget;
mod chosen;
pub mod command_line;
mod compatible;
mod complaints;
mod connection;
mod drive;
pub(crate) mod environment;
mod events;
mod exchange;
pub(crate) mod facts;
mod files;
mod finish;
mod hold;
mod leases;
mod log;
mod orphan;
mod perform;
mod plan;
mod prepare;
mod private_dir;
mod probing;
mod renewal;
mod rotation;
mod snapshot;
pub mod state;
mod status;
mod template;
mod tidy;
pub mod transition;
mod upkeep;
mod verbs;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::Value;
use tokio::task::LocalSet;

use crate::control::line::TooLong;
use crate::error::{Cause, Error, Problem, Result};
use crate::options::Additive;
use crate::paths::SUPERVISOR_LOG;
use crate::supervisor::prepare::Prepared;
use crate::supervisor::state::Input;

/// What the parts of the supervisor tell its loop.
#[derive(Debug)]
pub(crate) enum Message {
    /// A client said something, or more than a line may hold.
    Line(u64, std::result::Result<Vec<u8>, TooLong>),
    /// A client is gone.
    Disconnected(u64),
    /// A time that was set for the boot with this number is over, or its process is killed.
    Due(u32, Input),
    /// All that a start needs is there, or not to be had.
    Prepared(Box<Result<Prepared>>),
    /// The readiness ladder of the boot with this number was climbed.
    Climbed(u32, watch::Climbed),
    /// The time of the boot with this number, which began at the first moment, was to be over at the second.
    BootDue(u32, Instant, Instant),
    /// It is time to look whether the server stands still in the boot with this number.
    BootLook(u32),
    /// A liveness probe of the boot with this number came back.
    Probed(u32, watch::Answer),
    /// What this lease asked for exists now, or could not be made.
    Supplied(u64, Additive, Result<()>),
    /// The start timeout of this lease is over.
    Overdue(u64),
    /// It is time to see whether anybody still wants the server.
    Wanted,
    /// The orderly stop of the boot with this number has had its time.
    KillNow(u32),
    /// A verb of this connection is done.
    Answer(u64, Result<Value>),
    /// It is time to see whether an orphan is dead.
    SweepDue,
    /// It is time to look at the server's files.
    FilesDue,
    /// What is to take the place of the database lies ready, or cannot be had.
    Staged(exchange::Exchange, Result<Option<String>>),
    /// The database was exchanged, or not.
    Exchanged(Result<()>),
    /// The server need not be reset for the leases that wait, or cannot be.
    Renewed(Result<()>),
    /// This namespace was deleted.
    Deleted(String),
}

/// Becomes the supervisor: arguments are the server's directory and the descriptor of the first lease.
pub fn main(arguments: &[String]) -> ExitCode {
    let Some((directory, lease)) = parse(arguments) else {
        return ExitCode::from(2);
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let ended = runtime
        .map_err(|error| internal(&error))
        .and_then(|runtime| LocalSet::new().block_on(&runtime, drive::run(&directory, lease)));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the supervisor could not go on");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Option<(PathBuf, i32)> {
    match arguments {
        [directory, lease] => Some((PathBuf::from(directory), lease.parse().ok()?)),
        _ => None,
    }
}

/// Returns the error for what should not happen to a supervisor.
pub(crate) fn internal(cause: &impl Cause) -> Error {
    let problem = Problem::of("the supervisor cannot work", cause);
    let look = format!(
        "try again; should that not help, look into {SUPERVISOR_LOG} in the server's directory"
    );
    let remedy = problem.remedy(&look);
    Error::supervisor(problem.to_string(), remedy)
}

/// Returns the error for a server that lives and does not answer.
pub(crate) fn unanswered(what: impl std::fmt::Display) -> Error {
    let remedy = "wait until it is ready, then try again; its log tells what it does meanwhile";
    Error::supervisor(format!("the server does not answer: {what}"), remedy)
}
