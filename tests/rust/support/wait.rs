//! Waiting for a condition, never for time.

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up; far more than it needs, for the machine may be busy.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Waits until a condition holds; fails the test, saying what it waited for, when it does not in time.
///
/// A lock that was let go may be held for another instant: by the copy of a child that another test has forked and that
/// has not come to its exec yet. So even what must be true at once is waited for.
#[track_caller]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that waits by asking again"
)]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < LONG, "not within {LONG:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}
