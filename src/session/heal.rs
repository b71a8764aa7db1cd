//! What a client does about a supervisor that was killed: how often it brings the server back, and what it tells.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::{Map, json};

use crate::clock::unix_now;
use crate::control::message::{Event, Kind, Level, Welcome};

/// Supervisors that may be lost within the window before a client gives up.
const LIMIT: usize = 5;

/// The window.
const WINDOW: Duration = Duration::from_secs(60);

/// The heals so far, within the window.
#[derive(Debug, Default)]
pub(crate) struct Heals(VecDeque<Instant>);

impl Heals {
    /// Counts one more; an error says why there may be none.
    pub(crate) fn allow(&mut self, now: Instant) -> Result<(), String> {
        while self.0.front().is_some_and(|then| now - *then >= WINDOW) {
            self.0.pop_front();
        }
        if self.0.len() >= LIMIT {
            return Err(format!(
                "it was lost {} times within {} s",
                LIMIT + 1,
                WINDOW.as_secs()
            ));
        }
        self.0.push_back(now);
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
    use super::*;

    #[test]
    fn a_client_gives_up_on_supervisors_that_keep_dying() {
        let (mut heals, start) = (Heals::default(), Instant::now());
        for second in 0..5 {
            assert_eq!(heals.allow(start + Duration::from_secs(second)), Ok(()));
        }
        assert!(heals.allow(start + Duration::from_secs(5)).is_err());
        assert_eq!(heals.allow(start + Duration::from_secs(60)), Ok(()));
    }
}
