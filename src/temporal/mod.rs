//! Everything we say to a Temporal server, over gRPC.
//!
//! Invariant: whoever waits here is cancelled by dropping the future; a call leaves nothing behind but a reset stream.
//!
//! # Layout
//!
//! - [`proto`]: the messages, field by field as in the public API definitions.
//! - [`grpc`]: one call over one HTTP/2 connection, and the [`Connection`] that is kept.
//! - [`probe`]: the ladder from "something listens" to "it can do the work".
//! - [`namespaces`]: create, list and delete namespaces.
//! - [`search_attributes`]: add the search attributes that are missing.

pub mod grpc;
pub mod namespaces;
pub mod probe;
pub mod proto;
pub mod search_attributes;

mod frame;
mod pace;
mod status;

pub use grpc::Connection;
pub use probe::{Climb, Layer, Probe, liveness, wait_until_ready};
pub use search_attributes::{AttributeType, reconcile};
pub use status::{RpcError, Status};
