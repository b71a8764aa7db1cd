//! What a step machine waits for: it never waits itself, and says so instead.

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// Between two looks at a lock; nobody tells a process that does not block when a lock is free.
pub(crate) const PAUSE: Duration = Duration::from_millis(3);

/// What to wait for before the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Until this descriptor is readable.
    pub fd: Option<RawFd>,
    /// At the latest until then.
    pub until: Option<Instant>,
}

impl Wait {
    /// Waits for a time.
    pub(crate) fn pause(duration: Duration) -> Self {
        Self {
            fd: None,
            until: Some(Instant::now() + duration),
        }
    }
}
