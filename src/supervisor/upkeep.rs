//! Looks after the files of a running server twice a second: cuts its log, and puts back what was deleted.
//!
//! The kernel fact: a lock is on the file, not on its name; where the file is deleted, whoever opens the name next locks
//! another one. So the name is locked again as soon as that is seen. The socket is bound again only by who holds
//! `supervisor.lock` under its name: nobody else is the supervisor.

use std::rc::Rc;
use std::time::Duration;

use crate::lock::FileLock;
use crate::paths::{CONTROL_SOCKET, SERVER_LOCK, SERVER_LOG, STATE_FILE, SUPERVISOR_LOCK};
use crate::supervisor::Message;
use crate::supervisor::begin::listen;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::rotation::rotate;

/// Between two looks: at the fastest that a disk cache takes, 600 MB/s, a log grows by 300 MB in that time. Each look costs
/// an idle supervisor a wake-up, 0.2 ms of processor.
const LOOK: Duration = Duration::from_millis(500);

impl Supervisor {
    /// Looks at the files, now and again later. Our own log grows by some lines a restart: it is looked at then.
    pub(crate) fn look_at_files(&mut self) {
        if rotate(self.dir.directory(), SERVER_LOG) {
            self.log_offset = 0;
            self.complaints.log_was_cut();
        }
        if self.listener.is_some() {
            self.put_back();
        }
        self.after(LOOK, Message::FilesDue);
    }

    fn put_back(&mut self) {
        if let Some(lock) = self.locked_again(&self.own_lock, SUPERVISOR_LOCK) {
            self.own_lock = lock;
        }
        if let Some(lock) = self.locked_again(&self.server_lock, SERVER_LOCK) {
            // The next server inherits it.
            self.server_lock = Rc::new(lock);
        }
        if !self.dir.directory().has(STATE_FILE) {
            self.write_hints();
        }
        if !self.dir.directory().has(CONTROL_SOCKET)
            && self.is_named(&self.own_lock, SUPERVISOR_LOCK)
            && let Ok(listener) = listen(&self.dir)
        {
            tracing::warn!("{CONTROL_SOCKET} was deleted, and is there again");
            self.listener = Some(listener);
        }
    }

    /// Locks the name of a lock again whose file was deleted; none where it is in its place, or another process was faster.
    fn locked_again(&self, lock: &FileLock, name: &str) -> Option<FileLock> {
        if self.is_named(lock, name) {
            return None;
        }
        let again = self.dir.try_exclusive(name).ok()??;
        tracing::warn!("{name} was deleted, and is there again");
        Some(again)
    }

    fn is_named(&self, lock: &FileLock, name: &str) -> bool {
        lock.is_at(self.dir.directory(), name.as_ref())
    }
}
