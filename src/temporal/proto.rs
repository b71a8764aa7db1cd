//! The few messages of Temporal's API that we use, written as `prost` structs so that no protoc is needed.
//!
//! Invariant: names and field numbers are those of the public `temporalio/api` definitions, and only fields that we set
//! or read are listed: a decoder skips what it does not know, so messages of newer servers still fit.

use std::collections::HashMap;

/// The namespace that every server has.
pub const DEFAULT_NAMESPACE: &str = "default";

/// Path of `grpc.health.v1.Health/Check`.
pub const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";
/// Path of `WorkflowService/RegisterNamespace`.
pub const REGISTER_NAMESPACE: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/RegisterNamespace";
/// Path of `WorkflowService/DescribeNamespace`.
pub const DESCRIBE_NAMESPACE: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/DescribeNamespace";
/// Path of `WorkflowService/ListNamespaces`.
pub const LIST_NAMESPACES: &str = "/temporal.api.workflowservice.v1.WorkflowService/ListNamespaces";
/// Path of `WorkflowService/DescribeWorkflowExecution`.
pub const DESCRIBE_WORKFLOW: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/DescribeWorkflowExecution";
/// Path of `WorkflowService/DescribeTaskQueue`.
pub const DESCRIBE_TASK_QUEUE: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/DescribeTaskQueue";
/// Path of `WorkflowService/CountWorkflowExecutions`.
pub const COUNT_WORKFLOWS: &str =
    "/temporal.api.workflowservice.v1.WorkflowService/CountWorkflowExecutions";
/// Path of `OperatorService/AddSearchAttributes`.
pub const ADD_SEARCH_ATTRIBUTES: &str =
    "/temporal.api.operatorservice.v1.OperatorService/AddSearchAttributes";
/// Path of `OperatorService/ListSearchAttributes`.
pub const LIST_SEARCH_ATTRIBUTES: &str =
    "/temporal.api.operatorservice.v1.OperatorService/ListSearchAttributes";
/// Path of `OperatorService/DeleteNamespace`.
pub const DELETE_NAMESPACE: &str =
    "/temporal.api.operatorservice.v1.OperatorService/DeleteNamespace";

/// An answer of which nothing is read.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Empty {}

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthCheckRequest {
    /// The service asked about; empty means the whole server.
    #[prost(string, tag = "1")]
    pub service: String,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthCheckResponse {
    /// What the server says about itself.
    #[prost(enumeration = "ServingStatus", tag = "1")]
    pub status: i32,
}

/// `grpc.health.v1.HealthCheckResponse.ServingStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum ServingStatus {
    /// Not told.
    Unknown = 0,
    /// Takes requests.
    Serving = 1,
    /// Starting or stopping.
    NotServing = 2,
    /// No such service.
    ServiceUnknown = 3,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Duration {
    /// Whole seconds.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// The rest, in nanoseconds.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `RegisterNamespaceRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct RegisterNamespaceRequest {
    /// Name of the new namespace.
    #[prost(string, tag = "1")]
    pub namespace: String,
    /// Text shown in the web UI.
    #[prost(string, tag = "2")]
    pub description: String,
    /// How long closed workflows are kept; must be given.
    #[prost(message, optional, tag = "4")]
    pub workflow_execution_retention_period: Option<Duration>,
}

/// `DescribeNamespaceRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DescribeNamespaceRequest {
    /// Name of the namespace.
    #[prost(string, tag = "1")]
    pub namespace: String,
}

/// `DescribeNamespaceResponse`, also the entry of [`ListNamespacesResponse`].
#[derive(Clone, PartialEq, prost::Message)]
pub struct DescribeNamespaceResponse {
    /// Name and state.
    #[prost(message, optional, tag = "1")]
    pub namespace_info: Option<NamespaceInfo>,
    /// Its settings.
    #[prost(message, optional, tag = "2")]
    pub config: Option<NamespaceConfig>,
}

/// `temporal.api.namespace.v1.NamespaceConfig`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NamespaceConfig {
    /// How long closed workflows are kept.
    #[prost(message, optional, tag = "1")]
    pub workflow_execution_retention_ttl: Option<Duration>,
}

/// `temporal.api.namespace.v1.NamespaceInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NamespaceInfo {
    /// Name of the namespace.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Whether it is in use or deleted.
    #[prost(enumeration = "NamespaceState", tag = "2")]
    pub state: i32,
}

/// `temporal.api.enums.v1.NamespaceState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum NamespaceState {
    /// Not told.
    Unspecified = 0,
    /// In use.
    Registered = 1,
    /// In use, but takes no new workflows.
    Deprecated = 2,
    /// Being deleted.
    Deleted = 3,
}

/// `ListNamespacesRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListNamespacesRequest {
    /// Most entries in one answer.
    #[prost(int32, tag = "1")]
    pub page_size: i32,
    /// Token of the answer before; empty for the first page.
    #[prost(bytes = "vec", tag = "2")]
    pub next_page_token: Vec<u8>,
}

/// `ListNamespacesResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListNamespacesResponse {
    /// The namespaces of this page.
    #[prost(message, repeated, tag = "1")]
    pub namespaces: Vec<DescribeNamespaceResponse>,
    /// Token for the next page; empty on the last one.
    #[prost(bytes = "vec", tag = "2")]
    pub next_page_token: Vec<u8>,
}

/// `DescribeWorkflowExecutionRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DescribeWorkflowRequest {
    /// Name of the namespace.
    #[prost(string, tag = "1")]
    pub namespace: String,
    /// Which workflow.
    #[prost(message, optional, tag = "2")]
    pub execution: Option<WorkflowExecution>,
}

/// `temporal.api.common.v1.WorkflowExecution`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct WorkflowExecution {
    /// The workflow id.
    #[prost(string, tag = "1")]
    pub workflow_id: String,
}

/// `DescribeTaskQueueRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DescribeTaskQueueRequest {
    /// Name of the namespace.
    #[prost(string, tag = "1")]
    pub namespace: String,
    /// Which task queue.
    #[prost(message, optional, tag = "2")]
    pub task_queue: Option<TaskQueue>,
    /// 1 is a queue of workflow tasks.
    #[prost(int32, tag = "3")]
    pub task_queue_type: i32,
}

/// `temporal.api.taskqueue.v1.TaskQueue`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TaskQueue {
    /// Name of the queue.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// `CountWorkflowExecutionsRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CountWorkflowsRequest {
    /// Name of the namespace.
    #[prost(string, tag = "1")]
    pub namespace: String,
    /// The search; empty for all workflows.
    #[prost(string, tag = "2")]
    pub query: String,
}

/// `CountWorkflowExecutionsResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CountWorkflowsResponse {
    /// How many workflows the search finds.
    #[prost(int64, tag = "1")]
    pub count: i64,
}

/// `AddSearchAttributesRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AddSearchAttributesRequest {
    /// Name and `IndexedValueType` of each new attribute.
    #[prost(map = "string, int32", tag = "1")]
    pub search_attributes: HashMap<String, i32>,
    /// Name of the namespace.
    #[prost(string, tag = "2")]
    pub namespace: String,
}

/// `ListSearchAttributesRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListSearchAttributesRequest {
    /// Name of the namespace.
    #[prost(string, tag = "1")]
    pub namespace: String,
}

/// `ListSearchAttributesResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ListSearchAttributesResponse {
    /// Name and `IndexedValueType` of each attribute that a user added.
    #[prost(map = "string, int32", tag = "1")]
    pub custom_attributes: HashMap<String, i32>,
    /// Name and `IndexedValueType` of each attribute that every server has.
    #[prost(map = "string, int32", tag = "2")]
    pub system_attributes: HashMap<String, i32>,
}

/// `DeleteNamespaceRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeleteNamespaceRequest {
    /// Name of the namespace.
    #[prost(string, tag = "1")]
    pub namespace: String,
}
