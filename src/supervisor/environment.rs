//! The environment of every process that a supervisor starts.
//!
//! Invariant: no `TEMPORAL_*` variable of the user's reaches the server, which would obey some of them; and each process bears
//! a mark by which it is known for ours.

use std::ffi::{OsStr, OsString};

/// Environment variable of the Go runtime; the user's own value wins.
const GARBAGE_COLLECTOR: &str = "GOGC";

/// Environment variable that every server of ours has; its value is the identity of its supervisor.
const MARK: &str = "TEMPORAL_DEVSERVER_SUPERVISOR";

/// Returns the server's environment: the supervisor's without any `TEMPORAL_*`, and a mark to know it by.
///
/// The server's garbage collector is told to run less often: a seventh off the boot for a few MB (`benches/measure_start.py`).
pub(crate) fn environment(mark: &str) -> Vec<(OsString, OsString)> {
    let is_foreign = |key: &OsStr| !key.as_encoded_bytes().starts_with(b"TEMPORAL_");
    let inherited = std::env::vars_os().filter(|(key, _)| is_foreign(key));
    let ours =
        [(GARBAGE_COLLECTOR, "400"), (MARK, mark)].map(|(key, value)| (key.into(), value.into()));
    let is_free = |(key, _): &(OsString, OsString)| std::env::var_os(key).is_none() || key == MARK;
    inherited.chain(ours.into_iter().filter(is_free)).collect()
}
