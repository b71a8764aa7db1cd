//! Creates, lists and deletes namespaces.
//!
//! Invariant: a namespace that [`create`] returned takes workflows. Registering writes the database; the services
//! remember for a moment that a namespace does not exist, so `create` asks until they know it. One that exists is taken
//! as it is, unless a setting was asked for that it does not have: then it is refused, and left as it is.

use std::time::Duration;

use tokio::time::timeout;

use super::grpc::Connection;
use super::pace::Pace;
use super::probe;
use super::proto::{self, NamespaceState};
use super::status::{RpcError, Status};
use crate::error::{Error, Result};

/// How long a new namespace may take until it is usable; the services forget after a second or two.
const USABLE_WITHIN: Duration = Duration::from_secs(15);
/// The namespace that the server keeps for itself.
pub(crate) const SYSTEM: &str = "temporal-system";
const PAGE: i32 = 1000;
/// How long closed workflows are kept where nobody says it: as by the server's own default.
const RETENTION: Duration = Duration::from_secs(24 * 3600);

/// Creates a namespace and waits until it is usable; tells whether it is new.
pub async fn create(
    connection: &Connection,
    name: &str,
    retention: Option<Duration>,
) -> Result<bool> {
    let mut last = None;
    let usable = async {
        let is_new = register(connection, name, retention, &mut last).await?;
        let mut pace = Pace::new();
        while let Err(error) = probe::history(connection, name).await {
            patience(error, name, &mut last)?;
            pace.pause().await;
        }
        Ok(is_new)
    };
    match timeout(USABLE_WITHIN, usable).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Namespace {
            namespace: name.to_owned(),
            problem: format!(
                "it was not usable within {} s; the server said: {}",
                USABLE_WITHIN.as_secs(),
                last.map_or_else(|| "nothing".to_owned(), |error| error.to_string())
            ),
            remedy: "look at the log of the server, then try again".to_owned(),
        }),
    }
}

/// Lists the namespaces in use, without the server's own.
pub async fn list(connection: &Connection) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut request = proto::ListNamespacesRequest {
        page_size: PAGE,
        next_page_token: Vec::new(),
    };
    loop {
        let answer: proto::ListNamespacesResponse = connection
            .unary(proto::LIST_NAMESPACES, &request)
            .await
            .map_err(|error| refused("*", &error))?;
        let entries = answer.namespaces.into_iter();
        let in_use = entries
            .filter_map(|entry| entry.namespace_info)
            .filter(|info| info.state() != NamespaceState::Deleted && info.name != SYSTEM);
        names.extend(in_use.map(|info| info.name));
        if answer.next_page_token.is_empty() {
            names.sort();
            return Ok(names);
        }
        request.next_page_token = answer.next_page_token;
    }
}

/// Deletes a namespace and all that is in it; its name is free at once, its data goes in the background.
pub async fn delete(connection: &Connection, name: &str) -> Result<()> {
    let request = proto::DeleteNamespaceRequest {
        namespace: name.to_owned(),
    };
    let answer = connection.unary(proto::DELETE_NAMESPACE, &request).await;
    answer
        .map(|proto::Empty {}| ())
        .map_err(|error| refused(name, &error))
}

/// Registers a namespace; one that exists is no error, if it is as asked for.
async fn register(
    connection: &Connection,
    name: &str,
    retention: Option<Duration>,
    last: &mut Option<RpcError>,
) -> Result<bool> {
    let kept_for = retention.unwrap_or(RETENTION);
    let request = proto::RegisterNamespaceRequest {
        namespace: name.to_owned(),
        description: String::new(),
        workflow_execution_retention_period: Some(proto::Duration {
            seconds: i64::try_from(kept_for.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(kept_for.subsec_nanos()).unwrap_or(0),
        }),
    };
    let mut pace = Pace::new();
    loop {
        match connection.unary(proto::REGISTER_NAMESPACE, &request).await {
            Ok(proto::Empty {}) => return Ok(true),
            Err(error) if error.is(Status::ALREADY_EXISTS) => match retention {
                None => return Ok(false),
                Some(asked) => return keeps_for(connection, name, asked).await.map(|()| false),
            },
            Err(error) => patience(error, name, last)?,
        }
        pace.pause().await;
    }
}

/// Refuses a namespace that keeps its closed workflows for another time than `asked`.
async fn keeps_for(connection: &Connection, name: &str, asked: Duration) -> Result<()> {
    let request = proto::DescribeNamespaceRequest {
        namespace: name.to_owned(),
    };
    let answer: proto::DescribeNamespaceResponse = connection
        .unary(proto::DESCRIBE_NAMESPACE, &request)
        .await
        .map_err(|error| refused(name, &error))?;
    let kept = answer
        .config
        .and_then(|it| it.workflow_execution_retention_ttl);
    let kept = Duration::new(
        kept.map_or(0, |it| it.seconds.unsigned_abs()),
        kept.map_or(0, |it| it.nanos.unsigned_abs()),
    );
    if kept == asked {
        return Ok(());
    }
    Err(Error::Namespace {
        namespace: name.to_owned(),
        problem: format!(
            "it exists, and keeps closed workflows for {} s, not for {} s",
            kept.as_secs_f64(),
            asked.as_secs_f64()
        ),
        remedy: "use it without `retention`, delete it first, or choose another name".to_owned(),
    })
}

/// Lets pass what goes away by itself: not known yet, too many at once, a service that is not there yet.
fn patience(error: RpcError, name: &str, last: &mut Option<RpcError>) -> Result<()> {
    let passing = [
        Status::NOT_FOUND,
        Status::RESOURCE_EXHAUSTED,
        Status::UNAVAILABLE,
    ];
    if passing.iter().any(|status| error.is(*status)) {
        *last = Some(error);
        return Ok(());
    }
    Err(refused(name, &error))
}

/// Makes our error of the server's, with a remedy that fits.
pub(super) fn refused(namespace: &str, error: &RpcError) -> Error {
    let is_full = error.message.contains(super::search_attributes::FULL);
    let remedy = match error.status {
        Some(Status::INVALID_ARGUMENT) if is_full => {
            "leave some search attributes out, or give them another type: their number is a fixed limit of the server"
        }
        Some(Status::RESOURCE_EXHAUSTED | Status::UNAVAILABLE) => "wait a moment, then try again",
        None => "the server may be restarting: wait until it is ready, then try again",
        Some(Status::NOT_FOUND) => "list the namespaces to see which exist, or create it",
        Some(Status::INVALID_ARGUMENT) => "choose another name or value",
        Some(_) => "look at the log of the server",
    };
    Error::Namespace {
        namespace: namespace.to_owned(),
        problem: error.to_string(),
        remedy: remedy.to_owned(),
    }
}
