//! The ladder from "something listens" to "it can do the work".
//!
//! Invariant: the climb is done when every rung holds, and the last probe of one that failed is the lowest rung that does not. Health
//! alone proves little: a server whose tables are gone still calls itself SERVING.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Display;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use super::grpc::Connection;
use super::pace::Pace;
use super::proto::{self, DEFAULT_NAMESPACE, ServingStatus};
use super::status::{RpcError, Status};

/// The workflow id and task queue that probes ask for; nobody else has them.
const PROBE: &str = "temporal-devserver-probe";
/// How long the first climb may take before it is begun anew; each further one has twice as long, up to [`PATIENCE`].
const FIRST_PATIENCE: Duration = Duration::from_secs(1);
/// The longest a climb may take: a merely slow server must get through in the end.
const PATIENCE: Duration = Duration::from_secs(16);

/// What a probe looks at, from the bottom up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// The process lives and is ours.
    Process,
    /// The port is listened on, by our process.
    Port,
    /// gRPC health says SERVING.
    Health,
    /// The database is read, and the namespace is in it.
    Namespace,
    /// The history service answers.
    History,
    /// The matching service answers.
    Matching,
    /// The visibility store answers.
    Visibility,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{self:?}").to_lowercase())
    }
}

/// One question to the server and how it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// What was looked at.
    pub layer: Layer,
    /// How long the answer took, in seconds.
    pub latency: f64,
    /// What went wrong; absent when all is well.
    pub error: Option<String>,
}

/// All probes of a climb: `Ok` when every one went well, else `Err` and the last one has the error.
pub type Climb = Result<Vec<Probe>, Vec<Probe>>;

/// Asks what tells a living server from a sick one: the database and the history service.
///
/// No answer within `limit` is a failure of the layer that was asked last.
pub async fn liveness(connection: &Connection, namespace: &str, limit: Duration) -> Climb {
    let ladder = Ladder::new(connection);
    if timeout(limit, ladder.liveness(namespace)).await.is_err() {
        ladder.late(limit);
    }
    ladder.climb()
}

/// Climbs the ladder again and again until the server is ready; tells every failure on the way.
///
/// There is no deadline: the caller drops the future. One connection is kept for all climbs.
pub async fn wait_until_ready(
    address: SocketAddr,
    namespaces: &[String],
    mut on_failure: impl FnMut(&Probe),
) -> (Connection, Vec<Probe>) {
    let (mut pace, mut patience, mut reached) = (Pace::new(), FIRST_PATIENCE, Layer::Process);
    let mut open = None;
    loop {
        let connection = match open.take() {
            Some(connection) => Ok(connection),
            None => connect(address).await,
        };
        let failure = match connection {
            Err(failure) => failure,
            Ok(connection) => {
                let ladder = Ladder::new(&connection);
                if timeout(patience, ladder.readiness(namespaces))
                    .await
                    .is_err()
                {
                    ladder.late(patience);
                    patience = PATIENCE.min(patience * 2);
                }
                match ladder.climb() {
                    Ok(probes) => return (connection, probes),
                    Err(mut probes) => {
                        open = Some(connection);
                        probes.pop().expect("a failed climb ends with its failure")
                    }
                }
            }
        };
        on_failure(&failure);
        // It moves: look again soon.
        if failure.layer > reached {
            (reached, pace) = (failure.layer, Pace::new());
        }
        pace.pause().await;
    }
}

/// Tells whether what listens there answers as a Temporal server does, ours or not; no answer within `limit` is a no.
pub(crate) async fn is_temporal(address: SocketAddr, limit: Duration) -> bool {
    let asked = async {
        let connection = Connection::open(address).await?;
        described(&connection, DEFAULT_NAMESPACE).await
    };
    match timeout(limit, asked).await {
        Ok(Ok(())) => true,
        // One that has no such namespace, or does not tell everybody.
        Ok(Err(error)) => [
            Status::NOT_FOUND,
            Status::PERMISSION_DENIED,
            Status::UNAUTHENTICATED,
        ]
        .iter()
        .any(|status| error.is(*status)),
        Err(_) => false,
    }
}

async fn connect(address: SocketAddr) -> Result<Connection, Probe> {
    let began = Instant::now();
    let connection = match timeout(PATIENCE, Connection::open(address)).await {
        Ok(connection) => connection.map_err(|error| error.to_string()),
        Err(_) => Err(format!("cannot connect within {} s", PATIENCE.as_secs())),
    };
    connection.map_err(|error| Probe {
        layer: Layer::Port,
        latency: began.elapsed().as_secs_f64(),
        error: Some(error),
    })
}

/// One climb. It is state, not a future's local, so that what was reached is known when the climb is cancelled.
struct Ladder<'a> {
    connection: &'a Connection,
    answered: RefCell<Vec<Probe>>,
    /// The questions that are on their way.
    asking: RefCell<BTreeMap<Layer, Instant>>,
}

impl<'a> Ladder<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            answered: RefCell::default(),
            asking: RefCell::default(),
        }
    }

    /// Health first; then all at once, for each service warms up by itself when it is first asked.
    async fn readiness(&self, namespaces: &[String]) {
        if !self.ask(Layer::Health, health(self.connection)).await {
            return;
        }
        let first = namespaces.first().map_or(DEFAULT_NAMESPACE, String::as_str);
        let described = async {
            for namespace in namespaces {
                if !self
                    .ask(Layer::Namespace, described(self.connection, namespace))
                    .await
                {
                    break;
                }
            }
        };
        tokio::join!(
            described,
            self.ask(Layer::History, history(self.connection, first)),
            self.ask(Layer::Matching, matching(self.connection, first)),
            self.ask(Layer::Visibility, visibility(self.connection, first)),
        );
    }

    async fn liveness(&self, namespace: &str) {
        if self
            .ask(Layer::Namespace, described(self.connection, namespace))
            .await
        {
            self.ask(Layer::History, history(self.connection, namespace))
                .await;
        }
    }

    /// Asks one question; tells whether all is well.
    async fn ask(
        &self,
        layer: Layer,
        question: impl Future<Output = Result<(), impl Display>>,
    ) -> bool {
        self.asking.borrow_mut().insert(layer, Instant::now());
        let outcome = question.await;
        let is_well = outcome.is_ok();
        self.note(layer, outcome.err().map(|error| error.to_string()));
        is_well
    }

    /// Notes that the questions on their way were given up; the lowest layer is to blame.
    fn late(&self, limit: Duration) {
        let lowest = self.asking.borrow().keys().next().copied();
        let seconds = (limit.as_secs_f64() * 1000.0).round() / 1000.0;
        let error = format!("no answer within {seconds} s");
        self.note(lowest.unwrap_or(Layer::Health), Some(error));
    }

    fn note(&self, layer: Layer, error: Option<String>) {
        let since = self.asking.borrow_mut().remove(&layer);
        let latency = since.map_or(0.0, |since| since.elapsed().as_secs_f64());
        self.answered.borrow_mut().push(Probe {
            layer,
            latency,
            error,
        });
    }

    /// Returns what was answered, from the bottom up; it ends with the lowest failure.
    fn climb(self) -> Climb {
        let mut probes = self.answered.into_inner();
        probes.sort_by_key(|probe| probe.layer);
        match probes.iter().position(|probe| probe.error.is_some()) {
            Some(failure) => {
                probes.truncate(failure + 1);
                Err(probes)
            }
            None => Ok(probes),
        }
    }
}

async fn health(connection: &Connection) -> Result<(), String> {
    let request = proto::HealthCheckRequest::default();
    match connection.unary(proto::HEALTH_CHECK, &request).await {
        Ok(proto::HealthCheckResponse { status }) if status == ServingStatus::Serving as i32 => {
            Ok(())
        }
        Ok(answer) => Err(format!(
            "the server says it is {}",
            in_words(answer.status())
        )),
        Err(error) => Err(error.to_string()),
    }
}

fn in_words(status: ServingStatus) -> &'static str {
    match status {
        ServingStatus::Unknown => "UNKNOWN",
        ServingStatus::Serving => "SERVING",
        ServingStatus::NotServing => "NOT_SERVING",
        ServingStatus::ServiceUnknown => "SERVICE_UNKNOWN",
    }
}

/// Asks for a namespace; the answer is read from the database, past every cache.
pub(super) async fn described(connection: &Connection, namespace: &str) -> Result<(), RpcError> {
    let request = proto::DescribeNamespaceRequest {
        namespace: namespace.to_owned(),
    };
    let answer = connection.unary(proto::DESCRIBE_NAMESPACE, &request).await;
    answer.map(|proto::Empty {}| ())
}

/// Asks history for a workflow that does not exist: that it does not is the answer of a healthy server.
///
/// "Not found" may also mean the namespace, which the other services see later than the database does.
pub(super) async fn history(connection: &Connection, namespace: &str) -> Result<(), RpcError> {
    let request = proto::DescribeWorkflowRequest {
        namespace: namespace.to_owned(),
        execution: Some(proto::WorkflowExecution {
            workflow_id: PROBE.to_owned(),
        }),
    };
    match connection.unary(proto::DESCRIBE_WORKFLOW, &request).await {
        Err(error) if error.is(Status::NOT_FOUND) && !error.message.starts_with("Namespace") => {
            Ok(())
        }
        answer => answer.map(|proto::Empty {}| ()),
    }
}

async fn matching(connection: &Connection, namespace: &str) -> Result<(), RpcError> {
    let request = proto::DescribeTaskQueueRequest {
        namespace: namespace.to_owned(),
        task_queue: Some(proto::TaskQueue {
            name: PROBE.to_owned(),
        }),
        task_queue_type: 1,
    };
    let answer = connection.unary(proto::DESCRIBE_TASK_QUEUE, &request).await;
    answer.map(|proto::Empty {}| ())
}

async fn visibility(connection: &Connection, namespace: &str) -> Result<(), RpcError> {
    let request = proto::CountWorkflowsRequest {
        namespace: namespace.to_owned(),
        query: String::new(),
    };
    let answer = connection.unary(proto::COUNT_WORKFLOWS, &request).await;
    answer.map(|proto::CountWorkflowsResponse { .. }| ())
}
