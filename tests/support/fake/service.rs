//! What the fake server answers: namespaces and search attributes in memory, no workflow ever.
//!
//! Invariant: the statuses and the order in which a request is examined are those of the real server.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use prost::Message;
use temporal_devserver::temporal::proto::{
    ADD_SEARCH_ATTRIBUTES, AddSearchAttributesRequest, COUNT_WORKFLOWS, CountWorkflowsRequest,
    CountWorkflowsResponse, DELETE_NAMESPACE, DESCRIBE_NAMESPACE, DESCRIBE_TASK_QUEUE,
    DESCRIBE_WORKFLOW, DeleteNamespaceRequest, DescribeNamespaceRequest, DescribeNamespaceResponse,
    DescribeTaskQueueRequest, DescribeWorkflowRequest, HEALTH_CHECK, HealthCheckResponse,
    LIST_NAMESPACES, LIST_SEARCH_ATTRIBUTES, ListNamespacesResponse, ListSearchAttributesRequest,
    ListSearchAttributesResponse, NamespaceInfo, NamespaceState, REGISTER_NAMESPACE,
    RegisterNamespaceRequest, ServingStatus,
};

use super::arguments::Options;
use super::misbehaviour::Misbehaviour;

const INVALID_ARGUMENT: u32 = 3;
const NOT_FOUND: u32 = 5;
const ALREADY_EXISTS: u32 = 6;
const FAILED_PRECONDITION: u32 = 9;
const UNIMPLEMENTED: u32 = 12;
const INTERNAL: u32 = 13;

/// The namespace that no user may delete.
const SYSTEM: &str = "temporal-system";

/// What goes back to a client.
pub(crate) enum Answer {
    /// The bytes of a message.
    Message(Vec<u8>),
    /// A gRPC status and a text.
    Refusal(u32, String),
}

/// What the server knows: namespaces, and for each its search attributes.
type Namespaces = BTreeMap<String, HashMap<String, i32>>;

/// The server behind the wire.
pub(crate) struct Service {
    namespaces: Mutex<Namespaces>,
    misbehaviour: Arc<Misbehaviour>,
}

impl Service {
    /// Makes a server with the namespaces asked for, `default` and its own.
    pub(crate) fn new(options: &Options, misbehaviour: Arc<Misbehaviour>) -> Self {
        let asked = options.namespaces.iter().map(String::as_str);
        let all = asked.chain(["default", SYSTEM]);
        let namespaces = all.map(|name| (name.to_owned(), HashMap::new())).collect();
        Self {
            namespaces: Mutex::new(namespaces),
            misbehaviour,
        }
    }

    /// Tells whether requests get no answer now.
    pub(crate) fn hangs(&self) -> bool {
        self.misbehaviour.hangs()
    }

    /// Answers one request.
    pub(crate) fn answer(&self, path: &str, request: &[u8]) -> Answer {
        if path == HEALTH_CHECK {
            let serving = if self.misbehaviour.never_ready {
                ServingStatus::NotServing
            } else {
                ServingStatus::Serving
            };
            let status = serving as i32;
            return Answer::Message(HealthCheckResponse { status }.encode_to_vec());
        }
        if self.misbehaviour.lost_database() {
            return Answer::Refusal(INTERNAL, "no such table: namespaces".to_owned());
        }
        let mut namespaces = self
            .namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let answer = route(&mut namespaces, path, request);
        answer.map_or_else(
            |(status, text)| Answer::Refusal(status, text),
            Answer::Message,
        )
    }
}

type Outcome = Result<Vec<u8>, (u32, String)>;

fn route(namespaces: &mut Namespaces, path: &str, request: &[u8]) -> Outcome {
    match path {
        REGISTER_NAMESPACE => register(namespaces, decoded(request)?),
        DESCRIBE_NAMESPACE => {
            let DescribeNamespaceRequest { namespace } = decoded(request)?;
            found(namespaces, &namespace)?;
            Ok(described(namespace).encode_to_vec())
        }
        LIST_NAMESPACES => {
            let all = namespaces.keys().cloned().map(described).collect();
            let answer = ListNamespacesResponse {
                namespaces: all,
                next_page_token: Vec::new(),
            };
            Ok(answer.encode_to_vec())
        }
        DESCRIBE_WORKFLOW => {
            let request: DescribeWorkflowRequest = decoded(request)?;
            found(namespaces, &request.namespace)?;
            let id = request.execution.unwrap_or_default().workflow_id;
            Err((NOT_FOUND, format!("workflow not found for ID: {id}")))
        }
        DESCRIBE_TASK_QUEUE => {
            let request: DescribeTaskQueueRequest = decoded(request)?;
            found(namespaces, &request.namespace)?;
            Ok(Vec::new())
        }
        COUNT_WORKFLOWS => {
            let request: CountWorkflowsRequest = decoded(request)?;
            found(namespaces, &request.namespace)?;
            Ok(CountWorkflowsResponse { count: 0 }.encode_to_vec())
        }
        ADD_SEARCH_ATTRIBUTES => add_attributes(namespaces, decoded(request)?),
        LIST_SEARCH_ATTRIBUTES => {
            let ListSearchAttributesRequest { namespace } = decoded(request)?;
            let answer = ListSearchAttributesResponse {
                custom_attributes: found(namespaces, &namespace)?.clone(),
                system_attributes: HashMap::from([("StartTime".to_owned(), 6)]),
            };
            Ok(answer.encode_to_vec())
        }
        DELETE_NAMESPACE => delete(
            namespaces,
            &decoded::<DeleteNamespaceRequest>(request)?.namespace,
        ),
        _ => {
            let service = path
                .trim_start_matches('/')
                .split('/')
                .next()
                .unwrap_or(path);
            Err((UNIMPLEMENTED, format!("unknown service {service}")))
        }
    }
}

fn register(namespaces: &mut Namespaces, request: RegisterNamespaceRequest) -> Outcome {
    let retention = request
        .workflow_execution_retention_period
        .unwrap_or_default();
    if retention.seconds < 3600 {
        return invalid("A valid retention period is not set on request.");
    }
    if request.namespace.is_empty() {
        return invalid("Namespace not set on request.");
    }
    let name = request.namespace;
    if namespaces.contains_key(&name) {
        return Err((
            ALREADY_EXISTS,
            format!("Namespace \"{name}\" already exists"),
        ));
    }
    namespaces.insert(name, HashMap::new());
    Ok(Vec::new())
}

fn add_attributes(namespaces: &mut Namespaces, request: AddSearchAttributesRequest) -> Outcome {
    let present = found(namespaces, &request.namespace)?;
    for name in request.search_attributes.keys() {
        if present.contains_key(name) {
            let text = format!("Search attribute {name} already exists.");
            return Err((ALREADY_EXISTS, text));
        }
    }
    present.extend(request.search_attributes);
    Ok(Vec::new())
}

fn delete(namespaces: &mut Namespaces, name: &str) -> Outcome {
    if name == SYSTEM {
        let text = "unable to delete system namespace".to_owned();
        return Err((FAILED_PRECONDITION, text));
    }
    found(namespaces, name)?;
    namespaces.remove(name);
    Ok(Vec::new())
}

fn found<'a>(
    namespaces: &'a mut Namespaces,
    name: &str,
) -> Result<&'a mut HashMap<String, i32>, (u32, String)> {
    let found = namespaces.get_mut(name);
    found.ok_or_else(|| (NOT_FOUND, format!("Namespace {name} is not found.")))
}

fn described(name: String) -> DescribeNamespaceResponse {
    let info = NamespaceInfo {
        name,
        state: NamespaceState::Registered as i32,
    };
    DescribeNamespaceResponse {
        namespace_info: Some(info),
        config: None,
    }
}

fn decoded<M: Message + Default>(request: &[u8]) -> Result<M, (u32, String)> {
    M::decode(request).map_err(|error| (INTERNAL, error.to_string()))
}

fn invalid(text: &str) -> Outcome {
    Err((INVALID_ARGUMENT, text.to_owned()))
}
