//! What the final stop cleans up: the write-ahead log, throw-away data, a private server's directory.
//!
//! Invariant: a kept database is never deleted, nor any file beside it: `SQLite`'s own last close removes `-wal` and `-shm`
//! after a checkpoint that has folded everything in; where that fails, all three files stay and a warning says so.

use crate::database::Kind;
use crate::failpoint;
use crate::process::strays::{STRAYS, reap_strays};
use crate::state_file::{Hints, State};
use crate::supervisor::drive::Supervisor;
use crate::supervisor::private_dir::remove_private;

impl Supervisor {
    /// Cleans up after the server is gone for good; returns a warning for people.
    pub(crate) async fn clean_up(&mut self) -> Option<String> {
        failpoint::pass("finish.begin").ok();
        self.finish_sweep().await;
        self.end_preparations().await;
        self.end_work().await;
        tokio::time::timeout(STRAYS, reap_strays(&[])).await.ok();
        let warning = self.fold().await;
        if let Some(warning) = &warning {
            tracing::warn!("{warning}");
        }
        let is_meant = State::read(self.dir.directory()).is_stopped(self.epoch);
        let is_awaited = !is_meant && self.is_awaited().await;
        failpoint::pass("finish.data").ok();
        // Its throw-away data goes with it.
        drop(self.prepared.take());
        if is_awaited {
            return warning;
        }
        // Nobody is to bring this life back.
        State::write_hints(self.dir.directory(), self.epoch, Hints::default()).ok();
        failpoint::pass("finish.directory").ok();
        if self.is_private
            && let Err(error) = remove_private(&self.dir, self.client.take()).await
        {
            tracing::warn!(%error, "the directory of the private server could not be removed");
        }
        warning
    }

    /// Tells whether a client whose former supervisor was killed is still on its way to bring the same server back: whoever was
    /// faster than it, and has gone again, must not take its data along.
    async fn is_awaited(&mut self) -> bool {
        let data_dir = self
            .prepared
            .as_mut()
            .and_then(|prepared| prepared.data_dir.as_mut());
        match data_dir {
            Some(data_dir) => data_dir.leave_to_heirs().await,
            None => false,
        }
    }

    /// Ends what may still be preparing the first process, and waits until it has let go of everything.
    async fn end_preparations(&mut self) {
        if let Some(task) = self.watching.take() {
            task.abort();
            while !task.is_finished() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Folds the write-ahead log of a kept database into it, so that it is one file.
    async fn fold(&self) -> Option<String> {
        let files = self.files()?;
        if files.database.kind == Kind::Throwaway {
            return None;
        }
        let problem = files.fold().await.err()?;
        let path = files.database.path.display();
        Some(format!(
            "{problem}; to copy {path}, copy {path}-wal and {path}-shm with it"
        ))
    }
}
