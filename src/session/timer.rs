//! A time to wait for, as a descriptor: readable when the time has passed.
//!
//! The fact: a timerfd runs by the kernel's monotonic clock. A program that replaces the clock of its Python, as a test that
//! freezes time does, stops neither the timer nor the event loop that waits for the descriptor. The kernel of macOS has the
//! same as a kqueue with `EVFILT_TIMER`; this file is the one place that would know.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};
use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::clock::seconds;
use crate::session::registered::Registered;

/// A timer that goes off once.
#[derive(Debug)]
pub struct Timer(Registered<TimerFd>);

impl Timer {
    /// Starts a timer; it goes off after so many seconds, and a time of zero or less at once.
    pub fn start(after: f64) -> io::Result<Self> {
        // The kernel takes zero for a timer that never goes off.
        let after = seconds(after).max(Duration::from_nanos(1));
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        let timer = Registered::new(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?);
        let once = Expiration::OneShot(TimeSpec::from_duration(after));
        timer.set(once, TimerSetTimeFlags::empty())?;
        Ok(Self(timer))
    }

    /// Returns the descriptor.
    pub fn fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::wait_readable;
    use proptest::prelude::*;
    use std::time::Instant;

    #[test]
    fn a_timer_is_readable_after_its_time_and_not_before() {
        for after in [0.0, -1.0, 0.02] {
            let (began, timer) = (Instant::now(), Timer::start(after).unwrap());
            wait_readable(&[timer.fd()], Some(Duration::from_secs(10))).unwrap();
            assert!(began.elapsed() >= seconds(after));
            assert!(began.elapsed() < Duration::from_secs(9));
        }
    }

    proptest! {
        #[test]
        fn any_time_can_be_given(after in proptest::num::f64::ANY) {
            prop_assert!(Timer::start(after).is_ok());
        }
    }
}
