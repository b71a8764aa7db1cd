//! The first steps of a supervisor: it is told what to supervise, clears the ground, reserves the ports, opens its socket.
//!
//! Invariant: nothing is touched before `supervisor.lock` is ours and somebody has asked for a lease; a spawner that dies
//! before its HELLO leaves nothing.

use std::os::unix::net::UnixListener as StdListener;
use std::path::PathBuf;

use nix::sys::stat::Mode;
use tokio::net::UnixListener;

use crate::control::message::LeaseRequest;
use crate::data_dir::DataDir;
use crate::directory::Directory;
use crate::disposable::CLIENTS_LOCK;
use crate::error::Result;
use crate::failpoint;
use crate::lock::FileLock;
use crate::options::{Additive, Identity, Options};
use crate::paths::{CONTROL_SOCKET, SERVER_LOCK, ServerDir};
use crate::port::{self, Reservation};
use crate::process::holders::lock_holders_of;
use crate::state_file::{Hints, State};
use crate::supervisor::{internal, orphan};

/// What a supervisor has once it can answer its first HELLO.
#[derive(Debug)]
pub(crate) struct Ground {
    /// Options of the first lease, ports filled in.
    pub options: Options,
    /// Keeps the ports ours.
    pub ports: Vec<Reservation>,
    /// Held by us and inherited by the server.
    pub server_lock: FileLock,
    /// Where clients connect.
    pub listener: UnixListener,
    /// Number of this life.
    pub epoch: u64,
}

/// Clears the ground for the server that the first lease asks for.
pub(crate) async fn begin(dir: &ServerDir, request: &mut LeaseRequest) -> Result<Ground> {
    let mut options = Options::parse_over(request.defaults.clone(), &request.options)?;
    if request.data_dir.is_none() {
        request.data_dir = inherit(dir, request.pid, &mut options);
    }
    let server_lock = orphan::take_lock(dir, SERVER_LOCK).await?;
    let locks = request.locations.ports()?;
    let ports = reserve(&mut options.identity, &locks).await?;
    let epoch = State::begin_epoch(dir.directory())?.epoch;
    if request.data_dir.is_some() {
        // Its clients count on it, also if this life ends before the server is spawned.
        let hints = Hints {
            data_dir: request.data_dir.clone(),
            configuration: serde_json::to_value((&options.identity, &options.additive)).ok(),
            ..Hints::default()
        };
        State::write_hints(dir.directory(), epoch, hints).ok();
    }
    let listener = listen(dir)?;
    Ok(Ground {
        options,
        ports,
        server_lock,
        listener,
        epoch,
    })
}

/// Takes over the configuration of a killed predecessor whose clients still live, and returns its throw-away data.
///
/// They are about to bring the same server back: it must be the same, too, if somebody else is faster. The file is only a
/// hint: without it the newcomer gets a new server, and the others are refused.
fn inherit(dir: &ServerDir, newcomer: i32, options: &mut Options) -> Option<PathBuf> {
    let state = State::read(dir.directory());
    if state.is_stopped(state.epoch) {
        return None;
    }
    let (identity, additive): (Identity, Additive) =
        serde_json::from_value(state.hints.configuration?).ok()?;
    let is_in_use = match &state.hints.data_dir {
        Some(path) => DataDir::reopen(path).ok()?.is_in_use().ok()?,
        None => {
            // Held by those who were granted a lease: not by who waits for us, nor by another newcomer.
            let (device, inode) = dir.directory().inode(CLIENTS_LOCK).ok()?;
            let holders = lock_holders_of(device, inode);
            holders.iter().any(|holder| holder.pid != newcomer)
        }
    };
    if !is_in_use || !options.differences(&identity).is_empty() {
        return None;
    }
    options.pin(identity, &additive);
    state.hints.data_dir
}

/// Reserves every port of the server; those that were not pinned are chosen now and stay for this life and its heirs.
async fn reserve(identity: &mut Identity, locks: &Directory) -> Result<Vec<Reservation>> {
    port::check_loopback()?;
    let ip = identity.ip;
    let mut reserved = vec![];
    let Identity {
        port,
        http_port,
        metrics_port,
        ui_port,
        ui,
        ..
    } = identity;
    let mut wanted = vec![
        (port, "port"),
        (http_port, "http_port"),
        (metrics_port, "metrics_port"),
    ];
    if *ui {
        wanted.push((ui_port, "ui_port"));
    }
    for (port, role) in wanted {
        let reservation = port::reserve(ip, *port, role, locks.path()).await?;
        *port = Some(reservation.port());
        reserved.push(reservation);
    }
    Ok(reserved)
}

/// Binds the control socket; what lies there is of a dead supervisor, for we hold its lock.
pub(crate) fn listen(dir: &ServerDir) -> Result<UnixListener> {
    dir.directory().remove_file(CONTROL_SOCKET).ok();
    let umask = nix::sys::stat::umask(Mode::from_bits_truncate(0o177));
    let bound =
        failpoint::pass("socket.bind").and_then(|()| StdListener::bind(dir.socket_address()));
    nix::sys::stat::umask(umask);
    let listener = bound.and_then(|listener| {
        failpoint::pass("socket.listen")?;
        listener.set_nonblocking(true)?;
        UnixListener::from_std(listener)
    });
    listener.map_err(|error| internal(&error))
}
