//! Temporal servers, fake and real, started by the test itself.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use temporal_devserver::temporal::{Connection, probe};

use crate::support::{LONG, Process};

/// Returns the fake server.
pub(crate) fn fake_temporal() -> PathBuf {
    example("fake_temporal")
}

/// Returns an example, built by `cargo test` (or `cargo build --examples`) beside this binary.
pub(crate) fn example(name: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.ancestors().nth(2).unwrap().join("examples").join(name);
    assert!(path.is_file(), "run `cargo build --examples` first");
    path
}

/// Returns the real server; tests that need it fail without it.
pub(crate) fn real_temporal() -> PathBuf {
    let given = std::env::var_os("TEMPORAL_DEVSERVER_TEST_EXECUTABLE").map(PathBuf::from);
    let bundled = || Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/temporal");
    let real = given.unwrap_or_else(bundled);
    assert!(
        real.is_file(),
        "there is no real server at {}: run `make setup`",
        real.display()
    );
    real
}

/// Returns a port that nobody listens on, each time another one.
///
/// It lies below the range from which the kernel hands out ports: in there, the three internal ports of any server that
/// starts meanwhile, or any connection, may take it before it is used.
pub(crate) fn free_port() -> u16 {
    static GIVEN: AtomicU16 = AtomicU16::new(0);
    let ours = u16::try_from(std::process::id() % 1000).unwrap() * 12;
    loop {
        let next = GIVEN.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (ours + next) % 12_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A running server (real or fake) on ports of its own.
pub(crate) struct TestServer {
    pub(crate) process: Process,
    pub(crate) ports: Ports,
}

/// The four ports of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) grpc: u16,
    pub(crate) http: u16,
    pub(crate) metrics: u16,
    pub(crate) ui: u16,
}

impl Ports {
    /// Picks four free ones.
    pub(crate) fn free() -> Self {
        Self {
            grpc: free_port(),
            http: free_port(),
            metrics: free_port(),
            ui: free_port(),
        }
    }

    /// Returns the arguments that start a server on them, as the supervisor gives them.
    pub(crate) fn arguments(self) -> Vec<String> {
        let mut arguments: Vec<String> = ["server", "start-dev", "--ip", "127.0.0.1"]
            .map(String::from)
            .into();
        for (flag, port) in [
            ("--port", self.grpc),
            ("--http-port", self.http),
            ("--metrics-port", self.metrics),
            ("--ui-port", self.ui),
        ] {
            arguments.extend([flag.to_owned(), port.to_string()]);
        }
        arguments
    }
}

impl TestServer {
    /// Starts a server with further arguments and, for the fake one, misbehaviour.
    pub(crate) fn start(executable: &Path, further: &[&str], misbehaviour: &str) -> Self {
        let ports = Ports::free();
        let further = further.iter().map(|text| (*text).to_owned());
        let arguments = ports.arguments().into_iter().chain(further);
        let process = Process::start(executable, arguments, &[("FAKE_TEMPORAL", misbehaviour)]);
        Self { process, ports }
    }

    /// Returns the address of its gRPC port.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.grpc))
    }

    /// Waits until it is ready with these namespaces, and returns the connection.
    pub(crate) async fn ready(&self, namespaces: &[String]) -> Connection {
        let wait = probe::wait_until_ready(self.address(), namespaces, |_| ());
        let Ok((connection, _)) = tokio::time::timeout(LONG, wait).await else {
            panic!("it never became ready: {}", self.process.stderr());
        };
        connection
    }

    /// Waits until it is ready, outside of a runtime.
    pub(crate) fn wait_until_ready(&self) {
        drop(on_runtime(self.ready(&[])));
    }
}

/// Runs asynchronous work as the supervisor does: on one thread.
pub(crate) fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(work)
}
