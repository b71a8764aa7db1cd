//! How a call failed: the status codes of gRPC and the error every call returns.
//!
//! Invariant: a `status` is only ever what the server said; where it said nothing (refused, closed, garbage) it is absent.

use std::fmt;

/// A gRPC status code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

impl Status {
    /// Success.
    pub const OK: Self = Self(0);
    /// The request makes no sense.
    pub const INVALID_ARGUMENT: Self = Self(3);
    /// There is no such thing.
    pub const NOT_FOUND: Self = Self(5);
    /// There is already such a thing.
    pub const ALREADY_EXISTS: Self = Self(6);
    /// Who asks may not.
    pub const PERMISSION_DENIED: Self = Self(7);
    /// Too many requests.
    pub const RESOURCE_EXHAUSTED: Self = Self(8);
    /// The server, or a part of it, is not there (yet).
    pub const UNAVAILABLE: Self = Self(14);
    /// Who asks has not said who it is.
    pub const UNAUTHENTICATED: Self = Self(16);
}

/// The names of the codes, as gRPC writes them.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = usize::try_from(self.0).ok().and_then(|at| NAMES.get(at));
        match name {
            Some(name) => f.write_str(name),
            None => write!(f, "status {}", self.0),
        }
    }
}

/// A call that gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", status.map(|s| format!("{s}: ")).unwrap_or_default())]
pub struct RpcError {
    /// What the server said; absent where the server did not get to say anything.
    pub status: Option<Status>,
    /// What went wrong, in words.
    pub message: String,
}

impl RpcError {
    /// Makes an error of the transport: the server said nothing, or nothing that makes sense.
    pub(super) fn transport(what: &str, cause: impl fmt::Display) -> Self {
        Self {
            status: None,
            message: format!("{what}: {cause}"),
        }
    }

    /// Tells whether the server answered with this status.
    pub fn is(&self, status: Status) -> bool {
        self.status == Some(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_like_grpc() {
        let error = |status| RpcError {
            status,
            message: "m".into(),
        };
        assert_eq!(error(Some(Status(5))).to_string(), "NOT_FOUND: m");
        assert_eq!(error(Some(Status(99))).to_string(), "status 99: m");
        assert_eq!(error(None).to_string(), "m");
    }
}
