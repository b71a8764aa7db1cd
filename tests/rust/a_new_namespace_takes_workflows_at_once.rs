//! A namespace that `create` returned takes workflows, search attributes and deletion, on the real server.
//!
//! The services remember for a second that a namespace they were asked for does not exist: the second test asks first.

use std::collections::BTreeMap;
use std::time::Duration;

use temporal_devserver::error::Error;
use temporal_devserver::temporal::proto::{
    DESCRIBE_WORKFLOW, DescribeWorkflowRequest, Empty, TaskQueue, WorkflowExecution,
};
use temporal_devserver::temporal::search_attributes::{AttributeType, reconcile};
use temporal_devserver::temporal::{Connection, RpcError, Status, namespaces};

use crate::support::{TestServer, on_runtime, real_temporal};

const DAY: Option<Duration> = Some(Duration::from_secs(86400));

/// `temporal.api.common.v1.WorkflowType`.
#[derive(Clone, PartialEq, prost::Message)]
struct WorkflowType {
    #[prost(string, tag = "1")]
    name: String,
}

/// `StartWorkflowExecutionRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct StartWorkflowRequest {
    #[prost(string, tag = "1")]
    namespace: String,
    #[prost(string, tag = "2")]
    workflow_id: String,
    #[prost(message, optional, tag = "3")]
    workflow_type: Option<WorkflowType>,
    #[prost(message, optional, tag = "4")]
    task_queue: Option<TaskQueue>,
    #[prost(string, tag = "10")]
    request_id: String,
}

async fn start_workflow(connection: &Connection, namespace: &str) -> Result<Empty, RpcError> {
    let name = || "anything".to_owned();
    let request = StartWorkflowRequest {
        namespace: namespace.to_owned(),
        workflow_id: name(),
        workflow_type: Some(WorkflowType { name: name() }),
        task_queue: Some(TaskQueue { name: name() }),
        request_id: name(),
    };
    let path = "/temporal.api.workflowservice.v1.WorkflowService/StartWorkflowExecution";
    connection.unary(path, &request).await
}

fn on_real_server(work: impl AsyncFnOnce(&Connection)) {
    let server = TestServer::start(&real_temporal(), &["--headless"], "");
    on_runtime(async { work(&server.ready(&[]).await).await });
}

#[test]
fn it_is_usable_when_create_returns() {
    on_real_server(async |connection| {
        assert_eq!(namespaces::create(connection, "new", DAY).await, Ok(true));
        assert_eq!(start_workflow(connection, "new").await, Ok(Empty {}));
        assert_eq!(namespaces::create(connection, "new", DAY).await, Ok(false));
        let all = namespaces::list(connection).await.unwrap();
        assert_eq!(all, ["default", "new"]);
        namespaces::delete(connection, "new").await.unwrap();
        let all = namespaces::list(connection).await.unwrap();
        assert_eq!(all, ["default"]);
        let error = namespaces::delete(connection, "new").await.unwrap_err();
        assert!(matches!(error, Error::Namespace { .. }), "{error}");
    });
}

#[test]
fn it_is_usable_even_when_it_was_asked_for_before() {
    on_real_server(async |connection| {
        let request = DescribeWorkflowRequest {
            namespace: "new".to_owned(),
            execution: Some(WorkflowExecution::default()),
        };
        let early: Result<Empty, _> = connection.unary(DESCRIBE_WORKFLOW, &request).await;
        assert!(early.is_err());
        let early = start_workflow(connection, "new").await.unwrap_err();
        assert!(early.is(Status::NOT_FOUND), "{early}");
        assert_eq!(namespaces::create(connection, "new", DAY).await, Ok(true));
        assert_eq!(start_workflow(connection, "new").await, Ok(Empty {}));
    });
}

#[test]
fn it_gets_the_search_attributes_that_it_lacks() {
    on_real_server(async |connection| {
        use AttributeType::{Bool, Int, Keyword, Text};
        let wanted = |all: &[(&str, AttributeType)]| -> BTreeMap<String, AttributeType> {
            all.iter().map(|(n, k)| ((*n).to_owned(), *k)).collect()
        };
        let reconcile = async |all| reconcile(connection, "default", &wanted(all)).await;
        assert_eq!(reconcile(&[("Customer", Keyword)]).await, Ok(()));
        let more = [("Customer", Keyword), ("Amount", Int), ("StartTime", Int)];
        assert_eq!(reconcile(&more[..2]).await, Ok(()));
        assert_eq!(reconcile(&more[..2]).await, Ok(()));
        assert!(reconcile(&more).await.is_err());
        let error = reconcile(&[("Customer", Text), ("New", Bool)]).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains("`Customer` is of type Keyword, not Text"));
    });
}
