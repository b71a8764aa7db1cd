//! Ports kept for one server across its restarts.
//!
//! A bound, never listening socket with `SO_REUSEADDR` reserves a port: the server (which sets that option, too) can still
//! listen on it, `bind(0)` hands it to nobody, and who connects is refused. Between our own supervisors such a bind excludes
//! nothing, so each port has a lock file. It is never unlinked: at most 65,535 empty files, and no race to think about.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::net::Ipv4Addr;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep};

use crate::directory::refusal;
use crate::error::{Error, Problem, Result};
use crate::failpoint;
use crate::paths::STATE_DIR;
use crate::process::holders::lock_holders_of;
use crate::process::identity::{ProcessIdentity, describe};
use crate::process::listeners::listener_of;

/// How long a taken port is tried again: a killed server needs a moment to die.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long the same living holder must be seen before it counts as no dying one.
const SETTLED: Duration = Duration::from_millis(250);

/// Between two tries; nothing in the kernel tells when a port becomes free.
const PAUSE: Duration = Duration::from_millis(50);

/// Any port; that of the discard protocol.
const DISCARD: u16 = 9;

/// Free ports that were locked by another of our supervisors before we give up; each try gets a different one.
const DRAWS: usize = 64;

/// A port that is ours for as long as this lives.
#[derive(Debug)]
#[must_use]
pub struct Reservation {
    port: u16,
    _socket: TcpSocket,
    _lock: File,
}

impl Reservation {
    /// Returns the reserved port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// What one try came to.
#[derive(Debug)]
pub enum Attempt {
    /// The port is ours.
    Reserved(Reservation),
    /// Somebody has the port.
    Busy {
        /// The port.
        port: u16,
        /// Who has it, for people.
        holder: String,
        /// Who has it, where it can be told.
        process: Option<ProcessIdentity>,
    },
}

/// Reserves the port, or one that the kernel picks. A taken port is tried again for up to 2 s, but not where a living holder
/// is identified: that is an error which names it.
///
/// `role` is the option it is for; `locks` the directory of the lock files, which all our supervisors share.
pub async fn reserve(
    ip: Ipv4Addr,
    port: Option<u16>,
    role: &str,
    locks: &Path,
) -> Result<Reservation> {
    let began = Instant::now();
    let mut seen: Option<(ProcessIdentity, Instant)> = None;
    loop {
        let (port, holder, process) = match try_reserve(ip, port, role, locks)? {
            Attempt::Reserved(reservation) => return Ok(reservation),
            Attempt::Busy {
                port,
                holder,
                process,
            } => (port, holder, process),
        };
        let now = Instant::now();
        seen = process.map(|process| match seen.take() {
            Some((known, since)) if known == process => (known, since),
            _ => (process, now),
        });
        let settled = seen
            .as_ref()
            .is_some_and(|(_, since)| now - *since >= SETTLED);
        if settled || now - began >= PATIENCE {
            let role = role.to_owned();
            return Err(Error::PortInUse { port, role, holder });
        }
        sleep(PAUSE).await;
    }
}

/// Tries once, without waiting.
pub fn try_reserve(ip: Ipv4Addr, port: Option<u16>, role: &str, locks: &Path) -> Result<Attempt> {
    match port {
        Some(0) => Err(config(
            role,
            "0 is no port",
            "leave it out to get a free one",
        )),
        Some(port) => try_this(ip, port, role, locks),
        None => try_any(ip, role, locks),
    }
}

/// Lock first, so that two of our supervisors never both get as far as the bind.
fn try_this(ip: Ipv4Addr, port: u16, role: &str, locks: &Path) -> Result<Attempt> {
    let lock = match lock(port, locks)? {
        Ok(lock) => lock,
        Err(process) => return Ok(locked(port, process)),
    };
    match bound(ip, port) {
        Ok((socket, port)) => Ok(Attempt::Reserved(Reservation {
            port,
            _socket: socket,
            _lock: lock,
        })),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(listened(port)),
        Err(error) => Err(refused(ip, port, role, &error)),
    }
}

/// The kernel's choice is bound by nobody; it may be locked by a supervisor that is about to bind it.
fn try_any(ip: Ipv4Addr, role: &str, locks: &Path) -> Result<Attempt> {
    // Kept bound until the end, so that the kernel picks another one each time.
    let mut refused_draws = Vec::new();
    loop {
        let (socket, port) = bound(ip, 0).map_err(|error| refused(ip, 0, role, &error))?;
        match lock(port, locks)? {
            Ok(lock) => {
                return Ok(Attempt::Reserved(Reservation {
                    port,
                    _socket: socket,
                    _lock: lock,
                }));
            }
            Err(process) if refused_draws.len() >= DRAWS => return Ok(locked(port, process)),
            Err(_) => refused_draws.push(socket),
        }
    }
}

/// Takes the port's lock; the inner error is who holds it, where that can be told.
fn lock(port: u16, locks: &Path) -> Result<Result<File, Option<ProcessIdentity>>> {
    let path = locks.join(format!("{port}.lock"));
    let open = || {
        failpoint::pass("port.lock")?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(locks)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(0o600);
        options.custom_flags(libc::O_NOFOLLOW).open(&path)
    };
    let unusable = |error: io::Error| {
        let what = format!("cannot lock `{}`", path.display());
        refusal(locks, Problem::of(what, &error), STATE_DIR)
    };
    let file = open().map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(Ok(file)),
        Err(TryLockError::WouldBlock) => {
            let meta = file.metadata().map_err(unusable)?;
            let mut holders = lock_holders_of(meta.dev(), meta.ino());
            Ok(Err(holders.pop()))
        }
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// Binds a reserving socket; returns it with its port.
fn bound(ip: Ipv4Addr, port: u16) -> io::Result<(TcpSocket, u16)> {
    failpoint::pass("port.bind")?;
    let socket = TcpSocket::new_v4()?;
    // Before the bind: the kernel remembers for the port whether all who bound it agreed to share.
    socket.set_reuseaddr(true)?;
    socket.bind((ip, port).into())?;
    let port = socket.local_addr()?.port();
    Ok((socket, port))
}

fn locked(port: u16, process: Option<ProcessIdentity>) -> Attempt {
    let who = "another temporal-devserver supervisor";
    let holder = match &process {
        Some(process) => format!("{who}, {}", describe(process.pid)),
        None => who.to_owned(),
    };
    Attempt::Busy {
        port,
        holder,
        process,
    }
}

fn listened(port: u16) -> Attempt {
    let (holder, process) = match listener_of(port) {
        Some(listener) => (listener.description, listener.process),
        None => ("a socket that does not listen".to_owned(), None),
    };
    Attempt::Busy {
        port,
        holder,
        process,
    }
}

/// Says why the kernel refuses an address that nobody has.
fn refused(ip: Ipv4Addr, port: u16, role: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::PermissionDenied if port > 0 && port < first_free_for_all() => config(
            role,
            &format!("port {port} is only for privileged processes"),
            &format!("choose one from {} on", first_free_for_all()),
        ),
        io::ErrorKind::AddrNotAvailable if ip.is_loopback() => loopback_is_down(),
        io::ErrorKind::AddrNotAvailable => config(
            "ip",
            &format!("{ip} is no address of this machine"),
            "use 127.0.0.1",
        ),
        io::ErrorKind::AddrInUse => Error::Supervisor {
            reason: format!("no port is left for `{role}`: the kernel finds none that is free"),
            remedy: "end programs that have many connections, or widen `sysctl net.ipv4.ip_local_port_range`".to_owned(),
            may_pass: true,
        },
        _ => {
            let what = format!("cannot bind {ip}:{port} for `{role}`");
            let problem = Problem::of(what, error);
            let remedy = problem.remedy("look at what restricts this process (seccomp, a security module)");
            Error::supervisor(problem.to_string(), remedy)
        }
    }
}

/// Checks that 127.0.0.1 can be reached: the inner services of a server use it, whatever address the server listens on.
///
/// The fact: to connect a UDP socket asks the kernel for a route, and sends nothing.
pub(crate) fn check_loopback() -> Result<()> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    let reached = socket.and_then(|socket| socket.connect((Ipv4Addr::LOCALHOST, DISCARD)));
    match reached.map_err(|error| error.kind()) {
        Err(io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable) => {
            Err(loopback_is_down())
        }
        // Whatever else is wrong is told by what needs it.
        _ => Ok(()),
    }
}

/// A fresh network namespace has `lo`, and it is down: then no route leads to 127.0.0.1.
fn loopback_is_down() -> Error {
    Error::supervisor(
        "127.0.0.1 cannot be reached: the loopback interface `lo` is down in this network namespace",
        "bring it up with `ip link set lo up`",
    )
}

/// Returns the first port that unprivileged processes may have.
fn first_free_for_all() -> u16 {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024)
}

fn config(option: &str, problem: &str, remedy: &str) -> Error {
    Error::Config {
        option: option.to_owned(),
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    }
}
