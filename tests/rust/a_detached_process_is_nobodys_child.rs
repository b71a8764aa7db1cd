//! What a host detaches keeps nothing of the host: no parent, session, pipe, signal mask or ignored signal.
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::sys::signal::{SigSet, Signal};
use temporal_devserver::process::detach::{environment, spawn_detached};
use temporal_devserver::process::identity::ProcessIdentity;
use temporal_devserver::process::strays::children;

use crate::support::{eventually, noted, role_argv, role_dir};

#[test]
fn a_detached_process_is_nobodys_child() {
    let dir = tempfile::tempdir().unwrap();
    // The shell ignores signals and opens a file on behalf of the host: both survive exec.
    let output = Command::new("/bin/sh")
        .args([
            "-c",
            "trap '' HUP INT QUIT CHLD; exec 9</dev/zero; exec \"$@\"",
            "sh",
        ])
        .args(role_argv("a_detached_process_is_nobodys_child::host_role"))
        .env("TEST_ROLE_DIR", dir.path())
        .stdin(Stdio::null())
        .output() // Reads to the end-of-file, as `$(..)` does.
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{complaints}");

    let pid = noted(dir.path(), "pid");
    let detached = ProcessIdentity::of(pid).expect("it outlives the end of the pipe");
    let inspected =
        std::panic::catch_unwind(|| inspect(pid, noted(dir.path(), "host"), dir.path()));
    assert!(detached.signal(Signal::SIGKILL).unwrap());
    inspected.unwrap();
}

fn inspect(pid: i32, host: i32, dir: &Path) {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap();
    // A shell blocks signals around what it forks.
    eventually("its last program", || read("comm") == "sleep\n");
    let stat = read("stat");
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let number = |at: usize| fields[at].parse::<i32>().unwrap();
    let session = |pid| nix::unistd::getsid(pid).unwrap().as_raw();
    assert_ne!(number(1), host, "the host is its parent");
    assert_ne!(number(3), session(None), "it shares our session");
    assert_ne!(number(3), pid, "a session leader could acquire a terminal");

    let status = read("status");
    for set in ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000"] {
        assert!(status.contains(set), "{status}");
    }
    let link = |name: &str| fs::read_link(format!("/proc/{pid}/{name}")).unwrap();
    assert_eq!(link("cwd").to_str(), Some("/"));
    let mut expected: Vec<_> = (0..3).map(|fd| (fd, "/dev/null".into())).collect();
    expected.push((noted(dir, "kept"), dir.join("kept.file")));
    // The program opens and closes files of its own while it starts.
    eventually("it has these descriptors and no other", || {
        descriptors(pid) == expected
    });
}

/// Lists the open descriptors and what they lead to.
fn descriptors(pid: i32) -> Vec<(i32, PathBuf)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let mut descriptors: Vec<_> = entries
        .map(|entry| {
            let number = entry.file_name().to_str().unwrap().parse().unwrap();
            (number, fs::read_link(entry.path()).unwrap_or_default())
        })
        .collect();
    descriptors.sort_unstable();
    descriptors
}

#[test]
#[ignore = "a role"]
fn host_role() {
    let dir = role_dir();
    SigSet::all().thread_block().unwrap();
    crate::support::note(&dir, "host", &std::process::id().to_string());
    let kept = File::create(dir.join("kept.file")).unwrap();
    crate::support::note(&dir, "kept", &kept.as_raw_fd().to_string());

    let missing = spawn_detached(&["/nonexistent/python".into()], &environment(), &[]);
    assert_eq!(missing.unwrap_err().kind(), std::io::ErrorKind::NotFound);

    let script =
        "echo $$ > $TEST_ROLE_DIR/p; mv $TEST_ROLE_DIR/p $TEST_ROLE_DIR/pid; exec sleep 300";
    let argv = ["/bin/sh", "-c", script].map(Into::into);
    spawn_detached(&argv, &environment(), &[kept.as_raw_fd()]).unwrap();
    assert!(children().is_empty(), "a child or a zombie is left");
    let blocked = SigSet::thread_get_mask().unwrap();
    assert!(blocked.contains(Signal::SIGTERM), "the host's mask changed");
    let threads = fs::read_dir("/proc/self/task").unwrap().count();
    assert!(threads <= 2, "{threads} threads, libtest has two at most");
}
