//! The fake server is only worth something as long as it does what the real one does: the same observations of both.
//!
//! Invariant: an observation is a sentence and what was seen, without ports, times and versions, so that both can be
//! compared as text; what the real server must show is asserted too, so that both being wrong is seen.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;

use nix::sys::signal::Signal;
use prost::Message;
use temporal_devserver::temporal::proto::{
    COUNT_WORKFLOWS, CountWorkflowsRequest, DELETE_NAMESPACE, DESCRIBE_NAMESPACE,
    DESCRIBE_TASK_QUEUE, DESCRIBE_WORKFLOW, DeleteNamespaceRequest, DescribeNamespaceRequest,
    DescribeTaskQueueRequest, DescribeWorkflowRequest, Duration, Empty, HEALTH_CHECK,
    HealthCheckRequest, LIST_SEARCH_ATTRIBUTES, ListSearchAttributesRequest, REGISTER_NAMESPACE,
    RegisterNamespaceRequest, TaskQueue, WorkflowExecution,
};
use temporal_devserver::temporal::{Connection, probe};

use tokio::net::TcpSocket;

use crate::support::{
    LONG, Ports, Process, TestDir, TestServer, eventually, fake_temporal, on_runtime, real_temporal,
};

/// What was seen, by what was done.
type Observations = BTreeMap<String, String>;

/// Compares what both servers show, and returns it.
#[track_caller]
fn alike(observe: impl Fn(&Path) -> Observations) -> Observations {
    let real = observe(&real_temporal());
    let fake = observe(&fake_temporal());
    assert_eq!(fake, real, "the fake (left) differs from the real server");
    real
}

#[test]
fn it_climbs_the_ladder_in_the_same_order() {
    let seen = alike(|executable| {
        let server = TestServer::start(executable, &["--namespace", "orders"], "");
        let namespaces = ["default".to_owned(), "orders".to_owned()];
        let (_, probes) = on_runtime(async {
            let wait = probe::wait_until_ready(server.address(), &namespaces, |_| {});
            tokio::time::timeout(LONG, wait).await.unwrap()
        });
        let order: Vec<_> = probes.iter().map(|probe| probe.layer).collect();
        Observations::from([("climb".into(), format!("{order:?}"))])
    });
    assert_eq!(
        seen["climb"],
        "[Health, Namespace, Namespace, History, Matching, Visibility]"
    );
}

/// Asks one thing and tells the status, and the text of a refusal.
async fn ask(
    seen: &mut Observations,
    connection: &Connection,
    what: &str,
    path: &str,
    request: impl Message,
) {
    let answer = connection.unary::<_, Empty>(path, &request).await;
    let text = answer.map_or_else(|error| error.to_string(), |_| "OK".to_owned());
    seen.insert(what.to_owned(), text);
}

fn registration(namespace: &str, seconds: i64) -> RegisterNamespaceRequest {
    RegisterNamespaceRequest {
        namespace: namespace.to_owned(),
        description: String::new(),
        workflow_execution_retention_period: Some(Duration { seconds, nanos: 0 }),
    }
}

async fn ask_everything(connection: &Connection) -> Observations {
    let mut seen = Observations::new();
    let c = connection;
    let s = &mut seen;
    let health = HealthCheckRequest::default();
    ask(s, c, "health", HEALTH_CHECK, health).await;
    ask(s, c, "no such service", "/none/Such", Empty {}).await;
    for namespace in ["default", "orders", "unknown"] {
        let name = || namespace.to_owned();
        let what = |what: &str| format!("{what} in {namespace}");
        let request = DescribeNamespaceRequest { namespace: name() };
        ask(s, c, &what("describe"), DESCRIBE_NAMESPACE, request).await;
        let workflow_id = "unknown".to_owned();
        let request = DescribeWorkflowRequest {
            namespace: name(),
            execution: Some(WorkflowExecution { workflow_id }),
        };
        ask(s, c, &what("workflow"), DESCRIBE_WORKFLOW, request).await;
        let request = DescribeTaskQueueRequest {
            namespace: name(),
            task_queue: Some(TaskQueue {
                name: "q".to_owned(),
            }),
            task_queue_type: 1,
        };
        ask(s, c, &what("queue"), DESCRIBE_TASK_QUEUE, request).await;
        let request = CountWorkflowsRequest {
            namespace: name(),
            query: String::new(),
        };
        ask(s, c, &what("count"), COUNT_WORKFLOWS, request).await;
        let request = ListSearchAttributesRequest { namespace: name() };
        ask(s, c, &what("attributes"), LIST_SEARCH_ATTRIBUTES, request).await;
    }
    let path = REGISTER_NAMESPACE;
    ask(s, c, "register", path, registration("new", 86400)).await;
    ask(s, c, "register twice", path, registration("new", 86400)).await;
    ask(s, c, "register for a minute", path, registration("x", 60)).await;
    ask(s, c, "register no name", path, registration("", 86400)).await;
    for (what, namespace) in [
        ("delete", "new"),
        ("delete unknown", "unknown"),
        ("delete the server's own", "temporal-system"),
    ] {
        let namespace = namespace.to_owned();
        let request = DeleteNamespaceRequest { namespace };
        ask(s, c, what, DELETE_NAMESPACE, request).await;
    }
    seen
}

#[test]
fn it_answers_with_the_same_statuses() {
    let seen = alike(|executable| {
        let server = TestServer::start(executable, &["--namespace", "orders"], "");
        let namespaces = ["default".to_owned(), "orders".to_owned()];
        on_runtime(async {
            let connection = server.ready(&namespaces).await;
            ask_everything(&connection).await
        })
    });
    let status = |what: &str| seen[what].split(':').next().unwrap();
    assert_eq!(status("health"), "OK");
    assert_eq!(status("describe in unknown"), "NOT_FOUND");
    assert_eq!(status("workflow in default"), "NOT_FOUND");
    assert_eq!(status("register twice"), "ALREADY_EXISTS");
}

#[test]
fn it_tells_its_version_in_the_same_form() {
    let seen = alike(|executable| {
        let mut process = Process::start(executable, ["--version"], &[]);
        let status = process.wait().to_string();
        let mut form = process.stdout();
        form.retain(|c| !c.is_ascii_digit());
        Observations::from([("exit".into(), status), ("form".into(), form)])
    });
    assert_eq!(seen["form"], "temporal version .. (Server .., UI ..)\n");
}

#[test]
fn it_refuses_the_same_flags() {
    let seen = alike(|executable| {
        let mut seen = Observations::new();
        for flags in [
            &["--bogus"][..],
            &["--port", "many"],
            &["--port"],
            &["--log-level", "loud"],
            &["--db-filename", "/nowhere/x.db"],
        ] {
            let arguments = ["server", "start-dev"].iter().chain(flags);
            let mut process = Process::start(executable, arguments, &[]);
            let status = process.wait();
            let mut text = process.stderr();
            // The system's own words for "no such file" differ in Go and Rust.
            text.make_ascii_lowercase();
            let text = text.replace(" (os error 2)", "");
            seen.insert(flags.join(" "), format!("{status}: {text}"));
        }
        seen
    });
    assert!(seen["--bogus"].starts_with("exit status: 1: error: unknown flag: --bogus"));
}

#[test]
fn it_names_the_port_that_is_taken() {
    let seen = alike(|executable| {
        let mut seen = Observations::new();
        for (role, at) in [("grpc", 0), ("http", 1), ("metrics", 2), ("ui", 3)] {
            let ports = Ports::free();
            let port = [ports.grpc, ports.http, ports.metrics, ports.ui][at];
            let _holder = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
            let mut process = Process::start(executable, ports.arguments(), &[]);
            let status = process.wait();
            let text = process.stderr().replace(&port.to_string(), "PORT");
            seen.insert(role.into(), format!("{status}: {text}"));
        }
        seen
    });
    assert!(seen["grpc"].starts_with("exit status: 1"), "{seen:?}");
    assert!(seen["grpc"].contains("PORT"), "{seen:?}");
}

#[test]
fn it_listens_on_the_same_ports() {
    let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
    for (further, ui) in [(&[][..], true), (&["--headless"], false)] {
        let seen = alike(|executable| {
            let server = TestServer::start(executable, further, "");
            server.wait_until_ready();
            let ports = server.ports;
            let all = [ports.grpc, ports.http, ports.metrics, ports.ui];
            // The UI comes up on its own and may be a moment later.
            eventually("the ports are as they should be", || {
                all.map(listens) == [true, true, true, ui]
            });
            Observations::from([("ports".into(), format!("{:?}", all.map(listens)))])
        });
        assert_eq!(seen["ports"], format!("[true, true, true, {ui}]"));
    }
}

#[test]
fn it_takes_ports_that_are_reserved() {
    alike(|executable| {
        // Bound, never listening: how the supervisor keeps a port.
        let reserve = |port| {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            let address = (Ipv4Addr::LOCALHOST, port).into();
            socket.bind(address).unwrap();
            socket
        };
        let ports = Ports::free();
        let _reserved = [ports.grpc, ports.http, ports.metrics, ports.ui].map(reserve);
        let process = Process::start(executable, ports.arguments(), &[]);
        let mut server = TestServer { process, ports };
        server.wait_until_ready();
        Observations::from([("runs".into(), server.process.runs().to_string())])
    });
}

#[test]
fn it_ends_in_the_same_way() {
    let seen = alike(|executable| {
        let mut seen = Observations::new();
        for signal in [
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
            Signal::SIGKILL,
        ] {
            let mut server = TestServer::start(executable, &["--headless"], "");
            server.wait_until_ready();
            server.process.signal(signal);
            seen.insert(signal.to_string(), server.process.wait().to_string());
        }
        seen
    });
    assert_eq!(seen["SIGTERM"], "exit status: 0");
    assert_eq!(seen["SIGKILL"], "signal: 9 (SIGKILL)");
}

#[test]
fn it_makes_a_database_file() {
    let seen = alike(|executable| {
        let directory = TestDir::new();
        let database = directory.file("temporal.db");
        let path = database.to_str().unwrap();
        let server = TestServer::start(executable, &["--db-filename", path], "");
        server.wait_until_ready();
        let head = std::fs::read(&database).unwrap();
        let head = String::from_utf8_lossy(&head[..16]).into_owned();
        Observations::from([("head".into(), head)])
    });
    assert_eq!(seen["head"], "SQLite format 3\0");
}
