//! One life of the server's process, from its spawn until it is ready or out of time.

use std::time::{Duration, Instant};

use tokio::task::spawn_local;

use crate::clock::unix_now;
use crate::database::Kind as DatabaseKind;
use crate::error::{Error, Problem, Result};
use crate::failpoint;
use crate::paths::{SERVER_LOG, SUPERVISOR_LOG};
use crate::process::killed::killed;
use crate::process::server::{ServerCommand, ServerProcess};
use crate::supervisor::command_line::{Durability, Ports, arguments};
use crate::supervisor::drive::Supervisor;
use crate::supervisor::environment::environment;
use crate::supervisor::rotation::{rotate, size};
use crate::supervisor::state::Input;
use crate::supervisor::watch::{self, Climbed, SLACK, Subject};
use crate::supervisor::{Message, internal, log};

/// How long a boot may take when nobody waits for it.
const BOOT: Duration = Duration::from_secs(60);

/// Between two looks at a server that boots.
const LOOK: Duration = Duration::from_secs(1);

/// How long a boot may take at least, however little patience those have who wait.
const SHORTEST: Duration = Duration::from_secs(10);

impl Supervisor {
    /// Starts the server's process; all that it needs is prepared.
    pub(crate) fn spawn(&mut self) {
        match self.try_spawn() {
            Ok(server) => {
                let pid = server.pid();
                self.server = Some(server);
                self.boot += 1;
                self.started_at = unix_now();
                self.look_after(pid);
                self.step(Input::Spawned(pid));
                // While it boots, which costs nobody any time, and before anybody can count on it.
                self.write_hints();
            }
            Err(error) => {
                tracing::warn!(%error, "the server could not be spawned");
                self.step(Input::SpawnFailed(error));
            }
        }
    }

    fn try_spawn(&mut self) -> Result<ServerProcess> {
        let Some(prepared) = &self.prepared else {
            return Err(internal(
                &"it was to spawn a server before all was prepared",
            ));
        };
        rotate(self.dir.directory(), SUPERVISOR_LOG);
        let log = log::open(self.dir.directory(), SERVER_LOG)?;
        self.log_offset = size(self.dir.directory(), SERVER_LOG);
        self.complaints.begin(self.log_offset);
        let durability = match prepared.database.kind {
            DatabaseKind::Throwaway => Durability::Throwaway,
            DatabaseKind::Kept => Durability::Kept,
        };
        let port = Option::unwrap_or_default;
        let ports = Ports {
            grpc: port(self.identity.port),
            http: port(self.identity.http_port),
            metrics: port(self.identity.metrics_port),
            ui: self.identity.ui_port,
        };
        let (path, facts) = (&prepared.database.path, &prepared.facts);
        let keys = &prepared.keys;
        let command = ServerCommand {
            program: &prepared.executable,
            args: arguments(
                &self.identity,
                &self.additive,
                ports,
                path,
                durability,
                facts,
                keys,
            ),
            env: environment(self.events.identity()),
            log: &log,
            inherit: prepared.inherit(&self.server_lock),
            umask: self.plan.umask,
        };
        tracing::debug!(program = ?command.program, arguments = ?command.args, "the server is spawned");
        ServerProcess::spawn(&command).map_err(|error| {
            let program = prepared.executable.display();
            let problem = Problem::of_spawn(format_args!("{program} cannot be run"), &error);
            let look =
                "put that file back as it was, or start anew with another one (`executable=`)";
            Error::Start {
                remedy: problem.remedy(look),
                reason: problem.to_string(),
                log_tail: vec![],
            }
        })
    }

    /// Climbs the readiness ladder of a new process, within the boot's time.
    fn look_after(&mut self, pid: i32) {
        let subject = self.subject(pid);
        let climb = watch::climb(subject, self.last_failure.clone(), self.inbox.clone());
        self.watching = Some(spawn_local(climb).abort_handle());
        self.limit_boot(Instant::now(), self.patience());
        self.after(LOOK, Message::BootLook(self.boot));
    }

    /// Lets a server go on that somebody has stopped while it boots: no probe looks at it yet.
    pub(crate) fn look_at_boot(&mut self) {
        if !self.machine.is_booting() {
            return;
        }
        if self.server.as_ref().is_some_and(ServerProcess::is_stopped) {
            tracing::warn!("the server was stopped while it boots; it is told to go on");
            self.signal(ServerProcess::resume);
        }
        self.after(LOOK, Message::BootLook(self.boot));
    }

    /// Returns how long a boot may take: a server that hangs while it boots is replaced while somebody still waits for it.
    fn patience(&self) -> Duration {
        self.leases
            .longest_start()
            .map_or(BOOT, |longest| longest.max(SHORTEST))
    }

    /// Sets the deadline of the boot that began then.
    fn limit_boot(&mut self, began: Instant, limit: Duration) {
        let until = Instant::now() + limit;
        self.timer = Some(self.after(limit, Message::BootDue(self.boot, began, until)));
    }

    /// The boot's time is over, unless it was not the server that took it: a debugger, or a machine that stood still.
    pub(crate) fn boot_due(&mut self, began: Instant, until: Instant) {
        let traced = self.server.as_ref().is_some_and(ServerProcess::is_traced);
        let limit = self.patience();
        let left = limit.saturating_sub(began.elapsed());
        if traced || until.elapsed() > SLACK {
            self.limit_boot(began, limit);
        } else if !left.is_zero() {
            // Somebody has come who allows for more.
            self.limit_boot(began, left);
        } else {
            self.step(Input::BootTimedOut);
        }
    }

    /// Returns what is to be looked at.
    pub(crate) fn subject(&self, pid: i32) -> Subject {
        Subject {
            boot: self.boot,
            pid,
            ip: self.identity.ip,
            port: self.identity.port.unwrap_or_default(),
            additive: self.additive.clone(),
        }
    }

    /// Has it told at once what kills the server. Not earlier: while it boots, its threads are still to come.
    fn await_kill(&self) {
        let Some(server) = &self.server else {
            return;
        };
        let (process, boot) = (server.identity().clone(), self.boot);
        let inbox = self.inbox.clone();
        spawn_local(async move {
            if let Some(exit) = killed(&process).await {
                let told = Message::Due(boot, Input::Killed(exit));
                inbox.send(told).await.ok();
            }
        });
    }

    /// Takes the good news of the ladder; from now on the server is probed.
    pub(crate) fn climbed(&mut self, climbed: Climbed) {
        self.probes = climbed.probes;
        self.supplied = self.additive.clone();
        if !climbed.has_attributes {
            // Each lease that asks for them is told why they cannot be had.
            self.supplied.search_attributes.clear();
        }
        self.forget_timers();
        self.probe(Some(climbed.connection));
        self.await_kill();
        failpoint::pass("supervisor.ready").ok();
        self.look_at_config();
        self.step(Input::Ready);
        self.write_hints();
        self.begin_to_sweep();
    }
}
