//! Who holds the server, and how long it stays after the last one.
//!
//! Invariant: a lease lives exactly as long as its connection (the kernel closes it, however the client ends). The server
//! is wanted while a lease is held, the linger deadline has not passed, or a lease that was granted has pinned it (then nothing
//! but a stop ends it). Pure: the clock is given.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::task::AbortHandle;

use crate::clock::seconds;
use crate::control::message::{Lease, LeaseRequest};

/// One lease.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// Who holds it, for people.
    pub(crate) lease: Lease,
    /// What was asked for.
    pub(crate) request: LeaseRequest,
    /// Whether its holder was told that the server is ready.
    pub(crate) granted: bool,
    /// The end of its start timeout.
    pub(crate) timer: Option<AbortHandle>,
}

impl Held {
    /// Forgets the start timeout: the lease is granted, or has ended.
    pub(crate) fn stop_timer(&mut self) {
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
    }
}

/// All leases, by the number of their connection.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    held: BTreeMap<u64, Held>,
    /// Until when the server stays without any lease.
    deadline: f64,
    /// Whether it stays for ever.
    pinned: bool,
}

impl Leases {
    /// Adds the lease of a connection.
    pub(crate) fn add(&mut self, id: u64, request: LeaseRequest, since: f64) {
        let lease = Lease {
            pid: request.pid,
            command: request.command.clone(),
            since,
        };
        self.held.insert(
            id,
            Held {
                lease,
                request,
                granted: false,
                timer: None,
            },
        );
    }

    /// Ends the lease of a connection: the deadline moves to now + its linger, if that is later. A lease that was never
    /// granted leaves no linger behind.
    pub(crate) fn end(&mut self, id: u64, now: f64) -> Option<Held> {
        let held = self.held.remove(&id)?;
        if held.granted {
            self.deadline = self.deadline.max(now + held.request.linger);
        }
        Some(held)
    }

    /// Returns the lease of a connection.
    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Held> {
        self.held.get_mut(&id)
    }

    /// Notes that a holder is told that the server is ready; returns who is to be told: all, where that pins the server.
    pub(crate) fn grant(&mut self, id: u64) -> Vec<u64> {
        let Some(held) = self.held.get_mut(&id) else {
            return vec![];
        };
        held.granted = true;
        held.stop_timer();
        if self.pinned || !held.request.pinned {
            return vec![id];
        }
        self.pinned = true;
        let granted = self.held.iter().filter(|(_, held)| held.granted);
        granted.map(|(id, _)| *id).collect()
    }

    /// Tells whether the server stays without any lease, until it is stopped.
    pub(crate) fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// Returns the numbers of all leases.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.held.keys().copied().collect()
    }

    /// Returns the numbers of the leases whose holders still wait for `ready`.
    pub(crate) fn waiting(&self) -> Vec<u64> {
        self.held
            .iter()
            .filter(|(_, held)| !held.granted)
            .map(|(id, _)| *id)
            .collect()
    }

    /// Returns the longest start timeout of all leases; none without any.
    pub(crate) fn longest_start(&self) -> Option<Duration> {
        let timeouts = self.held.values().map(|held| held.request.start_timeout);
        timeouts.map(seconds).max()
    }

    /// Names the holders other than `own`.
    pub(crate) fn others(&self, own: Option<u64>) -> Vec<String> {
        self.held
            .iter()
            .filter(|(id, _)| Some(**id) != own)
            .map(|(_, held)| held.lease.describe())
            .collect()
    }

    /// Lists the leases for a status.
    pub(crate) fn list(&self) -> Vec<Lease> {
        self.held.values().map(|held| held.lease.clone()).collect()
    }

    /// Returns how long the server is wanted from now on: none while that has no end in sight, else the seconds that remain.
    pub(crate) fn remaining(&self, now: f64) -> Option<f64> {
        let is_wanted = self.pinned || !self.held.is_empty();
        (!is_wanted).then(|| (self.deadline - now).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(linger: f64) -> LeaseRequest {
        LeaseRequest {
            linger,
            ..LeaseRequest::of_test("a")
        }
    }

    proptest! {
        #[test]
        fn stays_as_long_as_the_longest_linger(lives in prop::collection::vec((0.0..100.0f64, 0.0..100.0f64), 1..10)) {
            let mut leases = Leases::default();
            for (id, (_, linger)) in lives.iter().enumerate() {
                leases.add(id as u64, request(*linger), 0.0);
                leases.grant(id as u64);
            }
            let mut ends: Vec<(usize, f64)> = lives.iter().map(|(end, _)| *end).enumerate().collect();
            ends.sort_by(|a, b| a.1.total_cmp(&b.1));
            for (id, end) in &ends {
                prop_assert_eq!(leases.remaining(*end), None);
                leases.end(*id as u64, *end);
            }
            let last = ends.last().unwrap().1;
            let until = lives.iter().map(|(end, linger)| end + linger).fold(0.0, f64::max);
            let remaining = leases.remaining(last).unwrap();
            prop_assert!((remaining - (until - last)).abs() < 1e-9);
        }
    }

    #[test]
    fn a_start_that_failed_neither_lingers_nor_pins() {
        let mut leases = Leases::default();
        let pinned = LeaseRequest {
            pinned: true,
            ..request(300.0)
        };
        leases.add(1, pinned, 0.0);
        leases.end(1, 10.0);
        assert_eq!(leases.remaining(10.0), Some(0.0));
    }

    #[test]
    fn a_pinned_server_is_wanted_by_nobody_and_all_who_would_bring_it_back_are_told() {
        let mut leases = Leases::default();
        let pinned = LeaseRequest {
            pinned: true,
            ..request(0.0)
        };
        for (id, request) in [(1, request(0.0)), (2, request(0.0)), (3, pinned.clone())] {
            leases.add(id, request, 0.0);
        }
        assert_eq!(leases.grant(1), [1]);
        assert_eq!(leases.grant(3), [1, 3]);
        // That one is told with its own grant.
        assert_eq!(leases.grant(2), [2]);
        for id in 1..=3 {
            leases.end(id, 1.0);
        }
        assert_eq!(leases.remaining(1e9), None);
    }
}
