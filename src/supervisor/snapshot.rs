//! `snapshot`: a consistent copy of the database while the server runs.
//!
//! The fact: in WAL mode a reader sees one state and keeps no writer waiting, so `SQLite`'s online backup copies it whole in
//! one step, whatever the server writes meanwhile.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::database::mark::Version;
use crate::database::snapshot::Writing;
use crate::database::sqlite::{Answer as Found, Operation};
use crate::error::Result;
use crate::supervisor::drive::Supervisor;
use crate::supervisor::files::Files;
use crate::supervisor::verbs::Answer;
use crate::supervisor::{Message, internal};

impl Supervisor {
    /// Begins to write a snapshot; whoever asked is answered when it is there.
    pub(crate) fn snapshot(&mut self, id: u64, path: PathBuf) -> Result<Answer> {
        let files = self.files_in_use()?;
        self.jobs.promised.insert(id);
        self.work(async move |_turn| {
            let written = files.snapshot(&path).await;
            Message::Answer(id, written.map(|()| Value::Null))
        });
        Ok(Answer::Later)
    }
}

impl Files {
    async fn snapshot(&self, path: &Path) -> Result<()> {
        let database = &self.database.path;
        let writing = Writing::begin(path, database, self.plan.umask)?;
        let copy = writing.new_path();
        let copied = self.sqlite(Operation::Copy(&copy), database, Some(writing.lock()));
        match copied.await? {
            Found::Copied { mode } if mode == "delete" => {
                writing.finish(database, Version::of(&self.facts.version))
            }
            found => Err(internal(&format!("the copy is not one file: {found:?}"))),
        }
    }
}
