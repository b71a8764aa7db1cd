//! Who holds the lock of a file, or an end of a socket: the way from what is held to the process behind it.
//!
//! `/proc/<pid>/fdinfo/<fd>` shows a flock for every process that shares the locked description, so an heir is found, too;
//! `/proc/locks` would name the process that took the lock, which may be long dead. What may not be read is skipped.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::Pid;

use super::identity::{ProcessIdentity, pids};

/// Returns the processes, other than this one, that hold a flock on the file, taken by themselves or inherited.
pub fn lock_holders_of(dev: u64, ino: u64) -> Vec<ProcessIdentity> {
    others(|pid| any_file(pid, dev, ino, shows_flock))
}

/// Returns device and inode of every file on which a process that we may see holds a flock: one look for many questions.
pub(crate) fn locked_files() -> HashSet<(u64, u64)> {
    let mut locked = HashSet::new();
    for pid in pids() {
        any_open(pid, |path, shown| {
            if shows_flock(shown)
                && let Ok(file) = fs::metadata(path)
            {
                locked.insert((file.dev(), file.ino()));
            }
            false
        });
    }
    locked
}

/// Returns the processes, other than this one, that have the file open.
pub fn users_of(dev: u64, ino: u64) -> Vec<ProcessIdentity> {
    others(|pid| any_file(pid, dev, ino, |_| true))
}

/// Returns the processes, other than this one, that have the socket with the inode `theirs` and not the one with `ours`.
///
/// Of a socket pair: who was given the one end. A copy of ourselves, made by a fork, has both.
pub fn socket_holders_of(theirs: u64, ours: u64) -> Vec<ProcessIdentity> {
    let holds = |pid: i32, inode: u64| {
        let socket = format!("socket:[{inode}]");
        let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter();
        let mut links = entries.flatten().flatten().map(|entry| entry.path());
        links.any(|link| fs::read_link(link).is_ok_and(|target| target.as_os_str() == &*socket))
    };
    others(|pid| holds(pid, theirs) && !holds(pid, ours))
}

/// Returns the processes, other than this one, of which this is true.
fn others(is_one: impl Fn(i32) -> bool) -> Vec<ProcessIdentity> {
    let me = Pid::this().as_raw();
    pids()
        .filter(|pid| *pid != me && is_one(*pid))
        .filter_map(ProcessIdentity::of)
        .collect()
}

/// Tells whether a descriptor of the process is open on the file, and `fits` by its fdinfo.
fn any_file(pid: i32, dev: u64, ino: u64, fits: fn(&str) -> bool) -> bool {
    any_open(pid, |path, shown| {
        fits(shown) && fs::metadata(path).is_ok_and(|file| (file.dev(), file.ino()) == (dev, ino))
    })
}

/// Tells whether `is_it` says yes to a file that the process has open, by its link in `/proc` and its fdinfo.
fn any_open(pid: i32, mut is_it: impl FnMut(&Path, &str) -> bool) -> bool {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter();
    entries.flatten().flatten().any(|entry| {
        let (path, number) = (entry.path(), entry.file_name());
        // A look at the link first: sockets, pipes and the like have no absolute path. The file itself last: a network
        // file system that is gone would hold us up, and nothing there is locked by us.
        fs::read_link(&path).is_ok_and(|target| target.has_root())
            && fs::read_to_string(format!("/proc/{pid}/fdinfo/{}", number.display()))
                .is_ok_and(|shown| is_it(&path, &shown))
    })
}

/// Tells whether an fdinfo has a line like `lock: 1: FLOCK  ADVISORY  WRITE 41 fd:00:77 0 EOF`.
fn shows_flock(info: &str) -> bool {
    let mut lines = info.lines();
    lines.any(|line| line.starts_with("lock:") && line.contains(" FLOCK "))
}
