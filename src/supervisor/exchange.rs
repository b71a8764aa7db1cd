//! `restore` and `reset`: another database takes the place of the server's, in about the time of a boot.
//!
//! Invariant: whatever is killed at whatever instant, the next start finds the old state whole or the new one. All that can be
//! refused is refused before the server is ended: what takes the place is staged beside the database, under its one temporary
//! name, and examined there. Then: the server ends, its log is folded in (see `database::new` for why), one rename, and the
//! server is started again. A kill before the rename leaves a temporary file, which the next start removes.
//!
//! The facts: what a killed server has committed is in the file or in its log, and `SQLite` folds that log in as after any
//! crash; rename(2) is one step for whoever looks.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::database::cache::Templates;
use crate::database::snapshot::{Version, made_by, mark};
use crate::database::sqlite::{Answer as Found, Operation};
use crate::database::{new, refusal};
use crate::error::{Error, Result};
use crate::failpoint;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::files::{Files, Turn};
use crate::supervisor::state::Input;
use crate::supervisor::template::Build;
use crate::supervisor::transition::{Planned, Transition};
use crate::supervisor::verbs::Answer;
use crate::supervisor::{Message, facts, internal};

/// What takes the place of the database.
#[derive(Debug, Clone)]
pub(crate) enum Successor {
    /// A snapshot.
    Snapshot(PathBuf),
    /// The empty database of the executable.
    Template,
}

/// An exchange under way.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Who asked for it; none: we did, for a lease.
    pub id: Option<u64>,
    pub successor: Successor,
    /// Nobody else works on the files meanwhile; only its life matters.
    pub _turn: Turn,
}

impl Supervisor {
    /// Begins an exchange; whoever asked is answered when the database is the other one.
    pub(crate) fn begin_exchange(&mut self, id: u64, successor: Successor) -> Result<Answer> {
        let files = self.files_in_use()?;
        self.jobs.promised.insert(id);
        self.work(async move |turn| {
            let staged = files.stage(&successor).await;
            let id = Some(id);
            Message::Staged(
                Exchange {
                    id,
                    successor,
                    _turn: turn,
                },
                staged,
            )
        });
        Ok(Answer::Later)
    }

    /// The other database lies ready, or cannot be had: then all stays as it is.
    pub(crate) fn staged(&mut self, exchange: Exchange, staged: Result<()>) {
        let possible = match staged {
            Ok(()) if !self.machine.can_exchange() => Err(self.not_running()),
            staged => staged,
        };
        if let Err(error) = possible {
            self.end_exchange(exchange.id, Err(error));
            return;
        }
        let why = match exchange.successor {
            Successor::Snapshot(_) => Planned::Restore,
            Successor::Template => Planned::Reset,
        };
        self.jobs.exchange = Some(exchange);
        self.step(Input::Exchange(why));
    }

    /// Exchanges the database; the server is gone.
    pub(crate) fn exchange(&mut self) {
        let Some(files) = self.files() else {
            self.exchanged(Err(self.not_running()));
            return;
        };
        let inbox = self.inbox.clone();
        // It has its turn since it was staged.
        self.jobs.tasks.spawn_local(async move {
            let exchanged = files.exchange().await;
            inbox.send(Message::Exchanged(exchanged)).await.ok();
        });
    }

    /// The database is the other one, or still the old one; either way the server is started again.
    pub(crate) fn exchanged(&mut self, exchanged: Result<()>) {
        let Some(exchange) = self.jobs.exchange.take() else {
            return;
        };
        let told = match exchange.successor {
            _ if exchanged.is_err() => None,
            Successor::Snapshot(path) => Some(Transition::Restored { path }),
            Successor::Template => Some(Transition::Reset),
        };
        self.end_exchange(exchange.id, exchanged);
        self.step(Input::Exchanged(told));
    }

    /// Answers who asked for an exchange; one that failed leaves nothing.
    fn end_exchange(&mut self, id: Option<u64>, result: Result<()>) {
        if result.is_err()
            && let Some(prepared) = &self.prepared
        {
            new::remove_leftover(&prepared.database.path).ok();
        }
        match id {
            Some(id) => self.fulfil(id, result.map(|()| Value::Null)),
            None => self.renewed(result),
        }
    }
}

impl Files {
    /// Lays what is to take the place of the database beside it, examined.
    pub(crate) async fn stage(&self, successor: &Successor) -> Result<()> {
        let copy = new::path(&self.database.path);
        match successor {
            Successor::Snapshot(path) => {
                self.check_version(path, path)?;
                new::stage(path, &self.database).await?;
                // From here on the copy counts, whatever becomes of the snapshot.
                self.check_version(&copy, path)?;
                self.check_whole(&copy, path, "use another snapshot")
                    .await?;
                mark(&copy, None).map_err(|error| internal(&error))
            }
            Successor::Template => {
                let template = self.template().await?;
                new::stage(&template, &self.database).await?;
                let remedy = "remove it, then try again";
                self.check_whole(&copy, &template, remedy).await
            }
        }
    }

    /// Checks that the copy of `source` is whole; so `SQLite` is known to work before the server is ended for it.
    async fn check_whole(&self, copy: &Path, source: &Path, remedy: &str) -> Result<()> {
        match self.sqlite(Operation::Check, copy, None).await? {
            Found::Checked { objects, problems } if objects > 0 && problems.is_empty() => Ok(()),
            found => {
                let problem = format!("it is damaged: {found:?}");
                Err(refusal(source, &problem, remedy))
            }
        }
    }

    /// Checks that `file`, a snapshot or the copy of one, is one that our server understands.
    fn check_version(&self, file: &Path, path: &Path) -> Result<()> {
        let problem = match made_by(file) {
            Ok(Some(version)) if version <= Version::of(&self.facts.version) => return Ok(()),
            Ok(Some(version)) => {
                return Err(Error::SnapshotVersion {
                    path: path.display().to_string(),
                    made_by: version.to_string(),
                    running: self.facts.version.clone(),
                });
            }
            Ok(None) => "it is no snapshot of ours".to_owned(),
            Err(error) => format!("it cannot be read: {error}"),
        };
        Err(refusal(
            path,
            &problem,
            "name a file that `snapshot()` has written",
        ))
    }

    /// Returns the empty database of the executable, as it is now.
    async fn template(&self) -> Result<PathBuf> {
        let templates = Templates::new(self.plan.locations.templates()?);
        let digest = facts::digest(&self.executable, &templates).await?;
        let build = Build {
            executable: &self.executable,
            facts: &self.facts,
            templates: &templates,
            plan: &self.plan,
            server_lock: &self.server_lock,
        };
        let name = facts::template_name(&self.executable, &digest, &self.facts);
        build.get(&name).await
    }

    async fn exchange(&self) -> Result<()> {
        failpoint::pass("exchange.begin").map_err(|error| internal(&error))?;
        self.fold().await?;
        failpoint::pass("exchange.folded").map_err(|error| internal(&error))?;
        new::replace(&self.database)
    }
}
