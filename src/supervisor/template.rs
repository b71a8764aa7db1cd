//! Builds the template database of an executable: a first boot under a temporary name, ended while idle.
//!
//! The fact: with `journal_mode=delete` a server that is killed while idle leaves one complete file (server-facts: 149
//! objects, integrity ok), while a kill within the first 80 ms of a boot in place leaves a half schema that looks healthy.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::OFlag;
use tokio::time::{sleep, timeout};

use crate::database::cache::{Building, Templates};
use crate::database::mark::{self, Mark, Version};
use crate::database::sqlite::{Answer, Operation, SqliteHelper, parse};
use crate::database::{beside, refusal};
use crate::error::{Error, Problem, Result};
use crate::executable::{Facts, Keys};
use crate::lock::FileLock;
use crate::options::{Additive, Identity};
use crate::port::{self, Reservation};
use crate::process::oneshot;
use crate::process::server::{Exit, ServerCommand, ServerProcess};
use crate::process::strays::{STRAYS, reap_strays};
use crate::supervisor::command_line::{Durability, Ports, arguments};
use crate::supervisor::environment::environment;
use crate::supervisor::internal;
use crate::supervisor::log::tail;
use crate::supervisor::orphan::PAUSE;
use crate::supervisor::plan::Plan;
use crate::temporal::wait_until_ready;

/// How long a first boot may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a helper child may work on a database.
const SQLITE_PATIENCE: Duration = Duration::from_secs(60);

/// Name of the log of the boot, in the directory of templates.
const LOG: &str = "template.log";

/// What a template is built from.
pub(crate) struct Build<'a> {
    pub executable: &'a Path,
    /// Its digest, or that of what is behind it.
    pub name: String,
    pub facts: &'a Facts,
    pub templates: &'a Templates,
    pub plan: &'a Plan,
    /// Inherited by the server that builds it: what a kill leaves of it is found by that.
    pub server_lock: &'a FileLock,
}

impl Build<'_> {
    /// Returns the template, built where there is none yet; one process builds, the others wait.
    pub(crate) async fn get(&self) -> Result<PathBuf> {
        let name = &*self.name;
        loop {
            if let Some(path) = self.templates.find(name) {
                return Ok(path);
            }
            let Some(building) = self.templates.try_build(name)? else {
                sleep(PAUSE).await;
                continue;
            };
            if let Some(path) = building.finished() {
                return Ok(path.to_owned());
            }
            tracing::info!(executable = %self.executable.display(), "building the template database");
            self.boot(&building).await?;
            check(&building, self.plan).await?;
            let made = (Mark::Made, Version::of(&self.facts.version));
            mark::write(&building.new_path(), Some(made)).map_err(|error| internal(&error))?;
            return building.adopt();
        }
    }

    async fn boot(&self, building: &Building) -> Result<()> {
        let reservations = reserve(self.plan).await?;
        let [grpc, http, metrics] = reservations.each_ref().map(Reservation::port);
        let ports = Ports {
            grpc,
            http,
            metrics,
            ui: None,
        };
        let database = building.new_path();
        let flags = OFlag::O_CREAT | OFlag::O_RDWR | OFlag::O_APPEND | OFlag::O_TRUNC;
        let log = self.templates.directory().open_file(LOG, flags);
        let log = log.map_err(|error| internal(&error))?;
        let command = ServerCommand {
            program: self.executable,
            args: arguments(
                &Identity::default(),
                &Additive::default(),
                ports,
                &database,
                Durability::Building,
                self.facts,
                &Keys::default(),
            ),
            env: environment("template"),
            log: &log,
            inherit: vec![self.server_lock.as_fd()],
            umask: 0o077,
        };
        let mut server = ServerProcess::spawn(&command).map_err(|error| internal(&error))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, grpc));
        let is_ready = is_complete(&server, address, &database).await;
        server.kill_group();
        server.exited().await.map_err(|error| internal(&error))?;
        let exit = server.reap();
        // Where the executable is a script, the server is a child of it.
        timeout(STRAYS, reap_strays(&[])).await.ok();
        if is_ready {
            return Ok(());
        }
        let log_tail = tail(self.templates.directory(), LOG, 0);
        let what = "its first boot, for a template database";
        let problem = Problem::ended(what, &exit.unwrap_or(Exit::Unknown)).said(&log_tail);
        let by_hand = "try the executable by hand, or name another one by `executable=`";
        Err(Error::ServerExited {
            remedy: problem.remedy(by_hand),
            exit: problem.to_string(),
            log_tail,
        })
    }
}

/// Tells whether the server became ready; then it is stopped, and its file complete.
async fn is_complete(server: &ServerProcess, address: SocketAddr, database: &Path) -> bool {
    let ready = timeout(PATIENCE, wait_until_ready(address, &[], |_| ()));
    let is_ready = tokio::select! {
        _ = server.exited() => false,
        ready = ready => ready.is_ok(),
    };
    if is_ready {
        let stopped = between_transactions(server, database);
        timeout(PATIENCE, stopped).await.ok();
    }
    is_ready
}

/// Stops the server at a moment when its file is complete: a ready server still writes now and then.
async fn between_transactions(server: &ServerProcess, database: &Path) {
    let journal = beside(database, "-journal");
    loop {
        server.pause();
        // Its threads stop one by one; nobody tells when the last one has.
        sleep(PAUSE).await;
        if !journal.exists() {
            return;
        }
        server.resume();
        sleep(PAUSE).await;
    }
}

async fn reserve(plan: &Plan) -> Result<[Reservation; 3]> {
    let locks = plan.locations.ports()?;
    let reserve = |role| port::reserve(Ipv4Addr::LOCALHOST, None, role, locks.path());
    Ok([
        reserve("port").await?,
        reserve("http_port").await?,
        reserve("metrics_port").await?,
    ])
}

/// Has the finished file examined, where there is an interpreter for it.
async fn check(building: &Building, plan: &Plan) -> Result<()> {
    let path = building.new_path();
    let Some(python) = &plan.python else {
        return Ok(());
    };
    let answer = sqlite(python, Operation::Check, &path, vec![]).await?;
    match answer {
        Answer::Checked { objects, problems } if objects > 0 && problems.is_empty() => Ok(()),
        answer => Err(internal(&format!(
            "the template database is not complete: {answer:?}"
        ))),
    }
}

/// Works on a database in a short-lived child that dies with us and holds the given locks.
pub(crate) async fn sqlite(
    python: &Path,
    operation: Operation<'_>,
    path: &Path,
    inherit: Vec<BorrowedFd<'_>>,
) -> Result<Answer> {
    let mut argv = SqliteHelper::python(python).command(operation, path);
    let program = PathBuf::from(argv.remove(0));
    let env = environment("sqlite");
    match oneshot::run(&program, argv, env, inherit, SQLITE_PATIENCE).await {
        Ok((_, text)) => parse(path, text.as_bytes()),
        Err(error) => {
            let what = format!("the interpreter {} cannot be run", program.display());
            let remedy = "put the interpreter back, or restart the program that holds the server";
            Err(refusal(path, Problem::of_spawn(what, &error), remedy))
        }
    }
}
