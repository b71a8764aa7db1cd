//! The two clocks we use: the wall clock for people, the monotonic one for all decisions. And times that others tell us.
//!
//! The Python package reads them, too: no library that replaces Python's clocks in a test reaches the kernel's.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Returns the wall clock in seconds since 1970.
pub fn unix_now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// Returns monotonic seconds since the first call in this process.
pub fn monotonic() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Returns a time that was told in seconds; one that nobody can mean becomes the nearest that can be waited for.
pub fn seconds(told: f64) -> Duration {
    /// 31 years: the bound of the options, too.
    const LONGEST: f64 = 1e9;
    Duration::try_from_secs_f64(told.clamp(0.0, LONGEST)).unwrap_or_default()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Tells whether something holds within ten seconds. What we let go may stay a moment longer: a child that another test has
    /// forked has a copy until its exec.
    pub(crate) fn soon(mut condition: impl FnMut() -> bool) -> bool {
        let began = Instant::now();
        while !condition() {
            if began.elapsed() > Duration::from_secs(10) {
                return false;
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        true
    }

    proptest! {
        #[test]
        fn any_time_that_is_told_can_be_waited_for(told in proptest::num::f64::ANY) {
            prop_assert!(Instant::now().checked_add(seconds(told)).is_some());
        }
    }
}
