//! The events of one supervisor's life, numbered, the last thousand kept for replay.
//!
//! Invariant: numbers are consecutive from 1 within one identity; a reader that knows another identity gets all we have.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use crate::clock::unix_now;
use crate::control::message::{Event, Kind, Level};
use crate::supervisor::transition::Transition;

/// How many events are kept.
const KEPT: usize = 1000;

/// The events so far.
#[derive(Debug)]
pub(crate) struct Events {
    identity: String,
    seq: u64,
    kept: VecDeque<Event>,
}

impl Events {
    /// Returns an empty list for a supervisor's life.
    pub(crate) fn new(identity: String) -> Self {
        Self {
            identity,
            seq: 0,
            kept: VecDeque::new(),
        }
    }

    /// Returns the identity of this life.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// Numbers and keeps one transition.
    pub(crate) fn push(&mut self, transition: &Transition) -> Event {
        let (kind, data) = transition.parts();
        let pid = data
            .get("pid")
            .and_then(|pid| i32::try_from(pid.as_i64()?).ok());
        self.seq += 1;
        let message = transition.to_string();
        let event = self.event(kind, pid, transition.level(), message, data);
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(event.clone());
        event
    }

    /// Returns the marker for a reader that was too slow; it carries the number of the last event.
    pub(crate) fn lost(&self) -> Event {
        let message = "events were lost, for this reader was too slow".to_owned();
        self.event(Kind::Lost, None, Level::Warning, message, Map::new())
    }

    /// Returns the events after the one a reader knows.
    pub(crate) fn since(&self, since: Option<&(String, u64)>) -> Vec<Event> {
        let known = match since {
            Some((identity, seq)) if *identity == self.identity => *seq,
            _ => 0,
        };
        self.kept
            .iter()
            .filter(|event| event.seq > known)
            .cloned()
            .collect()
    }

    fn event(
        &self,
        kind: Kind,
        pid: Option<i32>,
        level: Level,
        message: String,
        data: Map<String, Value>,
    ) -> Event {
        Event {
            kind,
            seq: self.seq,
            time: unix_now(),
            server: self.identity.clone(),
            pid,
            level,
            message,
            data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replay_goes_on_after_the_last_event_known() {
        let mut events = Events::new("me".to_owned());
        for pid in 1..=1500 {
            events.push(&Transition::Starting { pid });
        }
        let seqs = |since: Option<(String, u64)>| -> (usize, Option<u64>) {
            let replay = events.since(since.as_ref());
            (replay.len(), replay.first().map(|event| event.seq))
        };
        assert_eq!(seqs(None), (1000, Some(501)));
        assert_eq!(seqs(Some(("other".to_owned(), 1400))), (1000, Some(501)));
        assert_eq!(seqs(Some(("me".to_owned(), 1400))), (100, Some(1401)));
        assert_eq!(seqs(Some(("me".to_owned(), 1500))), (0, None));
    }
}
