//! What launch and verbs do to the world, one effect each: the directory's locks, its socket and state, processes, the clock.
//!
//! Invariant: each of these is atomic for everybody else (the kernel sees to that), and all that happens between two
//! processes happens through them. So the protocol can be explored in every order with a world that is a model.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use nix::sys::signal::Signal;

use crate::control::message::Request;
use crate::error::{Error, Problem, Result};
use crate::failpoint;
use crate::lock::FileLock;
use crate::paths::{CONTROL_SOCKET, ServerDir};
use crate::process::detach::{environment, spawn_detached};
use crate::process::holders::lock_holders_of;
use crate::process::identity::ProcessIdentity;
use crate::session::link::{Connected, Link, Received};
use crate::session::registered::Registered;
use crate::session::wait::Wait;
use crate::state_file::State;

/// The world around the server of one directory.
pub(crate) trait Site {
    /// A connection to a supervisor.
    type Link;
    /// A lock that is held.
    type Lock;

    /// Tells the time.
    fn now(&self) -> Instant;
    /// Tries to connect to the control socket.
    fn connect(&mut self) -> Result<Connected<Self::Link>>;
    /// Tries to take a lock alone.
    fn try_lock(&mut self, name: &'static str) -> Result<Option<Self::Lock>>;
    /// Reads the state file.
    fn state(&self) -> State;
    /// Writes into the state file that this life was stopped.
    fn remember_stop(&mut self, epoch: u64) -> Result<()>;
    /// Starts a supervisor, to which this was said already.
    fn spawn(&mut self, hello: &Request) -> Result<Self::Link>;
    /// Says something.
    fn send(&mut self, link: &mut Self::Link, request: &Request);
    /// Takes what was answered.
    fn receive(&mut self, link: &mut Self::Link) -> Received;
    /// Returns what to wait for.
    fn wait(&self, link: &Self::Link, until: impl Into<Option<Instant>>) -> Wait;
    /// Signals the supervisor on the other side.
    fn signal(&mut self, link: &Self::Link, signal: Signal);
    /// Returns who holds a lock.
    fn holders(&self, name: &'static str) -> Vec<ProcessIdentity>;
}

/// How to make a supervisor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Launcher {
    /// Program and arguments; the directory and the lease's descriptor are appended.
    pub argv: Vec<OsString>,
    /// Added to its environment.
    pub environment: Vec<(OsString, OsString)>,
}

/// The real one.
#[derive(Debug)]
pub(crate) struct ServerSite {
    pub dir: Arc<ServerDir>,
    pub launcher: Launcher,
}

impl Site for ServerSite {
    type Link = Link;
    type Lock = Registered<FileLock>;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn connect(&mut self) -> Result<Connected<Link>> {
        Link::connect(&self.dir)
            .map_err(|error| self.dir.directory().failure(CONTROL_SOCKET, &error))
    }

    fn try_lock(&mut self, name: &'static str) -> Result<Option<Self::Lock>> {
        Ok(self.dir.try_exclusive(name)?.map(Registered::new))
    }

    fn state(&self) -> State {
        State::read(self.dir.directory())
    }

    fn remember_stop(&mut self, epoch: u64) -> Result<()> {
        State::remember_stop(self.dir.directory(), epoch).map(drop)
    }

    fn spawn(&mut self, hello: &Request) -> Result<Link> {
        self.try_spawn(hello).map_err(|error| {
            let problem = Problem::of_spawn("the supervisor cannot be started", &error);
            let remedy = problem.remedy("see that this interpreter can still be run");
            // Processes, descriptors and memory come back; an interpreter does not.
            let is_gone = matches!(
                error.kind(),
                ErrorKind::NotFound | ErrorKind::PermissionDenied
            );
            Error::Supervisor {
                reason: problem.to_string(),
                remedy,
                may_pass: !is_gone,
            }
        })
    }

    fn send(&mut self, link: &mut Link, request: &Request) {
        link.send(request);
    }

    fn receive(&mut self, link: &mut Link) -> Received {
        link.receive()
    }

    fn wait(&self, link: &Link, until: impl Into<Option<Instant>>) -> Wait {
        link.wait(until.into())
    }

    fn signal(&mut self, link: &Link, with: Signal) {
        signal(link.supervisor().as_ref(), with);
    }

    fn holders(&self, name: &'static str) -> Vec<ProcessIdentity> {
        let inode = self.dir.directory().inode(name);
        inode.map_or_else(|_| vec![], |(device, inode)| lock_holders_of(device, inode))
    }
}

impl ServerSite {
    fn try_spawn(&self, hello: &Request) -> std::io::Result<Link> {
        failpoint::pass("launch.pair")?;
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = Registered::new(theirs);
        ours.set_nonblocking(true)?;
        let mut link = Link::to_a_child(ours, &theirs);
        let mut argv = self.launcher.argv.clone();
        argv.push(self.dir.path().into());
        argv.push(theirs.as_raw_fd().to_string().into());
        failpoint::pass("launch.hello")?;
        link.send(hello);
        // Of a name that is there twice, the first value would win.
        let added = &self.launcher.environment;
        let is_kept = |(name, _): &(OsString, OsString)| added.iter().all(|(own, _)| own != name);
        let inherited = environment().into_iter().filter(is_kept);
        let env: Vec<_> = inherited.chain(added.iter().cloned()).collect();
        spawn_detached(&argv, &env, &[theirs.as_raw_fd()])?;
        Ok(link)
    }
}

/// Signals a supervisor, unless a debugger has it.
pub(crate) fn signal(supervisor: Option<&ProcessIdentity>, signal: Signal) {
    if let Some(supervisor) = supervisor.filter(|supervisor| !supervisor.is_traced()) {
        supervisor.signal(signal).ok();
    }
}
