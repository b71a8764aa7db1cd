//! The supervisor's loop: takes what happens, feeds the state machine, has its actions performed.
//!
//! Invariant: one thing at a time, on one thread. Whether anybody still wants the server is decided here and nowhere else.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use nix::sys::stat::Mode;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{sleep, timeout};

use crate::clock::{monotonic, seconds};
use crate::control::line::decode;
use crate::control::message::{Kind, LeaseRequest, PROTOCOL, Reply, Request};
use crate::error::Result;
use crate::failpoint;
use crate::lock::FileLock;
use crate::options::{Additive, Identity};
use crate::paths::{CONTROL_SOCKET, Locations, SUPERVISOR_LOCK, ServerDir};
use crate::port::Reservation;
use crate::process::identity::ProcessIdentity;
use crate::process::server::ServerProcess;
use crate::process::strays::become_subreaper;
use crate::supervisor::begin::{Ground, begin};
use crate::supervisor::complaints::Complaints;
use crate::supervisor::connection::{Connection, is_our_user};
use crate::supervisor::events::Events;
use crate::supervisor::files::Jobs;
use crate::supervisor::leases::Leases;
use crate::supervisor::plan::Plan;
use crate::supervisor::prepare::Prepared;
use crate::supervisor::private_dir::remove_private;
use crate::supervisor::state::{Input, Machine};
use crate::supervisor::{Message, internal, log};
use crate::sys::inherited_fd;
use crate::temporal::Probe;

/// Number of the connection that came with the spawn.
const FIRST: u64 = 1;

/// How long the spawner may take to say HELLO.
const PATIENCE: Duration = Duration::from_secs(10);

/// Connections without a HELLO that are kept: more than can come before the first of them is read.
const SILENT: usize = 256;

/// Everything that a supervisor knows.
pub(crate) struct Supervisor {
    pub dir: ServerDir,
    pub name: String,
    pub is_private: bool,
    pub epoch: u64,
    /// The effective options; ports, executable and version filled in.
    pub identity: Identity,
    /// All that was asked for so far.
    pub additive: Additive,
    /// What of it is known to exist.
    pub supplied: Additive,
    pub plan: Plan,
    /// Where the left-overs of other servers are still to be looked for.
    pub unswept: Option<Locations>,
    /// Where they are just looked for, and how often still.
    pub sweeping: Option<(Locations, u32)>,
    pub python: Option<PathBuf>,
    pub stop_timeout: Duration,
    /// Our share among the clients.
    pub client: Option<FileLock>,
    pub server_lock: Rc<FileLock>,
    pub listener: Option<UnixListener>,
    pub inbox: mpsc::Sender<Message>,
    pub machine: Machine,
    pub events: Events,
    pub leases: Leases,
    pub connections: BTreeMap<u64, Connection>,
    pub prepared: Option<Prepared>,
    pub server: Option<ServerProcess>,
    /// Counts the server processes, so that late news of a former one is told from news of this one.
    pub boot: u32,
    /// When the process was started, in seconds since 1970.
    pub started_at: f64,
    /// Where this process' part of the server's log begins.
    pub log_offset: u64,
    /// What it has told of its dynamic configuration since.
    pub complaints: Complaints,
    /// The ladder or the probes of the live server.
    pub watching: Option<AbortHandle>,
    /// The boot's deadline, the delay of a restart.
    pub timer: Option<AbortHandle>,
    /// The end of the linger.
    pub lingering: Option<AbortHandle>,
    pub probes: Vec<Probe>,
    pub last_failure: Rc<RefCell<Option<Probe>>>,
    /// The lease that asked for the pause, or the outage.
    pub held_by: Option<u64>,
    /// Work on the files of the database.
    pub jobs: Jobs,
    /// Who waits until the server is down.
    pub outage_waiters: Vec<u64>,
    /// The leases for which something is being added to the server.
    pub supplying: BTreeSet<u64>,
    /// Who has given up a lease, and may wait for the end.
    pub leaving: BTreeSet<u64>,
    /// Who is told the events without a lease.
    pub followers: BTreeSet<u64>,
    /// Who waits for the end of the final stop.
    pub stop_waiters: Vec<u64>,
    /// Whether the final stop's work is to be done.
    pub is_cleaning: bool,
    pub is_ended: bool,
    /// Keep the ports ours; only their lives matter.
    _ports: Vec<Reservation>,
    /// Goes last: then somebody else may begin.
    pub own_lock: FileLock,
}

/// Supervises the server of one directory until nobody wants it any more.
pub(crate) async fn run(directory: &Path, lease: i32) -> Result<()> {
    let umask = nix::sys::stat::umask(Mode::from_bits_truncate(0o077)).bits();
    let subreaper = failpoint::pass("supervisor.subreaper").and_then(|()| become_subreaper());
    subreaper.map_err(|error| internal(&error))?;
    let dir = ServerDir::at(directory)?;
    let Some(own_lock) = dir.try_exclusive(SUPERVISOR_LOCK)? else {
        return Ok(());
    };
    // As any client: so that no sweep takes a server without clients for an abandoned one, not even for an instant.
    let client = dir.try_client()?;
    // Without a log it goes on, or can tell who is there what else is wrong with the directory.
    log::install(dir.directory()).ok();
    let (inbox, mut messages) = mpsc::channel(256);
    let stream = failpoint::pass("supervisor.lease").and_then(|()| inherited_fd(lease));
    let stream = stream.and_then(|fd| {
        let stream = StdStream::from(fd);
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream)
    });
    let connection = Connection::open(
        FIRST,
        stream.map_err(|error| internal(&error))?,
        inbox.clone(),
    );
    let Ok(Some(mut request)) = timeout(PATIENCE, first_request(&mut messages)).await else {
        // Removes the directory of a private server, and refuses any other.
        remove_private(&dir, client).await.ok();
        return Ok(());
    };
    if request.private && dir.remove_given_up() {
        return Ok(());
    }
    let ground = match begin(&dir, &mut request).await {
        Ok(ground) => ground,
        Err(error) => {
            connection.send(&error.into());
            if request.private {
                remove_private(&dir, client).await.ok();
            }
            return Ok(());
        }
    };
    let mut supervisor = Supervisor::new(dir, own_lock, ground, &request, inbox, umask);
    supervisor.client = client;
    supervisor.connections.insert(FIRST, connection);
    supervisor.welcome(FIRST, PROTOCOL, Some(request));
    supervisor.step(Input::Begin);
    supervisor.look_at_files();
    supervisor.serve(&mut messages).await;
    Ok(())
}

/// Waits for the HELLO of the spawner; none if it died before.
async fn first_request(messages: &mut mpsc::Receiver<Message>) -> Option<LeaseRequest> {
    match messages.recv().await? {
        Message::Line(FIRST, Ok(line)) => match decode(&line) {
            Ok(Request::Hello(hello)) => hello.lease,
            _ => None,
        },
        _ => None,
    }
}

impl Supervisor {
    fn new(
        dir: ServerDir,
        own_lock: FileLock,
        ground: Ground,
        request: &LeaseRequest,
        inbox: mpsc::Sender<Message>,
        umask: u32,
    ) -> Self {
        let Ground {
            options,
            ports,
            server_lock,
            listener,
            epoch,
        } = ground;
        let identity = options.identity;
        let address = format!("{}:{}", identity.ip, identity.port.unwrap_or_default());
        let life = ProcessIdentity::current().map_or_else(String::new, |me| me.word());
        Self {
            name: request.name.clone(),
            is_private: request.private,
            epoch,
            plan: Plan::new(identity.clone(), request, umask),
            machine: Machine::new(address, identity.health, identity.restart),
            identity,
            additive: options.additive,
            supplied: Additive::default(),
            unswept: Some(request.locations.clone()),
            sweeping: None,
            python: request.python.clone(),
            stop_timeout: seconds(request.stop_timeout),
            client: None,
            server_lock: Rc::new(server_lock),
            listener: Some(listener),
            inbox,
            events: Events::new(life),
            leases: Leases::default(),
            connections: BTreeMap::new(),
            prepared: None,
            server: None,
            boot: 0,
            started_at: 0.0,
            log_offset: 0,
            complaints: Complaints::default(),
            watching: None,
            timer: None,
            lingering: None,
            probes: vec![],
            last_failure: Rc::default(),
            held_by: None,
            jobs: Jobs::default(),
            outage_waiters: vec![],
            supplying: BTreeSet::new(),
            leaving: BTreeSet::new(),
            followers: BTreeSet::new(),
            stop_waiters: vec![],
            is_cleaning: false,
            is_ended: false,
            _ports: ports,
            own_lock,
            dir,
        }
    }

    async fn serve(&mut self, messages: &mut mpsc::Receiver<Message>) {
        let mut last_id = FIRST;
        while !self.is_ended {
            tokio::select! {
                biased;
                () = exit_of(self.server.as_ref()) => self.server_exited().await,
                Some(message) = messages.recv() => self.take(message),
                stream = next_client(self.listener.as_ref()) => if is_our_user(&stream) {
                    last_id += 1;
                    let connection = Connection::open(last_id, stream, self.inbox.clone());
                    self.connections.insert(last_id, connection);
                    self.forget_silent();
                },
            }
            if std::mem::take(&mut self.is_cleaning) {
                let warning = self.clean_up().await;
                self.step(Input::CleanedUp(warning));
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Line(id, line) => self.line(id, line),
            Message::Disconnected(id) => self.disconnected(id),
            Message::Due(boot, input) if boot == self.boot => self.step(input),
            Message::Prepared(prepared) => self.prepared(*prepared),
            Message::Climbed(boot, climbed) if boot == self.boot => self.climbed(climbed),
            Message::BootDue(boot, began, until) if boot == self.boot => {
                self.boot_due(began, until);
            }
            Message::BootLook(boot) if boot == self.boot => self.look_at_boot(),
            Message::Probed(boot, answer) if boot == self.boot => self.probed(answer),
            Message::KillNow(boot) if boot == self.boot => self.signal(ServerProcess::kill_group),
            Message::Due(..)
            | Message::Climbed(..)
            | Message::BootDue(..)
            | Message::BootLook(_)
            | Message::Probed(..)
            | Message::KillNow(_) => {}
            Message::Supplied(id, asked, result) => self.supplied(id, &asked, result),
            Message::Overdue(id) => self.overdue(id),
            Message::Wanted => self.check_wanted(),
            Message::Answer(id, answer) => self.fulfil(id, answer),
            Message::Staged(exchange, staged) => self.staged(exchange, staged),
            Message::Exchanged(exchanged) => self.exchanged(exchanged),
            Message::Renewed(renewed) => self.renewed(renewed),
            Message::Deleted(name) => self.deleted(&name),
            Message::SweepDue => self.sweep(),
            Message::FilesDue => self.look_at_files(),
        }
    }

    /// Feeds the state machine and performs what it asks for.
    pub(crate) fn step(&mut self, input: Input) {
        for action in self.machine.step(input, monotonic(), dice()) {
            self.perform(action);
        }
        if matches!(self.machine.state(), Kind::Stopping | Kind::Stopped)
            && self.listener.take().is_some()
        {
            // Who comes from now on finds no socket and waits for our lock instead.
            self.dir.directory().remove_file(CONTROL_SOCKET).ok();
        }
        if !self.machine.is_going_down() {
            self.tell_down();
        }
        self.grant();
    }

    /// Sends a reply to one connection.
    pub(crate) fn send(&self, id: u64, reply: &Reply) {
        if let Some(connection) = self.connections.get(&id) {
            connection.send(reply);
        }
    }

    /// Drops who has said nothing for longest, when there are too many of them for others to find room: without a word, so that a
    /// client that was stopped before its HELLO takes the end for what it is, and connects again.
    fn forget_silent(&mut self) {
        let is_silent = |one: &(&u64, &Connection)| one.1.protocol.is_none();
        let mut silent = self.connections.iter().filter(is_silent).map(|(id, _)| *id);
        if let Some(oldest) = silent.next().filter(|_| silent.count() >= SILENT) {
            self.disconnected(oldest);
        }
    }

    pub(crate) fn disconnected(&mut self, id: u64) {
        self.connections.remove(&id);
        self.leaving.remove(&id);
        self.followers.remove(&id);
        self.end_lease(id);
    }

    /// Ends a lease, whatever ended it, and what hangs on it.
    pub(crate) fn end_lease(&mut self, id: u64) {
        let Some(mut held) = self.leases.end(id, monotonic()) else {
            return;
        };
        held.stop_timer();
        tracing::debug!(id, pid = held.lease.pid, "the lease has ended");
        if self.held_by == Some(id) {
            self.held_by = None;
            self.step(Input::Resume);
        }
        self.check_wanted();
    }

    /// Stops the server when nobody wants it any more.
    fn check_wanted(&mut self) {
        match self.leases.remaining(monotonic()) {
            None => {}
            Some(left) if left > 0.0 => {
                let end = self.after(seconds(left), Message::Wanted);
                if let Some(before) = self.lingering.replace(end) {
                    before.abort();
                }
            }
            Some(_) => self.step(Input::Stop("nobody uses it any more".to_owned())),
        }
    }

    /// Tells the loop something later.
    pub(crate) fn after(&self, delay: Duration, message: Message) -> AbortHandle {
        let inbox = self.inbox.clone();
        let tell = async move {
            sleep(delay).await;
            inbox.send(message).await.ok();
        };
        spawn_local(tell).abort_handle()
    }
}

async fn exit_of(server: Option<&ServerProcess>) {
    match server {
        Some(server) if server.exited().await.is_ok() => {}
        _ => std::future::pending().await,
    }
}

async fn next_client(listener: Option<&UnixListener>) -> UnixStream {
    let Some(listener) = listener else {
        return std::future::pending().await;
    };
    loop {
        let accepted = listener.accept().await;
        if let (Ok((stream, _)), Ok(())) = (accepted, failpoint::pass("supervisor.accept")) {
            return stream;
        }
        // It is of that client (it has gone again), or of us (no descriptors left): then a moment's pause.
        sleep(Duration::from_millis(10)).await;
    }
}

/// Returns a number from 0 to 1 that differs between supervisors; the jitter needs no better dice.
fn dice() -> f64 {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos());
    f64::from(nanos % 1000) / 999.0
}
