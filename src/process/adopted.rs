//! Supervisors that are nobody's child fall to the init of their container; where that is the host itself, it has us reap them.
//!
//! Invariant: only the dead of a session that we made are reaped, and not a leader of one: such a session's leader was the child
//! between us and the supervisor, and is gone. What the host forks is in the host's session or leads its own, so the host
//! never loses the exit status of a child of its own.

use std::sync::{Mutex, PoisonError};

use nix::sys::prctl::get_child_subreaper;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use super::identity::{is_dead, stat};
use super::strays::children;

/// The sessions in which something may be left that falls to us.
static SESSIONS: Mutex<Vec<i32>> = Mutex::new(vec![]);

/// Remembers that a supervisor was started in this session, where its death is to be this process's affair.
pub(crate) fn remember(session: Pid) {
    if Pid::this() == Pid::from_raw(1) || get_child_subreaper().unwrap_or(false) {
        let mut sessions = SESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.push(session.as_raw());
    }
}

/// Reaps what has died since, and forgets the sessions of which nothing is left.
pub(crate) fn reap() {
    let mut sessions = SESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    if sessions.is_empty() {
        return;
    }
    let mut living = vec![];
    for child in children().into_iter().filter_map(stat) {
        let is_ours = sessions.contains(&child.session) && child.pid != child.session;
        if is_ours && is_dead(child.state) {
            let end = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG;
            waitid(Id::Pid(Pid::from_raw(child.pid)), end).ok();
        } else {
            living.push(child.session);
        }
    }
    sessions.retain(|session| living.contains(session));
}
