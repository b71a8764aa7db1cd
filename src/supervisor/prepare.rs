//! All that a start needs: the executable, what is known of it, and a complete database under its lock.
//!
//! Invariant: a database is never created in place: a new one is a copy of the template, renamed when complete. The
//! database's lock is held from before the first look at the file, and inherited by the server.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Instant;

use tokio::time::sleep;

use crate::data_dir::DataDir;
use crate::database::cache::Templates;
use crate::database::{Database, Kind, checks, lock as database_lock, mark, new, snapshot};
use crate::error::Result;
use crate::executable::{Facts, Keys};
use crate::lock::FileLock;
use crate::options::Db;
use crate::process::holders::{lock_holders_of, users_of};
use crate::process::identity::describe;
use crate::supervisor::chosen;
use crate::supervisor::facts;
use crate::supervisor::orphan::{PATIENCE, PAUSE};
use crate::supervisor::plan::Plan;
use crate::supervisor::template::Build;
use crate::supervisor::{compatible, internal};

/// What a start needs, and what the final stop has to clean up.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The executable.
    pub executable: PathBuf,
    /// What it says of itself.
    pub facts: Facts,
    /// The keys of dynamic configuration that it knows.
    pub keys: Keys,
    /// The database; it exists and is complete.
    pub database: Database,
    /// Where throw-away data lies.
    pub data_dir: Option<Throwaway>,
    /// The lock of the database, inherited by the server.
    pub lock: Rc<FileLock>,
    /// Our share in a downloaded executable, so that nobody takes it away; inherited, too.
    pub in_use: Option<FileLock>,
    /// What people should know of the database.
    pub warning: Option<String>,
}

/// How often the share of a dying client is looked at before it counts as that of one who comes back: for a second, because a
/// child that the client has forked has a copy until its exec, and the machine may be busy.
const LOOKS: u32 = 200;

/// Throw-away data, and our share in it. It goes with this value, also where a stop comes before anything has begun; only
/// a supervisor that is killed, or panics, leaves it: for its heir.
#[derive(Debug)]
pub(crate) struct Throwaway {
    data_dir: Option<DataDir>,
    clients: Option<FileLock>,
}

impl Throwaway {
    /// Returns its directory.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.data_dir.as_ref().map(DataDir::path)
    }

    /// Leaves the data for a client that is about to bring its server back; tells whether there is one.
    pub(crate) async fn leave_to_heirs(&mut self) -> bool {
        // Our own share first: it would be taken for a client's.
        self.clients = None;
        for _ in 0..LOOKS {
            let in_use = self
                .data_dir
                .as_ref()
                .is_some_and(|data_dir| data_dir.is_in_use().unwrap_or(false));
            if !in_use {
                return false;
            }
            // A client that was killed closes its lease a moment before its share.
            sleep(PAUSE).await;
        }
        self.data_dir.take().is_some()
    }
}

impl Drop for Throwaway {
    fn drop(&mut self) {
        if let Some(data_dir) = self.data_dir.take()
            && !std::thread::panicking()
            && let Err(error) = data_dir.remove()
        {
            tracing::warn!(%error, "throw-away data could not be removed");
        }
    }
}

/// Prepares the first start.
pub(crate) async fn prepare(plan: Plan, server_lock: Rc<FileLock>) -> Result<Prepared> {
    // The database first: a path that cannot work is told before an executable of 150 MB is hashed.
    let kept = match &plan.identity.db {
        Db::Path(path) => Some(checks::check(path)?),
        _ => None,
    };
    let templates = Templates::new(plan.locations.templates()?);
    let executable = chosen::find(&plan, &templates).await?;
    let in_use = chosen::hold(&executable, &plan).await?;
    if executable.to_str().is_none() {
        return Err(facts::unusable(
            &executable,
            "has a path that is not UTF-8",
            "move it to a path in UTF-8, or name another one by `executable=`",
        ));
    }
    let digest = facts::digest(&executable, &templates).await?;
    let facts = facts::facts(&executable, &digest, &templates).await?;
    let keys = facts::keys(&executable, &plan.identity.dynamic_config, &templates).await?;
    let (database, lock, data_dir) = match kept {
        Some(database) => {
            let lock = take_database(&database.path, &plan).await?;
            // Once more, now that nobody of ours can change it.
            (checks::check(&database.path)?, lock, None)
        }
        None => throwaway(&plan)?,
    };
    let build = Build {
        executable: &executable,
        name: facts::template_name(&executable, &digest, &facts),
        facts: &facts,
        templates: &templates,
        plan: &plan,
        server_lock: &server_lock,
    };
    let warning = fill(&database, &lock, &build).await?;
    Ok(Prepared {
        executable,
        facts,
        keys,
        database,
        data_dir,
        lock: Rc::new(lock),
        in_use,
        warning,
    })
}

/// Makes a database that is missing, and examines one that is there; returns what people should know of it.
async fn fill(database: &Database, lock: &FileLock, build: &Build<'_>) -> Result<Option<String>> {
    let path = &database.path;
    if !path.exists() {
        let template = build.get().await?;
        new::install_copy(&template, database, build.plan.umask)?;
        return Ok(None);
    }
    let inherit = vec![build.server_lock.as_fd(), lock.as_fd()];
    let warning = compatible::examine(path, path, build, inherit).await?;
    new::remove_leftover(path)?;
    if matches!(snapshot::made_by(path), Ok(Some(_))) {
        // It is none any more: the server is about to change it.
        mark::write(path, None).map_err(|error| internal(&error))?;
    }
    Ok(warning)
}

fn throwaway(plan: &Plan) -> Result<(Database, FileLock, Option<Throwaway>)> {
    let reopened = plan.data_dir.as_deref().and_then(|path| {
        let data_dir = DataDir::reopen(path).ok()?;
        let clients = data_dir.try_client().ok()??;
        Some((data_dir, clients))
    });
    let (data_dir, clients) = match reopened {
        Some(reopened) => reopened,
        None => DataDir::create(plan.locations.temp_root())?,
    };
    let path = data_dir.database();
    let lock = data_dir.try_lock_database()?;
    let lock = lock.ok_or_else(|| database_lock::in_use(&path, |inode| holder(&path, inode)))?;
    Ok((
        Database {
            path,
            kind: Kind::Throwaway,
        },
        lock,
        Some(Throwaway {
            data_dir: Some(data_dir),
            clients: Some(clients),
        }),
    ))
}

/// Takes the lock of a kept database; a server that is just dying gets a little time.
async fn take_database(path: &Path, plan: &Plan) -> Result<FileLock> {
    let began = Instant::now();
    // A lock file that is new beside a database that is not says nothing: nobody may have locked before, or it was deleted
    // under whoever has.
    let is_new = std::fs::symlink_metadata(database_lock::path(path)).is_err();
    loop {
        if let Some(lock) = database_lock::try_lock(path, plan.umask)? {
            if is_new && let Some(users) = users(path) {
                return Err(database_lock::in_use(path, |_| Some(users)));
            }
            // For people, and only as long as the lock is held; the truth is the lock.
            std::fs::write(
                database_lock::path(path),
                format!("server `{}`\n", plan.name),
            )
            .ok();
            return Ok(lock);
        }
        if began.elapsed() > PATIENCE {
            return Err(database_lock::in_use(path, |inode| holder(path, inode)));
        }
        sleep(PAUSE).await;
    }
}

/// Names who has a database open, whatever locks say.
fn users(path: &Path) -> Option<String> {
    let file = std::fs::metadata(path).ok()?;
    let users = users_of(file.dev(), file.ino());
    let users: Vec<String> = users.iter().map(|user| describe(user.pid)).collect();
    (!users.is_empty()).then(|| users.join(", "))
}

/// Names who holds the lock of a database: in its own words, and by the processes that the kernel shows.
fn holder(path: &Path, (device, inode): (u64, u64)) -> Option<String> {
    let holders = lock_holders_of(device, inode);
    let processes: Vec<String> = holders.iter().map(|holder| describe(holder.pid)).collect();
    let words = std::fs::read_to_string(database_lock::path(path)).unwrap_or_default();
    (!processes.is_empty()).then(|| {
        format!("{} {}", words.trim(), processes.join(", "))
            .trim()
            .to_owned()
    })
}

impl Prepared {
    /// Returns the descriptors that the server inherits.
    pub(crate) fn inherit<'a>(&'a self, server_lock: &'a FileLock) -> Vec<BorrowedFd<'a>> {
        let in_use = self.in_use.iter().map(FileLock::as_fd);
        let locks = [server_lock.as_fd(), self.lock.as_fd()];
        locks.into_iter().chain(in_use).collect()
    }
}
