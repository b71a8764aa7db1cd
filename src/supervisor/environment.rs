//! The environment of every process that a supervisor starts.
//!
//! Invariant: no `TEMPORAL_*` variable of the user's reaches the server, which would obey some of them; and each process bears
//! a mark by which it is known for ours.

use std::ffi::OsString;

use nix::unistd::Uid;

use crate::environment::of_server;

/// Environment variable that every server of ours has; its value is the identity of its supervisor.
const MARK: &str = "TEMPORAL_DEVSERVER_SUPERVISOR";

/// Returns the server's environment: the supervisor's without any `TEMPORAL_*`, and a mark to know it by.
///
/// `GOGC=200` makes its garbage collector run less often, which shortens the boot; `benches/measure_collector.py` measures what
/// it costs. 400 hardly shortens the boot more, and takes nearly twice the memory of Go's default under load. Go reads the setting
/// once, so none holds for the boot alone. No `GOMEMLIMIT` is added: beyond a limit the server would collect all the time.
///
/// A user without an entry in `/etc/passwd`, as containers have them, gets a name and a home: without either the server does
/// not boot. What the user has set wins.
pub(crate) fn environment(mark: &str) -> Vec<(OsString, OsString)> {
    let user = Uid::effective().to_string();
    let defaults = [("GOGC", "200"), ("USER", &user), ("HOME", "/")];
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let mut ours: Vec<_> = defaults.into_iter().filter(|(n, _)| !is_set(n)).collect();
    ours.push((MARK, mark));
    let mut all = of_server();
    all.extend(ours.iter().map(|(key, value)| (key.into(), value.into())));
    all.into_iter().collect()
}

/// Tells whether a process was started by a supervisor; not where its environment may not be read.
pub(crate) fn is_ours(pid: i32) -> bool {
    let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment
        .split(|byte| *byte == 0)
        .filter_map(|variable| variable.strip_prefix(MARK.as_bytes()))
        .any(|rest| rest.starts_with(b"="))
}
