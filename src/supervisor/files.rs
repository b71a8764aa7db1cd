//! Work on the files of the server's database while the supervisor does other things.
//!
//! Invariant: one at a time, in the order in which it was asked for: so nobody reads a database that is just being exchanged,
//! and there is one use of its temporary name. The final stop ends it before it touches the files itself, and whoever waits
//! for it is told so.

use std::collections::BTreeSet;
use std::future::Future;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::JoinSet;

use crate::control::message::Reply;
use crate::database::sqlite::{Answer, Operation};
use crate::database::{COMPANIONS, Database, beside, new, refusal};
use crate::error::Result;
use crate::executable::Facts;
use crate::lock::FileLock;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::exchange::Exchange;
use crate::supervisor::plan::Plan;
use crate::supervisor::{Message, template};

/// What such work needs; it stays true as long as the server has this database.
#[derive(Debug)]
pub(crate) struct Files {
    pub database: Database,
    pub executable: PathBuf,
    pub facts: Facts,
    pub plan: Plan,
    pub server_lock: Rc<FileLock>,
    lock: Rc<FileLock>,
    python: Option<PathBuf>,
}

impl Files {
    /// Works on a database in a short-lived child; it holds the locks, and `more`.
    pub(crate) async fn sqlite(
        &self,
        operation: Operation<'_>,
        path: &Path,
        more: Option<&FileLock>,
    ) -> Result<Answer> {
        let Some(python) = &self.python else {
            let remedy = "start the server by a Python that has `sqlite3`";
            return Err(refusal(
                path,
                "no interpreter with sqlite3 is known",
                remedy,
            ));
        };
        let mut inherit = self.locks();
        inherit.extend(more.map(|lock| lock.as_fd()));
        template::sqlite(python, operation, path, inherit).await
    }

    /// Returns the locks that whoever works on the database holds.
    pub(crate) fn locks(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.server_lock.as_fd(), self.lock.as_fd()]
    }

    /// Folds the write-ahead log into the database, which no server has open, so that it is one file.
    pub(crate) async fn fold(&self) -> Result<()> {
        let path = &self.database.path;
        if !COMPANIONS
            .iter()
            .any(|suffix| beside(path, suffix).exists())
        {
            return Ok(());
        }
        match self.sqlite(Operation::Checkpoint, path, None).await? {
            Answer::Checkpointed { busy: false } => Ok(()),
            _ => Err(refusal(
                path,
                "another process has it open, so its log cannot be folded in",
                "end that process, then try again",
            )),
        }
    }
}

/// Whose turn it is to work on the files.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// All such work, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub tasks: JoinSet<()>,
    turns: Arc<Mutex<()>>,
    /// Whose verbs are answered when they are done.
    pub promised: BTreeSet<u64>,
    /// The exchange of the database for which the server is being ended.
    pub exchange: Option<Exchange>,
    /// Whether it is being seen to that those who wait get a fresh server.
    pub is_renewing: bool,
}

impl Supervisor {
    /// Returns what work on the database needs; none before all is prepared.
    pub(crate) fn files(&self) -> Option<Files> {
        self.prepared.as_ref().map(|prepared| Files {
            database: prepared.database.clone(),
            executable: prepared.executable.clone(),
            facts: prepared.facts.clone(),
            plan: self.plan.clone(),
            server_lock: Rc::clone(&self.server_lock),
            lock: Rc::clone(&prepared.lock),
            python: self.python.clone(),
        })
    }

    /// Has something done when its turn has come; what it tells is taken as any message.
    pub(crate) fn work<F>(&mut self, work: impl FnOnce(Turn) -> F + 'static)
    where
        F: Future<Output = Message> + 'static,
    {
        let (turns, inbox) = (Arc::clone(&self.jobs.turns), self.inbox.clone());
        while self.jobs.tasks.try_join_next().is_some() {}
        self.jobs.tasks.spawn_local(async move {
            let message = work(turns.lock_owned().await).await;
            inbox.send(message).await.ok();
        });
    }

    /// Answers who was promised it.
    pub(crate) fn fulfil(&mut self, id: u64, result: Result<Value>) {
        self.jobs.promised.remove(&id);
        let reply = result.map_or_else(Reply::from, |value| Reply::Done { value });
        self.send(id, &reply);
    }

    /// Ends all work, for the server is to be stopped for good.
    pub(crate) async fn end_work(&mut self) {
        self.jobs.tasks.shutdown().await;
        self.jobs.exchange = None;
        for id in std::mem::take(&mut self.jobs.promised) {
            self.send(id, &self.not_running().into());
        }
        if let Some(prepared) = &self.prepared {
            new::remove_leftover(&prepared.database.path).ok();
        }
    }
}
