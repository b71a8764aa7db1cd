//! What a client does about a supervisor that was killed: how often it brings the server back, and what it tells.
//!
//! Invariant: of the supervisors that a lease loses within `window`, `limit` are replaced and the next one is given up: the
//! option `restart` bounds them as it bounds the server's own restarts. A start that is not granted yet has no such option
//! of a running server to obey, so the default bounds it.

use std::collections::VecDeque;
use std::time::Instant;

use serde_json::{Map, json};

use crate::clock::{seconds, unix_now};
use crate::control::message::{Event, Kind, Level, Welcome};
use crate::options::Restart;

/// The supervisors that were lost and replaced, within the window.
#[derive(Debug, Default)]
pub(crate) struct Heals {
    policy: Restart,
    replaced: VecDeque<Instant>,
}

impl Heals {
    /// Obeys the policy of the server that was granted; a start that is over does not count for its lease.
    pub(crate) fn granted(&mut self, policy: Restart, is_healed: bool) {
        self.policy = policy;
        if !is_healed {
            self.replaced.clear();
        }
    }

    /// Counts one more; an error says why there may be none.
    pub(crate) fn allow(&mut self, now: Instant) -> Result<(), String> {
        let Restart { limit, window, .. } = self.policy;
        let is_old = |then: &Instant| now.duration_since(*then) >= seconds(window);
        while self.replaced.front().is_some_and(is_old) {
            self.replaced.pop_front();
        }
        if limit == 0 {
            return Err("the option `restart` has `limit` 0".to_owned());
        }
        if self.replaced.len() >= limit as usize {
            return Err(format!(
                "it was lost {} times within {window} s",
                u64::from(limit) + 1
            ));
        }
        self.replaced.push_back(now);
        Ok(())
    }
}

/// Returns the event that the dead supervisor can no longer send.
pub(crate) fn exited(welcome: Option<&Welcome>, pid: Option<i32>) -> Event {
    let supervisor = welcome.map_or(0, |welcome| welcome.pid);
    let server = pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
    Event {
        kind: Kind::Exited,
        seq: 0,
        time: unix_now(),
        server: welcome.map_or_else(String::new, |welcome| welcome.identity.clone()),
        pid,
        level: Level::Warning,
        message: format!(
            "server{server} ended with its supervisor (pid {supervisor}), which was lost; both are started again"
        ),
        data: Map::from_iter([("cause".to_owned(), json!("supervisor lost"))]),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(start: Instant, second: u64) -> Instant {
        start + Duration::from_secs(second)
    }

    #[test]
    fn a_client_gives_up_on_supervisors_that_keep_dying() {
        let (mut heals, start) = (Heals::default(), Instant::now());
        for second in 0..5 {
            assert_eq!(heals.allow(at(start, second)), Ok(()));
        }
        let refusal = heals.allow(at(start, 5)).unwrap_err();
        assert_eq!(refusal, "it was lost 6 times within 60 s");
        assert_eq!(heals.allow(at(start, 60)), Ok(()));
    }

    #[test]
    fn a_client_obeys_the_restart_option_of_its_server() {
        let (mut heals, start) = (Heals::default(), Instant::now());
        let policy = Restart {
            limit: 7,
            window: 10.0,
            ..Restart::default()
        };
        heals.granted(policy, false);
        for _ in 0..7 {
            assert_eq!(heals.allow(start), Ok(()));
            heals.granted(policy, true);
        }
        let refusal = heals.allow(at(start, 9)).unwrap_err();
        assert_eq!(refusal, "it was lost 8 times within 10 s");
        assert_eq!(heals.allow(at(start, 10)), Ok(()));
        heals.granted(Restart { limit: 0, ..policy }, false);
        assert!(heals.allow(at(start, 99)).is_err());
    }
}
