//! The restart budget: how long to wait before a restart, and when to give up.
//!
//! Invariant: of the unplanned exits within `window`, `limit` are answered by a restart and the next one by giving up;
//! so are `never_ready_limit` exits in a row of a server that was never ready. A process that had been ready is restarted at
//! once: the limit bounds its restarts, so a delay would only lengthen the outage. Back-off is for processes that end before
//! they are ready, which the next start probably meets as well. Pure: the clock and the dice are given.

use std::collections::VecDeque;

use crate::options::Restart;

/// What follows an exit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// Start again after this many seconds.
    RestartAfter(f64),
    /// It was never ready, again and again.
    NeverReady,
    /// It has ended too often.
    TooOften {
        /// Restarts within the window.
        restarts: u32,
        /// The window, in seconds.
        window: f64,
    },
}

/// The exits so far, as far as they count.
#[derive(Debug, Clone)]
pub struct Budget {
    policy: Restart,
    /// When the server was restarted, within the window.
    restarted: VecDeque<f64>,
    /// Exits without being ready, by chance or not, since a process was last ready for `reset_after`.
    backed_off: u32,
    /// Exits in a row without being ready, except those by chance.
    never_ready: u32,
}

impl Budget {
    /// Returns a fresh budget.
    pub fn new(policy: Restart) -> Self {
        Self {
            policy,
            restarted: VecDeque::new(),
            backed_off: 0,
            never_ready: 0,
        }
    }

    /// Forgets all exits, as an explicit restart does.
    pub fn forget(&mut self) {
        *self = Self::new(self.policy);
    }

    /// Takes one unplanned exit. `healthy_for`: seconds since it was ready, none if it never was. `by_chance`: it ended
    /// for a reason that the next start will not meet. `dice`: 0 to 1, for the jitter.
    pub fn exited(
        &mut self,
        healthy_for: Option<f64>,
        by_chance: bool,
        now: f64,
        dice: f64,
    ) -> Verdict {
        if let Some(seconds) = healthy_for {
            self.never_ready = 0;
            if seconds >= self.policy.reset_after {
                self.backed_off = 0;
            }
        } else {
            self.never_ready += u32::from(!by_chance);
            self.backed_off += 1;
        }
        while self
            .restarted
            .front()
            .is_some_and(|then| now - then >= self.policy.window)
        {
            self.restarted.pop_front();
        }
        if self.never_ready >= self.policy.never_ready_limit {
            return Verdict::NeverReady;
        }
        let restarts = u32::try_from(self.restarted.len()).unwrap_or(u32::MAX);
        if restarts >= self.policy.limit {
            return Verdict::TooOften {
                restarts,
                window: self.policy.window,
            };
        }
        self.restarted.push_back(now);
        Verdict::RestartAfter(match healthy_for {
            Some(_) => 0.0,
            None => self.delay(dice),
        })
    }

    /// The delay doubles from one exit without being ready to the next, up to a cap, with ±20 % jitter.
    fn delay(&self, dice: f64) -> f64 {
        let doublings = self.backed_off.saturating_sub(1).min(30);
        let delay = self.policy.initial_delay * f64::from(1_u32 << doublings);
        delay.min(self.policy.max_delay) * (0.8 + 0.4 * dice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_more_restarts_in_a_window_than_the_limit(
            exits in prop::collection::vec((0.0..20.0f64, prop::option::of(0.0..100.0f64), any::<bool>(), 0.0..1.0f64), 1..60),
            limit in 0_u32..8,
        ) {
            let policy = Restart { limit, ..Restart::default() };
            let mut budget = Budget::new(policy);
            let mut now = 0.0;
            let mut restarts: Vec<f64> = vec![];
            for (gap, healthy, by_chance, dice) in exits {
                now += gap;
                if let Verdict::RestartAfter(delay) = budget.exited(healthy, by_chance, now, dice) {
                    prop_assert!((0.0..=policy.max_delay * 1.2).contains(&delay));
                    restarts.push(now);
                }
                let within = restarts.iter().filter(|then| now - **then < policy.window).count();
                prop_assert!(within <= limit as usize);
            }
        }

        #[test]
        fn gives_up_on_a_server_that_is_never_ready(dice in 0.0..1.0f64, gap in 0.0..100.0f64) {
            let mut budget = Budget::new(Restart { limit: 100, ..Restart::default() });
            prop_assert!(matches!(budget.exited(None, false, 0.0, dice), Verdict::RestartAfter(_)));
            prop_assert!(matches!(budget.exited(None, false, gap, dice), Verdict::RestartAfter(_)));
            prop_assert_eq!(budget.exited(None, false, 2.0 * gap, dice), Verdict::NeverReady);
        }
    }

    proptest! {
        #[test]
        fn a_server_that_had_been_ready_is_restarted_at_once(
            exits in prop::collection::vec((prop::option::of(0.0..100.0f64), any::<bool>(), 0.0..1.0f64), 1..60),
        ) {
            let policy = Restart { limit: u32::MAX, never_ready_limit: u32::MAX, ..Restart::default() };
            let mut budget = Budget::new(policy);
            for (healthy_for, by_chance, dice) in exits {
                let verdict = budget.exited(healthy_for, by_chance, 0.0, dice);
                if healthy_for.is_some() {
                    prop_assert_eq!(verdict, Verdict::RestartAfter(0.0));
                }
            }
        }
    }

    /// Returns the delays of a budget without a limit after these exits.
    fn delays(exits: &[Option<f64>]) -> Vec<f64> {
        let mut budget = Budget::new(Restart {
            limit: u32::MAX,
            never_ready_limit: u32::MAX,
            ..Restart::default()
        });
        let delay = |healthy_for: &Option<f64>| match budget.exited(*healthy_for, false, 0.0, 0.5) {
            Verdict::RestartAfter(delay) => delay,
            verdict => panic!("{verdict:?}"),
        };
        exits.iter().map(delay).collect()
    }

    #[test]
    fn delays_double_between_exits_without_ready() {
        let expected = [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0];
        assert_eq!(delays(&[None; 10]), expected);
    }

    #[test]
    fn delays_begin_anew_after_health_of_reset_after() {
        let short = delays(&[None, None, Some(59.0), None]);
        assert_eq!(short, [0.1, 0.2, 0.0, 0.4]);
        let long = delays(&[None, None, Some(60.0), None]);
        assert_eq!(long, [0.1, 0.2, 0.0, 0.1]);
    }
}
