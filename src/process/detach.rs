//! Starts the supervisor from a user's process as nobody's child.
//!
//! Invariant: the host keeps nothing of it: no child, no zombie, no thread, no shared descriptor, no terminal; so neither
//! Ctrl-C, nor `$(pytest)`, nor a loop around `waitpid(-1)` ever meets it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, RawFd};
use std::os::unix::ffi::OsStrExt as _;

use nix::sys::wait::waitpid;

use super::adopted;
use crate::sys::{self, Bond, Program};

/// Variables (by prefix) that would change or watch the supervisor's interpreter.
const UNWANTED: [&str; 5] = ["LD_PRELOAD", "DYLD_", "PYTHON", "COVERAGE", "COV_"];

/// Starts a program as an orphan: double fork, own session, in `/`, standard streams on `/dev/null`, no descriptors but
/// `inherit` (same numbers, all above 2), empty signal mask, default dispositions.
///
/// The first of `argv` is the program's path. Returns once exec succeeded, which takes a few milliseconds; an exec that
/// fails is the error.
pub fn spawn_detached(
    argv: &[OsString],
    env: &[(OsString, OsString)],
    inherit: &[RawFd],
) -> io::Result<()> {
    let program = Program::new(argv, env)?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    adopted::reap();
    let intermediate = sys::spawn(&program, [null.as_fd(); 3], inherit, Bond::Detached)?;
    adopted::remember(intermediate);
    // A host that ignores SIGCHLD, or reaps whatever it finds, may take it before us (ECHILD): just as well.
    while waitpid(intermediate, None) == Err(nix::Error::EINTR) {}
    Ok(())
}

/// Returns this process's environment without what would change or watch the supervisor's interpreter.
pub fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os()
        .filter(|(name, _)| is_wanted(name))
        .collect()
}

fn is_wanted(name: &OsStr) -> bool {
    let name = name.as_bytes();
    !UNWANTED
        .iter()
        .any(|prefix| name.starts_with(prefix.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::is_wanted;

    #[test]
    fn the_interpreter_is_left_alone() {
        for name in [
            "LD_PRELOAD",
            "DYLD_INSERT_LIBRARIES",
            "PYTHONPATH",
            "COV_CORE_SOURCE",
            "COVERAGE_PROCESS_START",
        ] {
            assert!(!is_wanted(name.as_ref()), "{name}");
        }
        for name in ["PATH", "HOME", "LD_LIBRARY_PATH", "MY_PYTHON", "LANG"] {
            assert!(is_wanted(name.as_ref()), "{name}");
        }
    }
}
