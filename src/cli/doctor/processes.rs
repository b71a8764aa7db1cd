//! Temporal servers that others have started: left behind by a tool that was killed, or still in use. Told, never touched.
//!
//! The fact: `start_local` of the SDKs starts a child that outlives its parent; the kernel then gives it to init, or to the
//! `systemd` of its user.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::Uid;

use super::finding::{Code, Finding, Look};
use super::world::World;
use crate::process::identity::{describe, is_dead, pids, stat};
use crate::supervisor::environment;

/// What the SDKs call the server that skips time.
const TEST_SERVER: &str = "temporal-test-server";

/// Looks at every process of this user.
pub(crate) fn look(_world: &World) -> Look {
    let found = pids().filter_map(server);
    let findings: Vec<Finding> = found.collect();
    let at = match findings.len() {
        0 => "no Temporal server of another tool".to_owned(),
        count => format!("{count} Temporal servers of other tools"),
    };
    Look { at, findings }
}

/// Returns the finding where a process is a Temporal server that is not ours.
fn server(pid: i32) -> Option<Finding> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let is_test_server = is_test_server(&line);
    if !is_test_server && !is_dev_server(&line) {
        return None;
    }
    let owner = fs::metadata(format!("/proc/{pid}")).ok()?.uid();
    let stat = stat(pid).filter(|stat| !is_dead(stat.state))?;
    if owner != Uid::effective().as_raw() || environment::is_ours(pid) {
        return None;
    }
    if is_reaper(stat.ppid) {
        return Some(Finding::new(
            Code::OrphanedServer,
            format!(
                "{} is a Temporal server that nobody looks after: who started it is gone, or it is a service",
                describe(pid)
            ),
            format!("`kill {pid}` ends it, if nobody uses it"),
        ));
    }
    // A test server belongs to a test that is running.
    (!is_test_server).then(|| {
        Finding::new(
            Code::OtherServer,
            format!(
                "{} is a Temporal server of another tool, started by {}",
                describe(pid),
                describe(stat.ppid)
            ),
            format!("nothing, if it is meant; `kill {pid}` would end it"),
        )
    })
}

/// Tells whether a command line is `temporal server start-dev ..`, whatever the executable is called.
fn is_dev_server(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == 0).skip(1);
    words.next() == Some(b"server") && words.next() == Some(b"start-dev")
}

fn is_test_server(line: &[u8]) -> bool {
    let program = line.split(|byte| *byte == 0).next().unwrap_or_default();
    let name = Path::new(OsStr::from_bytes(program)).file_name();
    name.is_some_and(|name| name.as_bytes().starts_with(TEST_SERVER.as_bytes()))
}

/// Tells whether a process is one that orphans fall to.
fn is_reaper(pid: i32) -> bool {
    pid <= 1 || stat(pid).is_some_and(|stat| stat.comm == "systemd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_known_by_its_words_and_not_by_its_name() {
        assert!(is_dev_server(b"/tmp/x\0server\0start-dev\0--port\x001\0"));
        for other in [
            &b"vi\0notes/server\0start-dev\0"[..],
            b"temporal\0server\0",
            b"sh\0-c\0x server start-dev\0",
            b"",
        ] {
            assert!(!is_dev_server(other), "{other:?}");
        }
        assert!(is_test_server(
            b"/tmp/temporal-test-server-sdk-1.40\x007233\0"
        ));
        assert!(!is_test_server(b"cat\0temporal-test-server\0"));
    }
}
