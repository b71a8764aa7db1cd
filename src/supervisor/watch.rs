//! Looks after a live server: climbs the readiness ladder once, then probes it at intervals.
//!
//! Invariant: a stalled clock is not a sick server. A sleep or a time-out that ends much later than it was due means that
//! *we* did not run (suspend, SIGSTOP, starved CPU); the answer of that period is thrown away.

use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::clock::seconds;
use crate::error::Result;
use crate::options::{Additive, Health};
use crate::process::listeners::is_owned_by_tree;
use crate::supervisor::{Message, unanswered};
use crate::temporal::proto::DEFAULT_NAMESPACE;
use crate::temporal::{
    Climb, Connection, Layer, Probe, liveness, namespaces, reconcile, wait_until_ready,
};

/// How much later than due we may run before we count as stalled.
pub(crate) const SLACK: Duration = Duration::from_secs(1);

/// How long a server that serves may refuse the search attributes before it counts as ready without them.
const ATTRIBUTES: Duration = Duration::from_secs(1);

/// What a liveness probe came to.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The layers asked.
    pub climb: Climb,
    /// Whether we did not run in time, so that a failure proves nothing.
    pub stalled: bool,
}

/// The readiness ladder, climbed.
#[derive(Debug)]
pub(crate) struct Climbed {
    /// The layers asked.
    pub probes: Vec<Probe>,
    /// To go on with.
    pub connection: Connection,
    /// Whether the search attributes asked for exist.
    pub has_attributes: bool,
}

/// The server to look at.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// Number of the boot.
    pub boot: u32,
    /// Its process.
    pub pid: i32,
    /// The address it was told to listen on.
    pub ip: Ipv4Addr,
    /// Its gRPC port.
    pub port: u16,
    /// What must exist before it counts as ready.
    pub additive: Additive,
}

impl Subject {
    /// Returns the address that reaches it from here.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

/// Climbs the readiness ladder until it is climbed; the last failure is left in `failure`.
pub(crate) async fn climb(
    subject: Subject,
    failure: Rc<RefCell<Option<Probe>>>,
    inbox: mpsc::Sender<Message>,
) {
    let note = |probe: Probe| *failure.borrow_mut() = Some(probe);
    let asked = &subject.additive;
    let mut serving_since = None;
    loop {
        let mut proof = None;
        let (connection, mut probes) =
            wait_until_ready(subject.address(), &asked.namespaces, |probe| {
                // As soon as something listens: it takes 10 ms, in which the server gets on with its boot.
                if probe.layer > Layer::Port && proof.is_none() {
                    proof = Some(port_probe(&subject)).filter(|port| port.error.is_none());
                }
                note(probe.clone());
            })
            .await;
        let port = proof.unwrap_or_else(|| port_probe(&subject));
        if port.error.is_some() {
            note(port);
            sleep(Duration::from_millis(50)).await;
            continue;
        }
        probes.insert(0, port);
        let supplied = attributes(&connection, asked).await;
        let since = *serving_since.get_or_insert_with(Instant::now);
        if let Err(error) = &supplied
            && since.elapsed() < ATTRIBUTES
        {
            let error = Some(error.to_string());
            note(Probe {
                layer: Layer::Visibility,
                latency: 0.0,
                error,
            });
            sleep(Duration::from_millis(50)).await;
            continue;
        }
        failure.borrow_mut().take();
        let climbed = Climbed {
            probes,
            connection,
            has_attributes: supplied.is_ok(),
        };
        let climbed = Message::Climbed(subject.boot, climbed);
        inbox.send(climbed).await.ok();
        return;
    }
}

/// Looks whether what listens on the server's port is the server. Once it is, it stays so for the life of the process.
fn port_probe(subject: &Subject) -> Probe {
    let began = Instant::now();
    let ours = is_owned_by_tree(subject.ip, subject.port, subject.pid);
    let port = subject.port;
    let error = (!ours).then(|| format!("port {port} is answered by a process that is not ours"));
    Probe {
        layer: Layer::Port,
        latency: began.elapsed().as_secs_f64(),
        error,
    }
}

/// Makes the search attributes exist in every namespace asked for.
async fn attributes(connection: &Connection, asked: &Additive) -> Result<()> {
    let first = std::iter::once(DEFAULT_NAMESPACE);
    for namespace in first.chain(asked.namespaces.iter().map(String::as_str)) {
        attributes_of(connection, namespace, asked).await?;
    }
    Ok(())
}

/// Makes the search attributes exist in one namespace.
pub(crate) async fn attributes_of(
    connection: &Connection,
    namespace: &str,
    asked: &Additive,
) -> Result<()> {
    if asked.search_attributes.is_empty() {
        return Ok(());
    }
    reconcile(connection, namespace, &asked.search_attributes).await
}

/// Makes what a lease asked for exist in a running server.
pub(crate) async fn supply(address: SocketAddr, asked: &Additive, all: &Additive) -> Result<()> {
    let connection = connect(address).await?;
    for namespace in &asked.namespaces {
        namespaces::create(&connection, namespace, None).await?;
    }
    attributes(&connection, all).await
}

/// Opens a connection for one verb.
pub(crate) async fn connect(address: SocketAddr) -> Result<Connection> {
    let opened = Connection::open(address).await;
    opened.map_err(unanswered)
}

/// Probes the server at intervals, for ever; on this connection as long as it serves.
pub(crate) async fn probe(
    subject: Subject,
    health: Health,
    mut kept: Option<Connection>,
    inbox: mpsc::Sender<Message>,
) {
    let interval = seconds(health.interval);
    let limit = seconds(health.timeout);
    loop {
        let due = Instant::now() + interval;
        sleep(interval).await;
        let late = due.elapsed() > SLACK;
        let due = Instant::now() + limit;
        let connection = match kept.take() {
            Some(connection) => Ok(connection),
            None => reopen(subject.address(), limit).await,
        };
        let climb = match connection {
            Ok(connection) => {
                let climb = liveness(
                    &connection,
                    DEFAULT_NAMESPACE,
                    due.saturating_duration_since(Instant::now()),
                )
                .await;
                kept = climb.is_ok().then_some(connection);
                climb
            }
            Err(probe) => Err(vec![probe]),
        };
        let stalled = late || due.elapsed() > SLACK;
        let (Ok(probes) | Err(probes)) = &climb;
        for Probe {
            layer,
            latency,
            error,
        } in probes
        {
            let error = error.as_deref().unwrap_or("none");
            tracing::debug!(boot = subject.boot, %layer, latency, error, stalled, "probed");
        }
        if inbox
            .send(Message::Probed(subject.boot, Answer { climb, stalled }))
            .await
            .is_err()
        {
            return;
        }
    }
}

async fn reopen(address: SocketAddr, limit: Duration) -> Result<Connection, Probe> {
    let began = Instant::now();
    let error = match timeout(limit, Connection::open(address)).await {
        Ok(Ok(connection)) => return Ok(connection),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no connection within {} s", limit.as_secs_f64()),
    };
    Err(Probe {
        layer: Layer::Port,
        latency: began.elapsed().as_secs_f64(),
        error: Some(error),
    })
}
