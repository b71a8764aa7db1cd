//! Descendants that outlived their parents: they come to the supervisor, which ends and reaps them.
//!
//! A subreaper inherits every orphan below it, whatever its group or session. An orphan is an unreaped child like any
//! other, so its pid is pinned and needs no identification; killing it may hand us its children, hence the rounds.

use std::fs;
use std::io;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::death::{self, Death};
use super::identity::{pids, stat};

use crate::failpoint;

/// How long left-over descendants may take to die.
pub(crate) const STRAYS: Duration = Duration::from_secs(2);

/// Makes this process the one that orphaned descendants are re-parented to.
pub fn become_subreaper() -> io::Result<()> {
    Ok(nix::sys::prctl::set_child_subreaper(true)?)
}

/// Kills and reaps every child of this process but those in `keep`, until none is left.
///
/// Waits for as long as one of them does not die (state `D`): bound it by a timeout.
///
/// # Cancel safety
/// Cancel safe: what is left is found again by the next call.
pub async fn reap_strays(keep: &[i32]) -> io::Result<()> {
    loop {
        let mut strays = children();
        strays.retain(|pid| !keep.contains(pid));
        let mut alive = None;
        for pid in strays.iter().copied().map(Pid::from_raw) {
            failpoint::pass("strays.kill").ok();
            kill(pid, Signal::SIGKILL).ok();
            if death::is_dead(pid) {
                waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG).ok();
            } else {
                alive = Some(pid);
            }
        }
        match alive {
            Some(pid) => Death::of_child(pid).wait().await?,
            None if strays.is_empty() => return Ok(()),
            None => {}
        }
    }
}

/// Lists the children of this process, zombies included.
pub fn children() -> Vec<i32> {
    listed_children().unwrap_or_else(found_children)
}

/// Lists the children as the kernel keeps them, for each thread; None where it was built without that list.
fn listed_children() -> Option<Vec<i32>> {
    let mut children = Vec::new();
    for task in fs::read_dir("/proc/self/task").ok()? {
        let list = fs::read_to_string(task.ok()?.path().join("children")).ok()?;
        children.extend(list.split_ascii_whitespace().flat_map(str::parse::<i32>));
    }
    Some(children)
}

/// Finds the children among all processes.
fn found_children() -> Vec<i32> {
    let me = Pid::this().as_raw();
    let is_ours = |pid: &i32| stat(*pid).is_some_and(|stat| stat.ppid == me);
    pids().filter(is_ours).collect()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_is_found_with_and_without_the_kernels_list() {
        let mut child = Command::new("sleep").arg("300").spawn().unwrap();
        let pid = child.id().cast_signed();
        child.kill().unwrap();
        // A zombie, or about to be one: a child all the same. Other tests have children, too.
        let lists = [listed_children().unwrap_or_default(), found_children()];
        child.wait().unwrap();
        assert!(lists[1].contains(&pid), "{lists:?}");
        assert!(lists[0].is_empty() || lists[0].contains(&pid), "{lists:?}");
        assert!(!found_children().contains(&pid));
    }
}
