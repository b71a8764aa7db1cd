//! The parts of the fake server, and its life from start to end.
//!
//! Invariant: one thread, one runtime. Whatever ends the server ends the one `select!` in [`live`], so no fault can leave
//! half of it running.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

pub(crate) mod arguments;
pub(crate) mod misbehaviour;
mod ports;
mod service;
mod sqlite;
mod wire;

use arguments::Options;
use misbehaviour::{Group, Misbehaviour};
use service::Service;

/// Runs the server until something ends it; `Err` is what it says when it cannot start.
pub(crate) fn run(options: Options) -> Result<ExitCode, String> {
    let misbehaviour = Misbehaviour::from_environment()?;
    if let Some(text) = &misbehaviour.print {
        complain(text);
    }
    if let Some(code) = at_once(&misbehaviour)? {
        return Ok(code);
    }
    if let Some(group) = misbehaviour.fork {
        fork(group)?;
    }
    if misbehaviour.spam > 0 {
        let megabytes = misbehaviour.spam;
        std::thread::spawn(move || spam(megabytes));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(live(options, misbehaviour))
}

/// Ends at once where that was asked for.
fn at_once(misbehaviour: &Misbehaviour) -> Result<Option<ExitCode>, String> {
    if let Some((times, counter)) = &misbehaviour.crash_times {
        let open = OpenOptions::new().create(true).append(true).open(counter);
        let mut counter = open.map_err(|error| error.to_string())?;
        let deaths = counter.metadata().map_err(|error| error.to_string())?.len();
        if deaths < *times {
            counter.write_all(b"+").map_err(|error| error.to_string())?;
            complain("panic: crash asked for by crash_times");
            return Ok(Some(ExitCode::FAILURE));
        }
    }
    Ok(misbehaviour.exit_at_once.map(ExitCode::from))
}

/// Fills the log.
fn spam(megabytes: usize) {
    let line = [&[b'x'; 1023][..], b"\n"].concat();
    for _ in 0..megabytes * 1024 {
        drop(io::stderr().write_all(&line));
    }
    complain("the spam is over");
}

/// Starts a process that outlives us, as a wrapper script would.
fn fork(group: Group) -> Result<(), String> {
    let mut command = Command::new("sleep");
    command.arg("300");
    if group == Group::Other {
        command.process_group(0);
    }
    let child = command.spawn().map_err(|error| error.to_string())?;
    complain(&format!("forked {}", child.id()));
    Ok(())
}

async fn live(options: Options, misbehaviour: Misbehaviour) -> Result<ExitCode, String> {
    // First of all, so that no signal finds the default action.
    let mut ends = Ends::listen().map_err(|error| error.to_string())?;
    let ports = ports::bind(&options)?;
    let database = options.database.as_deref().map(open_database).transpose()?;
    let misbehaviour = Arc::new(misbehaviour);
    let serving = async {
        sleep(misbehaviour.ready_after).await;
        let listeners = ports.listen()?;
        let banner = format!("Temporal Server:      localhost:{}\n", options.port);
        drop(io::stdout().write_all(banner.as_bytes()));
        let service = Arc::new(Service::new(&options, Arc::clone(&misbehaviour)));
        serve(listeners, service).await
    };
    let code = tokio::select! {
        code = ends.next(&misbehaviour) => Ok(code),
        error = serving => Err(error.err().unwrap_or_default()),
    };
    drop(database);
    code
}

/// Serves gRPC on the first listener and something that looks alive on the others.
async fn serve(listeners: Vec<TcpListener>, service: Arc<Service>) -> Result<(), String> {
    let mut listeners = listeners.into_iter();
    let grpc = listeners.next().ok_or("no gRPC port")?;
    for other in listeners {
        tokio::spawn(wire::serve_http(other));
    }
    let ended = wire::serve_grpc(grpc, service).await;
    Err(ended.to_string())
}

/// What ends the server.
struct Ends {
    terminate: [tokio::signal::unix::Signal; 3],
}

impl Ends {
    fn listen() -> io::Result<Self> {
        let terminate = [
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        ];
        Ok(Self { terminate })
    }

    async fn next(&mut self, misbehaviour: &Misbehaviour) -> ExitCode {
        tokio::select! {
            () = self.told(misbehaviour) => ExitCode::SUCCESS,
            code = after(misbehaviour) => code,
            () = file_appears(misbehaviour.exit_if_file.as_deref()) => ExitCode::FAILURE,
        }
    }

    /// The real one stops gracefully on each of these signals.
    async fn told(&mut self, misbehaviour: &Misbehaviour) {
        loop {
            let [term, int, hup] = &mut self.terminate;
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {}, _ = hup.recv() => {} }
            if !misbehaviour.ignore_term {
                return sleep(misbehaviour.stop_takes).await;
            }
        }
    }
}

async fn after(misbehaviour: &Misbehaviour) -> ExitCode {
    match misbehaviour.exit_after {
        Some((time, code)) => {
            sleep(time).await;
            ExitCode::from(code)
        }
        None => std::future::pending().await,
    }
}

async fn file_appears(path: Option<&Path>) {
    let Some(path) = path else {
        return std::future::pending().await;
    };
    while !path.exists() {
        sleep(Duration::from_millis(5)).await;
    }
}

/// Opens the database as the real one does: its directory must be there, the file need not.
fn open_database(path: &Path) -> Result<File, String> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    if let Err(error) = std::fs::metadata(directory) {
        let directory = directory.display();
        return Err(format!(
            "failed starting server: failed checking dir for database file: stat {directory}: {error}"
        ));
    }
    sqlite::open(path).map_err(|error| format!("failed starting server: {error}"))
}

fn complain(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
